"""How often ``[stop_when] growth`` ends a campaign too early, and how late it is otherwise.

Campaigns run to 100 trials without the rule; afterwards every rule is asked, trial by trial, when it would
have stopped them. Too early: within as many trials as the rule speaks of, the hypervolume then grew by more
than the rule's share. Lost is what the rest of the 100 trials still added. Rules: both conditions (ours), and
each of them alone.

    python -m benchmarks.optimizer.stop_rule [--quick] [--work FILE] [--seeds 0 1] [--json PATH]
"""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.common import Outcome, run_benchmark
from benchmarks.optimizer.followed import follow, remembered
from benchmarks.optimizer.problems import make
from hpo.stopping import growth_reason

PROBLEMS = ("snn60", "spiking", "osy", "weldedbeam", "discbrake", "srn")
TRIALS = 100
SHARES = (0.01, 0.02, 0.05)
WITHIN = (20, 30)
Rule = Callable[[Sequence[float], Sequence[float | None], float, int], str | None]


def seen_alone(
    volumes: Sequence[float], gains: Sequence[float | None], share: float, within: int
) -> str | None:
    """The growth of the last trials alone."""
    return growth_reason(volumes, [None if gain is None else 0.0 for gain in gains], share, within)


def foretold_alone(
    volumes: Sequence[float], gains: Sequence[float | None], share: float, within: int
) -> str | None:
    """The models' word alone."""
    return growth_reason([volumes[-1]] * len(volumes), gains, share, within)


RULES: dict[str, Rule] = {"both": growth_reason, "seen": seen_alone, "foretold": foretold_alone}


def body(chosen: argparse.Namespace, quick: bool) -> Outcome:
    """A row per rule, share and number of trials, over all campaigns."""
    seeds, trials, problems = ([0], 40, ("srn",)) if quick else (chosen.seeds, TRIALS, PROBLEMS)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder) / "work.jsonl" if quick or chosen.work is None else chosen.work
        keys = [(problem, seed, trials) for seed in seeds for problem in problems]
        found = remembered(work, keys, lambda name, seed, count: follow(make(name, seed), count)[1])
    rows = [_row(rule, share, within, found) for rule in RULES for share in SHARES for within in WITHIN]
    ours = [row for row in rows if row["rule"] == "both"]
    passed = quick or all(row["too_early"] <= 0.2 * max(row["judged"], 1) for row in ours)
    # With a work file the seconds of the record are those of summing it up.
    return (
        rows,
        passed,
        {
            "from_work_file": chosen.work is not None,
            "problems": list(problems),
            "seeds": seeds,
            "trials": trials,
        },
    )


def _row(name: str, share: float, within: int, found: dict[Any, dict[str, Any]]) -> dict[str, Any]:
    ends = [_end(RULES[name], share, within, row) for row in found.values()]
    stopped = [end for end in ends if end is not None]
    judged = [end for end in stopped if end["grew"] is not None]
    return {
        "rule": name,
        "share": share,
        "within": within,
        "campaigns": len(ends),
        "stopped": len(stopped),
        "judged": len(judged),
        "too_early": sum(end["grew"] >= share for end in judged),
        "median_end": statistics.median(end["at"] for end in stopped) if stopped else None,
        "median_late": statistics.median(end["late"] for end in stopped) if stopped else None,
        "median_lost": statistics.median(end["lost"] for end in stopped) if stopped else None,
        "most_lost": max((end["lost"] for end in stopped), default=None),
    }


def _end(rule: Rule, share: float, within: int, row: dict[str, Any]) -> dict[str, Any] | None:
    """When a rule stops a campaign and what followed; None where it never does."""
    volumes, gains = row["volumes"], row["gains"]
    at = next((k for k in range(1, len(volumes)) if rule(volumes[:k], gains[:k], share, within)), None)
    if at is None:
        return None
    here, last = volumes[at - 1], volumes[-1]
    ahead = volumes[at - 1 + within] if at - 1 + within < len(volumes) else None
    # From the trial on after which no stretch of that length ever grew by the share again.
    settled = next(
        k for k in range(1, at + 1)
        if all(volumes[min(j + within, len(volumes)) - 1] / volumes[j - 1] - 1 < share
               for j in range(k, len(volumes) - within + 1) if volumes[j - 1] > 0) or k == at
    )  # fmt: skip
    return {
        "at": at,
        "grew": None if ahead is None else (ahead - here) / here,
        "late": at - settled,
        "lost": (last - here) / last,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1])
    parser.add_argument("--work", type=Path, help="JSON-lines file of finished campaigns")
    asked, rest = parser.parse_known_args()
    goal = "of the campaigns that the rule stops, at most one in five grows by more than its share afterwards"
    sys.exit(run_benchmark("optimizer.stop_rule", goal, lambda quick: body(asked, quick), rest))
