"""Dominance, fronts and hypervolume.

Arrays of values are (n points, m objectives) and every column is minimised. Objectives that are maximised or
measured on a logarithmic scale are brought into that form by ``HypervolumeScale``.
"""

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from spikefront.errors import SpecError

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Point = Mapping[str, float]


def dominates(a: FloatArray, b: FloatArray) -> bool:
    """Whether point ``a`` (m,) is nowhere worse (larger) than ``b`` (m,) and somewhere better."""
    return bool(np.all(a <= b) and np.any(a < b))


def non_dominated(values: FloatArray) -> BoolArray:
    """Mask (n,) of the points of ``values`` (n, m) that no other point dominates; equal points all stay."""
    keep = np.ones(len(values), dtype=np.bool_)
    # What dominates a point has no larger sum: in this order nothing is compared with all that falls later.
    for row in np.argsort(values.sum(axis=1), kind="stable"):
        if keep[row]:
            value = values[row]
            others = values[keep]
            beaten = np.all(others >= value, axis=1) & np.any(others > value, axis=1)
            keep[np.flatnonzero(keep)[beaten]] = False
    return keep


def hypervolume(values: FloatArray, reference: FloatArray) -> float:
    """Volume that ``values`` (n, m) dominate below ``reference`` (m,); exact.

    Points that are not better than the reference in every objective contribute nothing. Up to three
    objectives take O(n log n) comparisons, by sweeping the last one (Beume, Fonseca, Lopez-Ibanez, Paquete,
    Vahrenhold: On the complexity of computing the hypervolume indicator, IEEE TEC 2009); each objective more
    costs a factor n, by slicing (While, Hingston, Barone, Huband: A faster algorithm for calculating
    hypervolume, IEEE TEC 2006).

    Raises:
        SpecError: a value is not finite, or shapes disagree.
    """
    table = np.asarray(values, dtype=np.float64)
    corner = np.asarray(reference, dtype=np.float64)
    if table.size == 0:
        return 0.0
    if table.ndim != 2 or table.shape[1:] != corner.shape:
        raise SpecError(f"values of shape {table.shape} do not fit a reference of shape {corner.shape}")
    if not (np.isfinite(table).all() and np.isfinite(corner).all()):
        raise SpecError("a hypervolume needs finite values: leave out points with unknown objectives")
    inside = table[np.all(table < corner, axis=1)]
    return _slices(inside - corner) if len(inside) else 0.0


def _slices(points: FloatArray) -> float:
    """Hypervolume of negative ``points`` (n, m) below the origin."""
    if points.shape[1] == 1:
        return float(-points.min())
    if points.shape[1] == 2:
        return _swept(np.column_stack([points, np.full(len(points), -1.0)]))
    if points.shape[1] == 3:
        return _swept(points)
    front = np.unique(points[non_dominated(points)], axis=0)
    front = front[np.argsort(front[:, -1], kind="stable")]
    depths = np.diff(np.append(front[:, -1], 0.0))
    layers = (_slices(front[: k + 1, :-1]) * depth for k, depth in enumerate(depths) if depth > 0)
    return math.fsum(layers)


def _swept(points: FloatArray) -> float:
    """Hypervolume of negative ``points`` (n, 3): the last objective is swept, the others' area grows."""
    stairs, area, volumes = _Stairs([], []), 0.0, []
    ordered = points[
        np.lexsort(points.T)
    ].tolist()  # by all columns: sums are rounded alike in any order given
    for k, (x, y, z) in enumerate(ordered):
        area += stairs.add(x, y)
        after = ordered[k + 1][2] if k + 1 < len(ordered) else 0.0
        volumes.append(area * (after - z))
    return math.fsum(volumes)


@dataclass(frozen=True)
class _Stairs:
    """The points of a front in two objectives: ``xs`` ascend and ``ys`` descend, all below zero."""

    xs: list[float]
    ys: list[float]

    def add(self, x: float, y: float) -> float:
        """Take in a point; the area below zero that it dominates and no other did."""
        first = bisect_right(self.xs, x)
        height = self.ys[first - 1] if first else 0.0  # of the stair that ends at the point
        if height <= y:
            return 0.0
        area, left, last = 0.0, x, first
        while last < len(self.xs) and self.ys[last] >= y:
            area += (self.xs[last] - left) * (height - y)
            left, height = self.xs[last], self.ys[last]
            last += 1
        right = self.xs[last] if last < len(self.xs) else 0.0
        if first and self.xs[first - 1] == x:
            first -= 1
        self.xs[first:last], self.ys[first:last] = [x], [y]
        return area + (right - left) * (height - y)


