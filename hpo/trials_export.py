"""A campaign's trials for other tools: CSV, JSON, a pandas frame. Streamed: memory does not grow with trials.

A design has the measures, so each design is a row of its own, beside its trial's values; a trial without a
design is one row too.
"""

import csv
import json
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import IO, Any

from hpo.paging import trial_pages
from hpo.queries import front
from hpo.store import DesignRecord, Store, TrialRecord
from hpo.tables import parameter_text
from spikefront.errors import ToolMissingError


@dataclass(frozen=True)
class TrialDesign:
    """One design with its trial, or a trial that has none."""

    trial: TrialRecord
    design: DesignRecord | None
    on_front: bool


def each_design(store: Store, name: str) -> Iterator[TrialDesign]:
    """Every design of a campaign by trial and index, and every trial that has none."""
    chosen = {found.name for found in front(store, name)}
    for page in trial_pages(store, name):
        found = store.designs(name, between=(page[0].number, page[-1].number))
        designs = {number: list(some) for number, some in groupby(found, key=attrgetter("trial"))}
        for trial in page:
            for design in designs.get(trial.number, [None]):
                yield TrialDesign(trial, design, design is not None and design.name in chosen)


def write_json(store: Store, name: str, out: IO[str]) -> int:
    """Write every trial with its designs as a JSON array, one trial a line; how many."""
    count = 0
    for _, rows in groupby(each_design(store, name), key=lambda row: row.trial.number):
        some = list(rows)
        designs = [
            {"name": row.design.name, "on_front": row.on_front, **asdict(row.design)}
            for row in some
            if row.design is not None
        ]
        value = {**asdict(some[0].trial), "designs": designs}
        out.write(("[\n" if count == 0 else ",\n") + json.dumps(value, default=datetime.isoformat))
        count += 1
    out.write("\n]\n" if count else "[]\n")
    return count


def write_csv(store: Store, name: str, out: IO[str]) -> int:
    """Write a row per design, and per trial without one, under one heading for all; how many.

    Columns are known when every row was seen, so rows wait in a temporary file.
    """
    columns: dict[str, None] = {}
    count = 0
    with tempfile.TemporaryFile("w+", encoding="utf-8") as waiting:
        for row in each_design(store, name):
            cells = flat(row)
            columns |= dict.fromkeys(cells)
            waiting.write(json.dumps(cells, default=datetime.isoformat) + "\n")
            count += 1
        waiting.seek(0)
        writer = csv.DictWriter(out, list(columns), lineterminator="\n")
        writer.writeheader()
        writer.writerows(map(json.loads, waiting))
    return count


def trials_frame(store: Store, name: str) -> Any:
    """The rows of ``write_csv`` as a ``pandas.DataFrame``, numbers and times in their own types.

    Raises:
        ToolMissingError: pandas is not installed.
    """
    try:
        import pandas as pd
    except ModuleNotFoundError:
        msg = "a frame needs the Python package pandas: pip install pandas"
        raise ToolMissingError(msg) from None
    return pd.DataFrame(list(map(flat, each_design(store, name))))


def flat(row: TrialDesign) -> dict[str, Any]:
    """Columns of one row; measures in their own units, every hyperparameter, full precision."""
    trial, design = row.trial, row.design
    head = {"trial": trial.number, "design": design.name if design else None, "state": trial.state}
    constraints = {f"constraint_{key}": value for key, value in trial.constraints.items()}
    scalars = {key: value for key, value in trial.metrics.items() if isinstance(value, int | float | str)}
    return {
        **head,
        **(_design_cells(row, design) if design else {}),
        **{key: _cell(value) for key, value in trial.config.items()},
        **constraints,
        **{f"metric_{key}": value for key, value in scalars.items()},
        **trial.timings,
        "proposed_by": trial.proposal.get("source"),
        "seed": trial.seed,
        "attempts": trial.attempts,
        "reason": trial.reason,
        "queued_at": trial.queued_at,
        "started_at": trial.started_at,
        "finished_at": trial.finished_at,
    }


def _design_cells(row: TrialDesign, design: DesignRecord) -> dict[str, Any]:
    tested = {f"test_{key}": value for key, value in (design.test_measures or {}).items()}
    accelerator = {key: _cell(value) for key, value in design.config.items()}
    judged = {"feasible": design.feasible, "on_front": row.on_front}
    return {**judged, **design.measures, **tested, **accelerator}


def _cell(value: Any) -> Any:
    return parameter_text(value) if isinstance(value, list | tuple) else value
