"""What each idea of the optimiser is worth: ours with all of them against ours without one.

Variants are other boxes of the same landscape: without grey-box the latency and energy are learned instead of
composed; without the graded constraint silence is told as yes or no; with silent trials as values they are
told as complete with chance accuracy and hardly a spike. Without trust regions all candidates come from the
whole space. What stopping hopeless trials is worth, ``benchmarks.optimizer.stopping`` tells.

    python -m benchmarks.optimizer.ablations --seeds 0 1 2 3 4 --evaluations 100 --work FILE
"""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.common import Outcome, run_benchmark
from benchmarks.optimizer.summary import JUDGED, Campaign, longest, reached, row_of
from benchmarks.optimizer.work import Key, fill, options, read

# Landscape and what is taken away: the box and the method.
VARIANTS: Mapping[tuple[str, str], tuple[str, str]] = {
    (landscape, variant): (landscape + suffix, method)
    for landscape in ("snn60", "snn95")
    for variant, suffix, method in (
        ("nothing", "", "ours"),
        ("grey-box", "_blackbox", "ours"),
        ("graded constraint", "_binary", "ours"),
        ("silent left out", "_worst", "ours"),
        ("trust regions", "", "everywhere"),
    )
}
GOAL = "with the grey-box two thirds of the trainings give what 100 give without"
SAVING = 1.5


def body(chosen: argparse.Namespace, quick: bool) -> Outcome:
    """A row per landscape and idea taken away."""
    seeds, evaluations = ([0], 20) if quick else (chosen.seeds, chosen.evaluations)
    wanted = {key: v for key, v in VARIANTS.items() if key[0] == "snn60"} if quick else VARIANTS
    keys = [Key(box, method, s, evaluations) for s in seeds for box, method in wanted.values()]
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder) / "work.jsonl" if quick or chosen.work is None else chosen.work
        fill(work, keys, chosen.cpu_limit, chosen.again)
        groups = longest([row for row in read(work) if row["evaluations"] == evaluations])
    rows = []
    for (landscape, taken), place in wanted.items():
        full = list(groups[wanted[landscape, "nothing"]].values())
        rows.append(_row(landscape, taken, list(groups[place].values()), full))
    savings = [row["trainings_saved"] for row in rows if row["without"] == "grey-box"]
    passed = all(saving is not None and saving >= SAVING for saving in savings)
    return rows, passed or quick, {"seeds": seeds, "evaluations": evaluations}


def _row(
    landscape: str, taken: str, campaigns: Sequence[Campaign], full: Sequence[Campaign]
) -> dict[str, Any]:
    """Medians, and by how many times fewer trainings the full optimiser reaches this one's last volume."""
    row = row_of(landscape, "ours", campaigns)
    last = statistics.median(c["volumes"][-1] for c in campaigns)
    count = reached(full, last)
    return {
        "landscape": landscape,
        "without": taken,
        "seeds": row["seeds"],
        **{f"hv_{n}": row[f"hv_{n}"] for n in JUDGED},
        **{f"quartiles_{n}": row[f"quartiles_{n}"] for n in JUDGED},
        "infeasible": row["infeasible"],
        "trainings_to_its_last": count,
        "trainings_saved": campaigns[0]["evaluations"] / count if count else None,
    }


if __name__ == "__main__":
    given, rest = options(sys.argv[1:], argparse.ArgumentParser(prog="optimizer.ablations", add_help=False))
    sys.exit(run_benchmark("optimizer.ablations", GOAL, lambda quick: body(given, quick), rest))
