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
BUDGETS = (25, 50, 75, 100, 200)
JUDGED = (50, 100)
LAST = JUDGED[-1]
OURS = "ours"


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
    ours = [row for row in rows if row["method"] == OURS]
    won = {f"{row['problem']} at {n}": row.get(f"best_at_{n}") for row in ours for n in JUDGED}
    won = {name: best for name, best in won.items() if best is not None}
    ratios = {f"{row['problem']} at {n}": row.get(f"to_best_peer_{n}") for row in ours for n in JUDGED}
    ratios = {name: ratio for name, ratio in ratios.items() if ratio is not None}
    worst = min(ratios.values(), default=math.inf)
    met = bool(won) and sum(won.values()) >= 0.8 * len(won) and worst >= 0.97
    return {
        "met": met,
        "wins": sum(won.values()),
        "pairs": len(won),
        "lost": [name for name, best in won.items() if not best],
        "worst_ratio": worst if ratios else None,
        "carried_forward": [f"{r['method']} on {r['problem']}" for r in rows if r["cut_at"]],
    }


def markdown(rows: Sequence[Mapping[str, Any]], evaluations: int) -> str:
    """Medians after so many evaluations: problems by methods, seeds in brackets, the best in bold."""
    methods = list(dict.fromkeys(row["method"] for row in rows))
    lines = ["| problem | " + " | ".join(methods) + " |", "|---" * (1 + len(methods)) + "|"]
    for problem in dict.fromkeys(row["problem"] for row in rows):
        found = {row["method"]: row for row in rows if row["problem"] == problem}
        best = _best(list(found.values()), evaluations)
        cells = [_cell(found.get(method), evaluations, best) for method in methods]
        lines.append(f"| `{problem}` | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(row: Mapping[str, Any] | None, evaluations: int, best: float | None) -> str:
    value = None if row is None else row[f"hv_{evaluations}"]
    if row is None or value is None:
        return "-"
    carried = "*" if any(cut < evaluations for cut in row["cut_at"] or ()) else ""
    text = f"{value:.4g}{carried} ({row['seeds']})"
    return f"**{text}**" if value == best and best else text


def row_of(problem: str, method: str, campaigns: Sequence[Campaign]) -> dict[str, Any]:
    """Medians and quartiles of one method's campaigns on one problem; None beyond their evaluations."""
    row: dict[str, Any] = {"problem": problem, "method": method, "seeds": len(campaigns)}
    for n in BUDGETS:
        known = [volume_at(c, n) for c in campaigns if c["evaluations"] >= n]
        spread = [float(f"{v:.6g}") for v in np.quantile(known, [0.25, 0.5, 0.75])] if known else None
        row |= {f"hv_{n}": spread[1] if spread else None, f"quartiles_{n}": spread and spread[::2]}
    best = best_known().get(problem)
    row["share_of_best_known"] = row["hv_100"] / best if best and row["hv_100"] is not None else None
    row["infeasible"] = statistics.median(_infeasible(c) for c in campaigns)
    row["s_per_proposal"] = statistics.median(statistics.fmean(c["seconds"][:LAST]) for c in campaigns)
    row["cut_at"] = [c["cut_at"] for c in campaigns if c["cut_at"] is not None and c["cut_at"] < LAST] or None
    return row


def _infeasible(campaign: Campaign) -> float:
    first = campaign["feasible"][:LAST]
    return 1.0 - first.count("1") / len(first)


def _compare(rows: Sequence[dict[str, Any]], groups: Groups) -> None:
    """Add to our rows their ratio to the best peer's median, at as many evaluations and at half of them."""
    for ours in rows:
        peers = [row for row in rows if row["problem"] == ours["problem"] and row["method"] != OURS]
        if ours["method"] != OURS or not peers:
            continue
        best = {n: _best(peers, n) for n in BUDGETS}
        for n in BUDGETS:
            ours[f"to_best_peer_{n}"] = _ratio(ours[f"hv_{n}"], best[n])
            ours[f"best_at_{n}"] = _is_best(ours[f"hv_{n}"], best[n])
        for n in JUDGED:
            ours[f"{n}_to_best_peer_{2 * n}"] = _ratio(ours[f"hv_{n}"], best[2 * n])
        last = best[LAST]
        campaigns = list(groups[ours["problem"], OURS].values())
        ours["evaluations_to_best_peer"] = None if last is None else reached(campaigns, last)


def _best(peers: Sequence[Mapping[str, Any]], evaluations: int) -> float | None:
    """The best median among peers that have so many evaluations."""
    return max(
        (row[f"hv_{evaluations}"] for row in peers if row[f"hv_{evaluations}"] is not None), default=None
    )


def _is_best(ours: float | None, best: float | None) -> bool | None:
    return None if ours is None or best is None else ours >= best


def _ratio(ours: float | None, best: float | None) -> float | None:
    """Ours to the best peer's; None where it has no meaning because a peer found nothing or was not run."""
    return ours / best if ours is not None and best else None


def reached(campaigns: Sequence[Campaign], volume: float) -> int | None:
    """Evaluations after which the median hypervolume is at least ``volume``; None if never."""
    for n in range(1, min(c["evaluations"] for c in campaigns) + 1):
        if statistics.median(volume_at(c, n) for c in campaigns) >= volume:
            return n
    return None
