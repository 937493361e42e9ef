"""How many cores each layer gets: the least latency within a device's budget.

The cycles to minimise are those that ``hardware.expected`` gives for mean spikes: with G groups of lanes in a
layer, ``a(G)`` cycles once and ``b(G)`` per further time step::

    cycles = sum over layers of a + (T - 1) * max over layers of b + a constant          pipelined
    cycles = sum over layers of a + (T - 1) * sum over layers of b + a constant          sequential

Area is a sum over layers, so the choice is exact for these cycles: a depth-first search with bounds over
every number of groups that a layer can have.

In the sequential schedule of a feed-forward network it is exact for counted cycles as well, whatever the
images: no layer waits, and what mean spikes do not tell, the number of empty chunks, does not depend on
lanes. In the pipelined schedule images and steps differ, layers wait for each other's bursts, and the choice
is the fastest by mean spikes alone; so it is in clock-driven networks, where layers set the pace in turns. A
sweep of touched rows is taken as dense.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from hardware.area import Area
from hardware.assumed import assumed_resources
from hardware.devices import RESOURCES, Device, area_on, require_fit, violation
from hardware.expected import expected, expected_parts
from hardware.network import AcceleratorConfig, FloatArray
from hardware.shape import NetworkShape
from spikefront.errors import InputError

EVERY = 64
MULTIPLIERS = tuple(2.0**k for k in range(-10, 12))
"""Prices of a resource in cycles that bounds are taken over; any are valid, these span what nets need."""


@dataclass(frozen=True)
class Allocation:
    """The lanes chosen for every layer.

    Attributes:
        lanes: neuron cores per layer.
        area: estimated area with them.
        cycles: expected clock cycles of an inference.
        violation: by what share the device is exceeded; 0 where the network fits.
    """

    lanes: tuple[int, ...]
    area: Area
    cycles: float
    violation: float


@dataclass(frozen=True, eq=False)
class Choices:
    """The numbers of lanes a layer can have, and what each needs: ``used`` (choices, 4), as ``RESOURCES``."""

    lanes: tuple[int, ...]
    used: FloatArray


def allocate(net: NetworkShape, spikes: FloatArray, config: AcceleratorConfig, target: Device) -> Allocation:
    """Return the lanes with the fewest expected cycles that fit ``target``.

    Where nothing fits, the lanes that exceed it least, and by how much.

    Args:
        net: the network's shape.
        spikes: (L,) mean spikes per inference that enter each layer, or (L + 1,) with those that leave the
            last (``hardware.expected.expected``).
        config: the accelerator; its lanes are replaced.
        target: the device.

    Raises:
        InputError: where ``spikes`` does not have one value per layer.
    """
    spikes = np.asarray(spikes, dtype=np.float64)
    if spikes.ndim != 1:
        raise InputError(f"spikes has shape {spikes.shape}; give one mean per layer.")
    config = replace(config, lanes=(1,) * len(net.layers))
    shared, layers = _table(net, config, target)
    budget, used = _budget(target), [choices.used for choices in layers]
    once, pace = _cycles(net, spikes, config, layers)
    picked = _fastest(_search(used, once, pace, net.time_steps - 1), budget - shared)
    if picked is None:
        picked = _smallest(used, shared, budget)
    lanes = tuple(choices.lanes[k] for choices, k in zip(layers, picked, strict=True))
    return _allocation(net, spikes, replace(config, lanes=lanes), target)


def require_allocation(
    net: NetworkShape, spikes: FloatArray, config: AcceleratorConfig, target: Device
) -> Allocation:
    """Return ``allocate``'s choice.

    Raises:
        DesignError: where the network does not fit, naming every resource that does not suffice.
    """
    found = allocate(net, spikes, config, target)
    require_fit(target, found.area)
    return found


def _budget(target: Device) -> FloatArray:
    return np.array([float(getattr(target, name)) for name in RESOURCES])


def lane_choices(neurons: int) -> tuple[int, ...]:
    """Return the numbers of lanes worth a look for a layer of ``neurons``.

    All of them up to ``EVERY`` neurons; above, the least for every number of groups. More lanes in as many
    groups gain no cycle, and save area only where they lift a small memory over the size at which it becomes
    block RAM; memories of large layers are above it anyway.
    """
    if neurons <= EVERY:
        return tuple(range(1, neurons + 1))
    groups = {-(-neurons // lanes) for lanes in range(1, neurons + 1)}
    return tuple(sorted(-(-neurons // g) for g in groups))


def _allocation(
    net: NetworkShape, spikes: FloatArray, config: AcceleratorConfig, target: Device
) -> Allocation:
    used = area_on(target, assumed_resources(net, config))
    total = expected(net, spikes, config)
    return Allocation(config.lanes, used, float(total), violation(target, used))


@lru_cache(maxsize=64)
def _table(net: NetworkShape, config: AcceleratorConfig, target: Device) -> tuple[FloatArray, list[Choices]]:
    """Return what all layers share, and per layer what each number of lanes adds to it."""
    layers = len(net.layers)
    least = _used(net, config, target)
    found = []
    for k in range(layers):
        choices = lane_choices(net.layers[k].channels)
        rows = [_used(net, _with_lanes(config, k, lanes), target) - least for lanes in choices]
        found.append(Choices(choices, np.array(rows)))
    return least, found


def _with_lanes(config: AcceleratorConfig, layer: int, lanes: int) -> AcceleratorConfig:
    return replace(config, lanes=(*config.lanes[:layer], lanes, *config.lanes[layer + 1 :]))


def _used(net: NetworkShape, config: AcceleratorConfig, target: Device) -> FloatArray:
    used = area_on(target, assumed_resources(net, config))
    return np.array([float(getattr(used, name)) for name in RESOURCES])


def _cycles(
    net: NetworkShape, spikes: FloatArray, config: AcceleratorConfig, layers: Sequence[Choices]
) -> tuple[list[FloatArray], list[FloatArray]]:
    """Return, per layer and choice, the cycles once and per further step."""
    rows = []
    for k in range(max(len(choices.lanes) for choices in layers)):
        lanes = tuple(choices.lanes[min(k, len(choices.lanes) - 1)] for choices in layers)
        one = replace(config, lanes=lanes)
        rows.append(expected_parts(net, spikes, one))
    once, pace = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    if config.schedule == "sequential":
        once, pace = once + (net.time_steps - 1) * pace, np.zeros_like(pace)
    counts = [len(choices.lanes) for choices in layers]
    return [once[:n, k] for k, n in enumerate(counts)], [pace[:n, k] for k, n in enumerate(counts)]


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


def _search(used: list[FloatArray], once: list[FloatArray], pace: list[FloatArray], further: int) -> _Search:
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


def _fastest(search: _Search, budget: FloatArray) -> tuple[int, ...] | None:
    """Return the choice per layer with the fewest cycles within ``budget`` (4,), or None."""
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


def _smallest(used: list[FloatArray], shared: FloatArray, budget: FloatArray) -> tuple[int, ...]:
    """Return the choice per layer that exceeds ``budget`` by the least share of one resource."""
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
