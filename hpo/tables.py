"""Fronts and trials as tables: one list of columns for the terminal, CSV and the report."""

import csv
import io
import math
from collections.abc import Iterable, Sequence
from typing import Any

from hpo.queries import FrontDesign
from workers.layout import fill
from workers.parameters import TrialParameters

UNITS: dict[str, tuple[str, float, int | None]] = {
    "accuracy": ("accuracy %", 100.0, 2),
    "latency_us": ("latency us", 1.0, None),
    "latency_us_p99": ("p99 us", 1.0, None),
    "energy_uj": ("energy uJ", 1.0, None),
    "spikes_per_inference": ("spikes", 1.0, 1),
    "luts": ("LUT (est.)", 1.0, 0),
    "ffs": ("FF (est.)", 1.0, 0),
    "bram36": ("BRAM36 (est.)", 1.0, 1),
    "dsps": ("DSP (est.)", 1.0, 0),
}
"""Per measure: heading with unit, factor, digits behind the point (None: four significant ones)."""

SHOWN_MEASURES = ("accuracy", "latency_us", "energy_uj", "luts", "bram36")
MAIN_PARAMETERS = (
    "network", "lanes", "hidden_width", "time_steps", "weight_bits", "encoding", "neuron", "beta",
    "threshold", "reset", "surrogate",
)  # fmt: skip


def measure_text(name: str, value: float) -> str:
    """A measure as people read it, without its unit."""
    _, factor, digits = UNITS[name]
    if digits is None:
        whole = math.floor(math.log10(abs(value * factor))) + 1 if value else 1
        digits = max(0, 4 - whole)
    return f"{value * factor:.{digits}f}"


def parameter_text(value: Any) -> str:
    """A hyperparameter as people read it."""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        return "/".join(parameter_text(part) for part in value)
    return str(value)


def front_columns(designs: Sequence[FrontDesign], objectives: Iterable[str]) -> list[str]:
    """Headings of the front's table: objectives, other measures, parameters in which its designs differ."""
    tested = any(d.design.test_measures for d in designs)
    names = [UNITS[m][0] for m in dict.fromkeys((*objectives, *SHOWN_MEASURES))]
    settings = [_settings(found) for found in designs]
    differing = [p for p in MAIN_PARAMETERS if len({s[p] for s in settings}) > 1]
    return ["design", *names, *(["test accuracy %"] if tested else []), *differing]


def front_row(found: FrontDesign, columns: Sequence[str]) -> list[str]:
    """One design under those headings."""
    values = {"design": found.name}
    values |= {heading: measure_text(m, found.design.measures[m]) for m, (heading, _, _) in UNITS.items()}
    tested = (found.design.test_measures or {}).get("accuracy")
    values["test accuracy %"] = "" if tested is None else measure_text("accuracy", tested)
    values |= _settings(found)
    return [values[column] for column in columns]


def _settings(found: FrontDesign) -> dict[str, str]:
    """The main parameters of a design, defaults included, the network's text with its variables filled in."""
    given = fill({**found.config, **found.design.config})
    defaults = {name: field.default for name, field in TrialParameters.model_fields.items()}
    return {name: parameter_text(given.get(name, defaults[name])) for name in MAIN_PARAMETERS}


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
