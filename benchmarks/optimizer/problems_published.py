"""Published constrained problems with two objectives, both minimised; a constraint holds at or below zero.

Reference points are BoTorch's where it states one, else just outside the worst values of the Pareto front.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np

from benchmarks.optimizer.box import Box, Measured
from hpo.optimizer import Problem
from hpo.pareto import Objective
from hpo.space import Config, Float, Space

Array = np.ndarray
Formula = Callable[[Array], tuple[Sequence[float], Sequence[float]]]


def osy(seed: int) -> Box:
    """OSY: six floats, six constraints (Osyczka & Kundu, Structural Optimization 1995)."""
    bounds = [(0, 10), (0, 10), (1, 5), (0, 6), (1, 5), (0, 10)]
    return _box(_osy, bounds, (-75.0, 75.0), 6, seed)


def c2dtlz2(seed: int) -> Box:
    """C2-DTLZ2 with twelve floats, two objectives and radius 0.2 (Jain & Deb, IEEE TEC 2014)."""
    return _box(_c2dtlz2, [(0, 1)] * 12, (1.1, 1.1), 1, seed)


def mw7(seed: int) -> Box:
    """MW7 with ten floats, two constraints, a front in pieces (Ma & Wang, IEEE TEC 2019)."""
    return _box(_mw7, [(0, 1)] * 10, (1.2, 1.2), 2, seed)


def weldedbeam(seed: int) -> Box:
    """Welded beam: cost against deflection, four floats, four constraints (Deb & Sundar, GECCO 2006)."""
    return _box(_weldedbeam, [(0.125, 5), (0.1, 10), (0.1, 10), (0.125, 5)], (40.0, 0.015), 4, seed)


def discbrake(seed: int) -> Box:
    """Disc brake: mass against stopping time, four constraints (Tanabe & Ishibuchi, ASC 2020)."""
    return _box(_discbrake, [(55, 80), (75, 110), (1000, 3000), (11, 20)], (5.7771, 3.9651), 4, seed)


def branincurrin(seed: int) -> Box:
    """Branin against Currin inside a disk (Gelbart, Snoek, Adams, UAI 2014; as in BoTorch)."""
    return _box(_branincurrin, [(0, 1)] * 2, (80.0, 12.0), 1, seed)


def tnk(seed: int) -> Box:
    """TNK: two floats, the front lies on the constraint and in pieces (Tanaka et al., IEEE SMC 1995)."""
    return _box(_tnk, [(1e-9, math.pi)] * 2, (1.2, 1.2), 2, seed)


def srn(seed: int) -> Box:
    """SRN: two floats, two constraints (Srinivas & Deb, Evolutionary Computation 1994)."""
    return _box(_srn, [(-20, 20)] * 2, (240.0, 0.0), 2, seed)


def _box(
    formula: Formula,
    bounds: Sequence[tuple[float, float]],
    reference: tuple[float, float],
    constraints: int,
    seed: int,
) -> Box:
    space = Space({f"x{k}": Float(low=float(low), high=float(high)) for k, (low, high) in enumerate(bounds)})
    objectives = tuple(Objective(f"f{k}", "min", "linear", value) for k, value in enumerate(reference))
    names = [f"g{k}" for k in range(constraints)]

    def run(config: Config, rng: np.random.Generator) -> Measured:
        del rng
        values, slack = formula(np.array([float(config[name]) for name in space.names]))
        return {f"f{k}": float(value) for k, value in enumerate(values)}, {
            name: float(value) for name, value in zip(names, slack, strict=True)
        }

    return Box(Problem(space, objectives, (), tuple(names), seed=seed), run)


def _osy(x: Array) -> tuple[Sequence[float], Sequence[float]]:
    a, b, c, d, e, f = x
    f1 = -(25 * (a - 2) ** 2 + (b - 2) ** 2 + (c - 1) ** 2 + (d - 4) ** 2 + (e - 1) ** 2)
    kept = (a + b - 2, 6 - a - b, 2 - b + a, 2 - a + 3 * b, 4 - (c - 3) ** 2 - d, (e - 3) ** 2 + f - 4)
    return (f1, float((x**2).sum())), [-value for value in kept]


def _c2dtlz2(x: Array) -> tuple[Sequence[float], Sequence[float]]:
    radius = 1.0 + float(((x[1:] - 0.5) ** 2).sum())
    f = radius * np.array([math.cos(x[0] * math.pi / 2), math.sin(x[0] * math.pi / 2)])
    corners = [(f[k] - 1) ** 2 + f[1 - k] ** 2 - 0.2**2 for k in (0, 1)]
    centre = float(((f - 1 / math.sqrt(2)) ** 2).sum()) - 0.2**2
    return tuple(f), [min(*corners, centre)]


def _mw7(x: Array) -> tuple[Sequence[float], Sequence[float]]:
    g = 1.0 + 2.0 * float(((x[1:] + (x[:-1] - 0.5) ** 2 - 1.0) ** 2).sum())
    f0 = g * x[0]
    f1 = g * math.sqrt(max(1.0 - x[0] ** 2, 0.0))
    angle = math.atan2(f1, f0)
    outer = 1.2 + abs(0.4 * math.sin(4.0 * angle) ** 16)
    inner = 1.15 - 0.2 * math.sin(4.0 * angle) ** 8
    return (f0, f1), (f0**2 + f1**2 - outer**2, inner**2 - f0**2 - f1**2)


def _weldedbeam(x: Array) -> tuple[Sequence[float], Sequence[float]]:
    h, length, t, b = x
    load, arm = 6000.0, 14.0
    cost = 1.10471 * h**2 * length + 0.04811 * t * b * (14.0 + length)
    deflection = 2.1952 / (b * t**3)
    radius = math.sqrt(0.25 * (length**2 + (h + t) ** 2))
    moment = load * (arm + length / 2)
    inertia = 2 * math.sqrt(0.5) * h * length * (length**2 / 12 + 0.25 * (h + t) ** 2)
    primary, secondary = load / (math.sqrt(2) * h * length), moment * radius / inertia
    shear = math.sqrt(primary**2 + primary * secondary * length / radius + secondary**2)
    bending = 6 * load * arm / (b * t**2)
    buckling = 64746.022 * (1 - 0.0282346 * t) * t * b**3
    limits = (shear / 13600 - 1, bending / 30000 - 1, (h - b) / (5 - 0.125), 1 - buckling / load)
    return (cost, deflection), limits


def _discbrake(x: Array) -> tuple[Sequence[float], Sequence[float]]:
    inner, outer, force, surfaces = x
    squares, cubes = outer**2 - inner**2, outer**3 - inner**3
    if squares == 0:
        squares, cubes = 1e-9, 1e-9
    mass = 4.9e-5 * squares * (surfaces - 1)
    stopping_time = 9.82e6 * squares / (force * surfaces * cubes)
    limits = (
        20 - (outer - inner),
        force / (3.14 * squares) - 0.4,
        2.22e-3 * force * cubes / squares**2 - 1,
        900 - 2.66e-2 * force * surfaces * cubes / squares,
    )
    return (mass, stopping_time), limits


def _branincurrin(x: Array) -> tuple[Sequence[float], Sequence[float]]:
    u, v = 15 * x[0] - 5, 15 * x[1]
    branin = (v - 5.1 / (4 * math.pi**2) * u**2 + 5 / math.pi * u - 6) ** 2
    branin += 10 * (1 - 1 / (8 * math.pi)) * math.cos(u) + 10
    damped = 1 - (math.exp(-1 / (2 * x[1])) if x[1] > 0 else 0.0)
    currin = damped * (2300 * x[0] ** 3 + 1900 * x[0] ** 2 + 2092 * x[0] + 60)
    currin /= 100 * x[0] ** 3 + 500 * x[0] ** 2 + 4 * x[0] + 20
    return (branin, currin), [(u - 2.5) ** 2 + (v - 7.5) ** 2 - 50]


def _tnk(x: Array) -> tuple[Sequence[float], Sequence[float]]:
    wave = 0.1 * math.cos(16 * math.atan2(x[0], x[1]))
    return tuple(x), (1 + wave - x[0] ** 2 - x[1] ** 2, 2 * float(((x - 0.5) ** 2).sum()) - 1)


def _srn(x: Array) -> tuple[Sequence[float], Sequence[float]]:
    a, b = x
    f = (2 + (a - 2) ** 2 + (b - 1) ** 2, 9 * a - (b - 1) ** 2)
    return f, (a**2 + b**2 - 225, a - 3 * b + 10)
