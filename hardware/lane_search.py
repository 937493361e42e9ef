"""The choice per layer with the fewest cycles within a budget: depth first, with bounds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hardware.network import FloatArray

MULTIPLIERS = tuple(2.0**k for k in range(-10, 12))
"""Prices of a resource in cycles that bounds are taken over; any are valid, these span what nets need."""


@dataclass(frozen=True, eq=False)
class Choices:
    """What a layer may be: per choice what it uses (choices, 4), its cycles once and per further step."""

    used: FloatArray
    once: FloatArray
    pace: FloatArray


@dataclass(frozen=True, eq=False)
class _Search:
    """A search over choices per layer, and what the layers from each one on need at least.

    ``priced`` are multipliers (M, 4): a unit of each resource has a price in cycles, so that the least of
    cycles plus price over a layer's choices, minus the price of what is left, bounds the cycles from below.
    """

    used: list[FloatArray]
    once: list[FloatArray]
    pace: list[FloatArray]
    further: int
    priced: FloatArray
    least_used: FloatArray
    least_once: FloatArray
    least_pace: FloatArray

    def bound(self, layer: int, left: FloatArray, once: FloatArray, pace: FloatArray) -> FloatArray:
        """Return the least cycles (choices,) of the layers from ``layer`` on, after choices with ``left``."""
        rest = (self.least_once[layer] - left @ self.priced.T).max(axis=1)
        return np.asarray(once + rest + self.further * np.maximum(pace, self.least_pace[layer]))


def _bounds(layers: Sequence[Choices], further: int) -> _Search:
    used, once, pace = ([getattr(x, name) for x in layers] for name in ("used", "once", "pace"))
    priced = np.concatenate([np.zeros((1, 4)), *(m * np.eye(4) for m in MULTIPLIERS)])
    costs = [o[:, None] + u @ priced.T for o, u in zip(once, used, strict=True)]
    least = [c.min(axis=0) for c in costs]
    return _Search(
        used,
        once,
        pace,
        further,
        priced,
        _suffix_sums([u.min(axis=0) for u in used]),
        _suffix_sums(least),
        np.array([*np.maximum.accumulate([p.min() for p in reversed(pace)])[::-1], 0.0]),
    )


def _suffix_sums(rows: list[FloatArray]) -> FloatArray:
    """Return, for every place, the sum of ``rows`` from there on: one row more than given, the last zero."""
    return np.concatenate([np.cumsum(rows[::-1], axis=0)[::-1], np.zeros((1, len(rows[0])))])


def fastest(layers: Sequence[Choices], further: int, budget: FloatArray) -> tuple[int, ...] | None:
    """Return the choice per layer with the fewest cycles within ``budget`` (4,), or None.

    Cycles are the sum of ``once`` and, ``further`` times, the greatest ``pace``.
    """
    search = _bounds(layers, further)
    best: tuple[float, tuple[int, ...] | None] = (np.inf, None)

    def visit(picked: tuple[int, ...], left: FloatArray, once: float, pace: float) -> None:
        nonlocal best
        layer = len(picked)
        if layer == len(search.used):
            best = (once + search.further * pace, picked)
            return
        after = left - search.used[layer]
        spent, slowest = once + search.once[layer], np.maximum(pace, search.pace[layer])
        bounds = search.bound(layer + 1, after, spent, slowest)
        bounds[(after < search.least_used[layer + 1]).any(axis=1)] = np.inf
        for k in np.argsort(bounds, kind="stable"):
            if bounds[k] < best[0]:
                visit((*picked, int(k)), after[k], spent[k], slowest[k])

    visit((), budget, 0.0, 0.0)
    return best[1]


def smallest(layers: Sequence[Choices], shared: FloatArray, budget: FloatArray) -> tuple[int, ...]:
    """Return the choice per layer that exceeds ``budget`` by the least share of one resource.

    Args:
        layers: the choices.
        shared: what is used beside them (4,).
        budget: what there is (4,).
    """
    used = [choices.used for choices in layers]
    best: tuple[float, tuple[int, ...]] = (np.inf, ())
    units, own = np.where(budget > 0, budget, 1.0), budget > 0
    least = _suffix_sums([u.min(axis=0) for u in used])

    def visit(picked: tuple[int, ...], total: FloatArray) -> None:
        nonlocal best
        layer = len(picked)
        if layer == len(used):
            best = (float((total / units - own).max()), picked)
            return
        totals = total + used[layer]
        shares = ((totals + least[layer + 1]) / units - own).max(axis=1)
        for k in np.argsort(shares, kind="stable"):
            if shares[k] < best[0]:
                visit((*picked, int(k)), totals[k])

    visit((), shared)
    return best[1]