class GrowingFront:
    """The hypervolume of a front to which points are added one after another."""

    def __init__(self, reference: FloatArray) -> None:
        self._reference = reference
        self._front: FloatArray = np.empty((0, len(reference)))
        self._volume = 0.0

    def add(self, values: FloatArray | None) -> float:
        """Take in points (n, m), or none; the hypervolume that all so far dominate below the reference."""
        if values is None:
            return self._volume
        weakly_beaten = [bool(np.all(self._front <= value, axis=1).any()) for value in values]
        if not all(weakly_beaten):
            both = np.concatenate([self._front, values])
            self._front = both[non_dominated(both)]
            self._volume = hypervolume(self._front, self._reference)
        return self._volume


@dataclass(frozen=True)
class Objective:
    """One measure to improve.

    Attributes:
        name: key of the measure.
        direction: "max" or "min".
        scale: "log" counts decades (log10), "linear" counts units.
        reference: the worst value of interest, in the measure's own unit; points not better than it add no
            hypervolume.
    """

    name: str
    direction: Literal["max", "min"]
    scale: Literal["linear", "log"]
    reference: float

    def __post_init__(self) -> None:
        if not math.isfinite(self.reference) or (self.scale == "log" and self.reference <= 0):
            kind = "positive and finite" if self.scale == "log" else "finite"
            raise SpecError(f"objective {self.name}: reference {self.reference} must be {kind}")

    def to_minimise(self, values: FloatArray) -> FloatArray:
        """Values of any shape as something to minimise: log10 where logarithmic, sign turned where maximised.

        Values at or below zero on a logarithmic scale become the smallest positive float's.
        """
        if self.scale == "log":
            values = np.log10(np.maximum(values, np.finfo(np.float64).tiny))
        return -values if self.direction == "max" else values


@dataclass(frozen=True)
class HypervolumeScale:
    """How hypervolume is measured in a campaign: fixed objectives, scales and reference point.

    With accuracy linear, latency and energy logarithmic, its unit is accuracy x decades x decades.
    """

    objectives: tuple[Objective, ...]

    def __post_init__(self) -> None:
        names = [objective.name for objective in self.objectives]
        if not names or len(set(names)) < len(names):
            raise SpecError(f"objectives {names}: name at least one, and each once")

    @property
    def reference(self) -> FloatArray:
        """Reference point (m,), to minimise."""
        return np.array([o.to_minimise(np.asarray(o.reference, dtype=np.float64)) for o in self.objectives])

    def transform(self, points: Sequence[Point]) -> FloatArray:
        """Values (n, m), to minimise, of measured points.

        Raises:
            SpecError: an objective is missing, not finite, or not above zero on a logarithmic scale.
        """
        table = np.empty((len(points), len(self.objectives)))
        for column, objective in enumerate(self.objectives):
            values = np.array([_measured(point, objective) for point in points], dtype=np.float64)
            table[:, column] = objective.to_minimise(values)
        return table

    def hypervolume(self, points: Sequence[Point]) -> float:
        """Hypervolume that measured points dominate; 0 for none."""
        return hypervolume(self.transform(points), self.reference)

    def front(self, points: Sequence[Point]) -> list[int]:
        """Indices of the measured points that no other dominates; equal points all stay."""
        return [int(k) for k in np.flatnonzero(non_dominated(self.transform(points)))]


def _measured(point: Point, objective: Objective) -> float:
    if objective.name not in point:
        raise SpecError(f"a point has no {objective.name!r}: measure it or drop the objective")
    value = float(point[objective.name])
    if not math.isfinite(value) or (objective.scale == "log" and value <= 0):
        kind = "a positive finite number" if objective.scale == "log" else "a finite number"
        raise SpecError(f"{objective.name} = {value} is not {kind}: leave the point out of the front")
    return value
