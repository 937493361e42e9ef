"""Which designs are known to be dominated, so that nobody seeks a front among all designs of a campaign.

The mark is only ever set, and only where a feasible design stands that dominates: designs are never removed
and their measures never change, so a mark that is set once stays right. What is not marked may be dominated
all the same; whoever needs the front itself compares what is left.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.orm import Session

from hpo.measures import MEASURES
from hpo.pareto import BoolArray, FloatArray, non_dominated
from hpo.store.batches import batched
from hpo.store.tables import CampaignRow, DesignRow

CHUNK = 1000
_UNBEATEN = (DesignRow.feasible, ~DesignRow.dominated)


def mark_new(session: Session, campaign: CampaignRow, new: Sequence[DesignRow]) -> None:
    """Mark those of a trial's ``new`` designs that are dominated, and the older ones that they dominate."""
    signs = _signs(campaign.reference)
    feasible = [row for row in new if row.feasible]
    if not signs or not feasible:
        return
    with session.no_autoflush:
        keys, old = _unmarked(session.connection(), campaign.name, signs)
    fresh = _values([row.measures for row in feasible], signs)
    everything = np.concatenate([old, fresh])
    for row, value in zip(feasible, fresh, strict=True):
        row.dominated = bool(_beats(everything, value).any())
    beaten = np.any([_beats(value, old) for value in fresh], axis=0)
    _mark(session.connection(), campaign.name, [key for key, lost in zip(keys, beaten, strict=True) if lost])


def mark_all(connection: Connection, campaign: str, reference: Mapping[str, float]) -> None:
    """Mark every dominated design of a campaign whose ``reference`` names the objectives."""
    if signs := _signs(reference):
        keys, values = _unmarked(connection, campaign, signs)
        kept = non_dominated(values)
        _mark(connection, campaign, [key for key, keep in zip(keys, kept, strict=True) if not keep])


def dominated(
    reference: Mapping[str, float], designs: Iterable[tuple[Mapping[str, float], bool]]
) -> list[bool]:
    """Whether each design, given by its measures and whether it is feasible, is dominated by one of them."""
    signs = _signs(reference)
    feasible, tables = [], [_values([], signs)]
    for part in batched(designs, CHUNK):
        feasible += [fits for _, fits in part]
        tables.append(_values([measures for measures, _ in part], signs))
    if not signs:
        return [False] * len(feasible)
    chosen = np.array(feasible, dtype=np.bool_)
    lost = np.zeros(len(feasible), dtype=np.bool_)
    lost[chosen] = ~non_dominated(np.concatenate(tables)[chosen])
    return [bool(flag) for flag in lost]


def _signs(reference: Mapping[str, float]) -> dict[str, float]:
    """1 per objective that is minimised and -1 per maximised one; nothing where one is unknown."""
    if not all(name in MEASURES for name in reference):
        return {}
    return {name: -1.0 if MEASURES[name] == "max" else 1.0 for name in reference}


def _values(measures: Sequence[Mapping[str, float]], signs: Mapping[str, float]) -> FloatArray:
    """Objectives (n, m), to minimise; NaN, which is nowhere better or worse, where a measure is missing."""
    table = [[sign * found.get(name, np.nan) for name, sign in signs.items()] for found in measures]
    return np.array(table, dtype=np.float64).reshape(len(measures), len(signs))


def _unmarked(
    connection: Connection, campaign: str, signs: Mapping[str, float]
) -> tuple[list[tuple[int, int]], FloatArray]:
    """Trial and index of the feasible designs that are not marked, and their objectives."""
    query = select(DesignRow.trial, DesignRow.index, DesignRow.measures)
    query = query.where(DesignRow.campaign == campaign, *_UNBEATEN)
    keys: list[tuple[int, int]] = []
    tables = [_values([], signs)]
    for rows in connection.execute(query.execution_options(yield_per=CHUNK)).partitions():
        keys += [(trial, index) for trial, index, _ in rows]
        tables.append(_values([measures for *_, measures in rows], signs))
    return keys, np.concatenate(tables)


def _beats(a: FloatArray, b: FloatArray) -> BoolArray:
    """Whether the points of ``a`` (n, m) dominate those of ``b`` (n, m); either may be one point (m,)."""
    beats: BoolArray = np.all(a <= b, axis=1) & np.any(a < b, axis=1)
    return beats


def _mark(connection: Connection, campaign: str, keys: Sequence[tuple[int, int]]) -> None:
    if not keys:
        return
    this = (DesignRow.trial == bindparam("of_trial"), DesignRow.index == bindparam("at"))
    statement = update(DesignRow).where(DesignRow.campaign == campaign, *this).values(dominated=True)
    connection.execute(statement, [{"of_trial": trial, "at": index} for trial, index in keys])
