"""What the campaigns of a comparison add up to: medians, quartiles, shares of the best peer, wins."""

import math
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.optimizer.problems import best_known

Campaign = Mapping[str, Any]
Groups = Mapping[tuple[str, str], Mapping[int, Campaign]]
BUDGETS = (25, 50, 75, 100)
JUDGED = (50, 100)
LAST = BUDGETS[-1]
OURS = "ours"
# All other methods are peers.
OWN = (OURS,)


def volume_at(campaign: Campaign, evaluations: int) -> float:
    """Hypervolume after so many evaluations; that of a run that was cut off is carried forward."""
    volumes = campaign["volumes"]
    return float(volumes[min(evaluations, len(volumes)) - 1])


def longest(campaigns: Sequence[Campaign]) -> Groups:
    """Campaigns by (problem, method) and seed; of several the one with most evaluations."""
    groups: dict[tuple[str, str], dict[int, Campaign]] = defaultdict(dict)
    for campaign in sorted(campaigns, key=lambda c: int(c["evaluations"])):
        groups[campaign["problem"], campaign["method"]][campaign["seed"]] = campaign
    return groups


def table(campaigns: Sequence[Campaign]) -> list[dict[str, Any]]:
    """A row per problem and method, from the longest campaign of each seed."""
    groups = longest(campaigns)
    rows = [row_of(problem, method, list(seeds.values())) for (problem, method), seeds in groups.items()]
    _compare(rows, groups)
    return sorted(rows, key=lambda row: (row["problem"], -(row[f"hv_{LAST}"] or 0.0)))


def verdict(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Ours against the best peer at each judged budget: wins, the worst ratio, whether the goal is met."""
    ratios = {}
    for row in rows:
        if row["method"] == OURS:
            ratios |= {f"{row['problem']} at {n}": row.get(f"to_best_peer_{n}") for n in JUDGED}
    known = {name: ratio for name, ratio in ratios.items() if ratio is not None}
    wins = sum(ratio >= 1.0 for ratio in known.values())
    worst = min(known.values(), default=0.0)
    met = bool(known) and wins >= 0.8 * len(known) and worst >= 0.97
    return {"met": met, "wins": wins, "pairs": len(known), "worst_ratio": worst, "ratios": known}


def row_of(problem: str, method: str, campaigns: Sequence[Campaign]) -> dict[str, Any]:
    """Medians and quartiles of one method's campaigns on one problem; None beyond their evaluations."""
    row: dict[str, Any] = {"problem": problem, "method": method, "seeds": len(campaigns)}
    for n in BUDGETS:
        known = [volume_at(c, n) for c in campaigns if c["evaluations"] >= n]
        low, middle, high = np.quantile(known, [0.25, 0.5, 0.75]) if known else [math.nan] * 3
        row |= {f"hv_{n}": _rounded(middle), f"quartiles_{n}": [_rounded(low), _rounded(high)]}
    best = best_known().get(problem)
    row["share_of_best_known"] = row["hv_100"] / best if best and row["hv_100"] is not None else None
    row["infeasible"] = statistics.median(_infeasible(c) for c in campaigns)
    row["s_per_proposal"] = statistics.median(statistics.fmean(c["seconds"][:LAST]) for c in campaigns)
    row["cut_at"] = [c["cut_at"] for c in campaigns if c["cut_at"] is not None and c["cut_at"] < LAST] or None
    return row


def _infeasible(campaign: Campaign) -> float:
    first = campaign["feasible"][:LAST]
    return 1.0 - first.count("1") / len(first)


def _rounded(value: float) -> float | None:
    return None if math.isnan(value) else float(f"{value:.6g}")


def _compare(
    rows: Sequence[dict[str, Any]], groups: Mapping[tuple[str, str], Mapping[int, Campaign]]
) -> None:
    """Add to our rows the ratio to the best peer's median and the evaluations that reach its last one."""
    for ours in rows:
        peers = [row for row in rows if row["problem"] == ours["problem"] and row["method"] not in OWN]
        if ours["method"] != OURS or not peers:
            continue
        for n in BUDGETS:
            best = max((row[f"hv_{n}"] for row in peers if row[f"hv_{n}"] is not None), default=0.0)
            ours[f"to_best_peer_{n}"] = _ratio(ours[f"hv_{n}"], best)
        last = max((row[f"hv_{LAST}"] for row in peers if row[f"hv_{LAST}"] is not None), default=math.inf)
        ours["evaluations_to_best_peer"] = reached(list(groups[ours["problem"], OURS].values()), last)


def _ratio(ours: float | None, best: float) -> float | None:
    """Ours to the best peer's; 1 where neither found anything, None where only ours did."""
    if ours is None or (best == 0 and ours > 0):
        return None
    return ours / best if best > 0 else 1.0


def reached(campaigns: Sequence[Campaign], volume: float) -> int | None:
    """Evaluations after which the median hypervolume is at least ``volume``; None if never."""
    for n in range(1, min(c["evaluations"] for c in campaigns) + 1):
        if statistics.median(volume_at(c, n) for c in campaigns) >= volume:
            return n
    return None
