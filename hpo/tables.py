"""Fronts and trials as tables: one list of columns for the terminal, CSV and the report."""

import csv
import io
from collections.abc import Sequence
from typing import Any

from hpo.queries import FrontDesign

UNITS = {
    "accuracy": ("accuracy %", 100.0, 2),
    "latency_us": ("latency us", 1.0, 2),
    "latency_us_p99": ("p99 us", 1.0, 2),
    "energy_uj": ("energy uJ", 1.0, 4),
    "spikes_per_inference": ("spikes", 1.0, 1),
    "luts": ("LUT (est.)", 1.0, 0),
    "ffs": ("FF (est.)", 1.0, 0),
    "bram36": ("BRAM36 (est.)", 1.0, 1),
    "dsps": ("DSP (est.)", 1.0, 0),
}
"""Per measure: heading with unit, factor, digits."""

SHOWN_MEASURES = ("accuracy", "latency_us", "energy_uj", "luts", "bram36")
MAIN_PARAMETERS = (
    "hidden_width", "neuron", "beta", "threshold", "reset", "surrogate", "time_steps", "weight_bits", "lanes",
)  # fmt: skip


def measure_text(name: str, value: float) -> str:
    """A measure as people read it, without its unit."""
    _, factor, digits = UNITS[name]
    return f"{value * factor:.{digits}f}"


def parameter_text(value: Any) -> str:
    """A hyperparameter as people read it."""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        return "/".join(parameter_text(part) for part in value)
    return str(value)


def front_columns(designs: Sequence[FrontDesign]) -> list[str]:
    """Headings of the front's table."""
    tested = any(d.design.test_measures for d in designs)
    names = [UNITS[m][0] for m in SHOWN_MEASURES]
    return ["design", *names, *(["test accuracy %"] if tested else []), *MAIN_PARAMETERS]


def front_row(found: FrontDesign, columns: Sequence[str]) -> list[str]:
    """One design under those headings."""
    values = {"design": found.name}
    values |= {UNITS[m][0]: measure_text(m, found.design.measures[m]) for m in SHOWN_MEASURES}
    tested = (found.design.test_measures or {}).get("accuracy")
    values["test accuracy %"] = "" if tested is None else measure_text("accuracy", tested)
    values |= {p: parameter_text(v) for p, v in {**found.config, **found.design.config}.items()}
    return [values.get(column, "") for column in columns]


def front_csv(designs: Sequence[FrontDesign]) -> str:
    """The front as CSV: every measure in its own unit, every hyperparameter, full precision."""
    rows = [_flat(found) for found in designs]
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _flat(found: FrontDesign) -> dict[str, Any]:
    tested = {f"test_{name}": value for name, value in (found.design.test_measures or {}).items()}
    accelerator = {**found.design.config, "lanes": parameter_text(found.design.config["lanes"])}
    return {"design": found.name, **found.design.measures, **tested, **found.config, **accelerator}
