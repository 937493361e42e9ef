"""Every black box of the comparison by name, and the most hypervolume that is known for it.

A box that takes long to import joins by a line in ``ELSEWHERE``: "module:function", called with a seed.
"""

import json
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path

from benchmarks.optimizer.box import Box, Measured
from benchmarks.optimizer.problems_published import (
    branincurrin,
    c2dtlz2,
    discbrake,
    mw7,
    osy,
    srn,
    tnk,
    weldedbeam,
)
from benchmarks.optimizer.problems_snn import NEED_60, NEED_95, snn, snn_binary, snn_blackbox, snn_worst
from benchmarks.optimizer.problems_spiking import spiking

__all__ = ["BOXES", "COMPARED", "Box", "Measured", "best_known", "c2dtlz2", "make", "osy", "spiking"]

BEST_KNOWN = Path(__file__).with_name("best_known.json")
COMPARED = (
    "table",
    "snn60",
    "snn95",
    "osy",
    "c2dtlz2",
    "weldedbeam",
    "discbrake",
    "mw7",
    "branincurrin",
    "tnk",
    "srn",
    "spiking",
)
BOXES: dict[str, Callable[[int], Box]] = {
    "snn60": snn(NEED_60),
    "snn95": snn(NEED_95),
    "snn60_blackbox": snn_blackbox(NEED_60),
    "snn95_blackbox": snn_blackbox(NEED_95),
    "snn60_binary": snn_binary(NEED_60),
    "snn95_binary": snn_binary(NEED_95),
    "snn60_worst": snn_worst(NEED_60),
    "snn95_worst": snn_worst(NEED_95),
    "osy": osy,
    "c2dtlz2": c2dtlz2,
    "weldedbeam": weldedbeam,
    "discbrake": discbrake,
    "mw7": mw7,
    "branincurrin": branincurrin,
    "tnk": tnk,
    "srn": srn,
    "spiking": spiking,
}
ELSEWHERE = {"table": "benchmarks.optimizer.table:table"}


def make(name: str, seed: int) -> Box:
    """The box of that name; its problem has ``seed``."""
    if name in BOXES:
        return BOXES[name](seed)
    module, function = ELSEWHERE[name].split(":")
    return getattr(import_module(module), function)(seed)


@cache
def best_known() -> dict[str, float]:
    """Most hypervolume known for each box, as ``benchmarks.optimizer.best_known`` found it."""
    rows = json.loads(BEST_KNOWN.read_text(encoding="utf-8"))["rows"] if BEST_KNOWN.exists() else []
    return {row["problem"]: row["volume"] for row in rows}
