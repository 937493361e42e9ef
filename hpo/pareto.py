"""Dominance, fronts and hypervolume.

Arrays of values are (n points, m objectives) and every column is minimised. Objectives that are maximised or
measured on a logarithmic scale are brought into that form by ``HypervolumeScale``.
"""

import math
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
    for row, value in enumerate(values):
        if keep[row]:
            others = values[keep]
            beaten = np.all(others >= value, axis=1) & np.any(others > value, axis=1)
            keep[np.flatnonzero(keep)[beaten]] = False
    return keep


def hypervolume(values: FloatArray, reference: FloatArray) -> float:
    """Volume that ``values`` (n, m) dominate below ``reference`` (m,); exact.

    Points that are not better than the reference in every objective contribute nothing. Computed by slicing
    objectives (While, Hingston, Barone, Huband: A faster algorithm for calculating hypervolume, IEEE TEC
    2006): cheap up to four objectives and a few hundred points.

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
    front = np.unique(points[non_dominated(points)], axis=0)
    if points.shape[1] == 2:
        # Ascending in the first objective, hence descending in the second.
        widths = np.diff(np.append(front[:, 0], 0.0))
        return float(-(widths * front[:, 1]).sum())
    front = front[np.argsort(front[:, -1], kind="stable")]
    depths = np.diff(np.append(front[:, -1], 0.0))
    layers = (_slices(front[: k + 1, :-1]) * depth for k, depth in enumerate(depths) if depth > 0)
    return math.fsum(layers)


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
