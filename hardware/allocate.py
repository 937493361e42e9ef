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

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from hardware.area import Area
from hardware.assumed import assumed_resources
from hardware.checks import check_config
from hardware.devices import RESOURCES, Device, area_on, require_fit, violation
from hardware.expected import entering_and_own, expected, layer_parts
from hardware.expected_terms import CycleTerms, cycle_terms, stacked
from hardware.lane_search import Choices, fastest, smallest
from hardware.network import AcceleratorConfig, FloatArray
from hardware.resources import LayerResources, Resources
from hardware.shape import NetworkShape
from spikefront.errors import InputError

EVERY = 64
REMEMBERED = 512
"""Networks whose lanes' costs are kept, up to some 100 kB each."""


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
class _Table:
    """What lanes cost a network, whatever its spikes.

    Attributes:
        lanes: per layer, the numbers of lanes it can have.
        used: per layer, what each of them needs beyond one lane (choices, 4), as ``RESOURCES``.
        shared: what is needed with one lane in every layer (4,).
        terms: the cycles' terms of choice k in every layer, or of a layer's last where it has fewer.
    """

    lanes: tuple[tuple[int, ...], ...]
    used: tuple[FloatArray, ...]
    shared: FloatArray
    terms: CycleTerms


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
        DesignError: where ``config`` cannot be built, whatever its lanes.
        InputError: where ``spikes`` does not have one value per layer, or one is no number or below zero.
    """
    spikes = np.asarray(spikes, dtype=np.float64)
    if spikes.ndim != 1:
        raise InputError(f"spikes has shape {spikes.shape}; give one mean per layer.")
    least = replace(config, lanes=(1,) * len(net.layers))
    check_config(least, len(net.layers))
    table, budget = _table(net, least, target), _budget(target)
    layers = _priced(table, spikes)
    picked = fastest(layers, net.time_steps - 1, budget - table.shared)
    if picked is None:
        picked = smallest(layers, table.shared, budget)
    lanes = tuple(choices[k] for choices, k in zip(table.lanes, picked, strict=True))
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


@lru_cache(maxsize=REMEMBERED)
def _table(net: NetworkShape, config: AcceleratorConfig, target: Device) -> _Table:
    """Return what lanes cost; ``config`` has one in every layer."""
    lanes = tuple(lane_choices(layer.channels) for layer in net.layers)
    rounds = range(max(len(choices) for choices in lanes))
    configs = [replace(config, lanes=tuple(c[min(k, len(c) - 1)] for c in lanes)) for k in rounds]
    built = [assumed_resources(net, one) for one in configs]
    shared = _used(built[0], target)
    used = [
        np.array([_used(_with_layer(built[0], k, built[c].layers[k]), target) for c in range(len(choices))])
        for k, choices in enumerate(lanes)
    ]
    terms = stacked([cycle_terms(net, one) for one in configs])
    return _Table(lanes, tuple(u - shared for u in used), shared, terms)


def _with_layer(built: Resources, index: int, layer: LayerResources) -> Resources:
    return replace(built, layers=(*built.layers[:index], layer, *built.layers[index + 1 :]))


def _used(built: Resources, target: Device) -> FloatArray:
    used = area_on(target, built)
    return np.array([float(getattr(used, name)) for name in RESOURCES])


def _priced(table: _Table, spikes: FloatArray) -> list[Choices]:
    """Return every layer's choices with their cycles for ``spikes``."""
    once, pace = layer_parts(table.terms, *entering_and_own(table.terms, spikes))
    if table.terms.summed.all():
        once, pace = once + table.terms.further[:, None] * pace, np.zeros_like(pace)
    return [Choices(used, once[: len(used), k], pace[: len(used), k]) for k, used in enumerate(table.used)]
