"""The cost to expect of designs from mean spikes alone, many designs at once: what a search asks for.

A design is a network's shape on an accelerator. Spikes decide none of its area, and its energy is linear in
weights read, scan cycles and cycles; so both are counted once per design and remembered, and what is left for
every candidate are a few products (``hardware.expected``).
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import lru_cache

import numpy as np

from hardware.assumed import assumed_resources
from hardware.checks import check_config
from hardware.coefficients import ENERGY_MODEL
from hardware.devices import RESOURCES, Device, area_on
from hardware.energy import energy_rates, fired_words
from hardware.expected import entering_and_own, expected_total, scan_cycles
from hardware.expected_terms import CycleTerms, cycle_terms, stacked
from hardware.network import AcceleratorConfig, FloatArray
from hardware.resources import Resources
from hardware.shape import NetworkShape
from spikefront.errors import InputError

Design = tuple[NetworkShape, AcceleratorConfig]
REMEMBERED = 8192
"""Designs whose terms are kept, about 3 kB each."""


@dataclass(frozen=True, eq=False)
class ExpectedCost:
    """What the optimiser expects from mean spikes: arrays over the leading dimensions of those; area, which
    no spike changes, is the same estimate as ``hardware.cost.DesignCost``'s but for widths that depend on
    weights."""

    cycles: FloatArray
    latency_us: FloatArray
    energy_uj: FloatArray
    luts: FloatArray
    ffs: FloatArray
    bram36: FloatArray
    dsps: FloatArray


def expected_cost(
    net: NetworkShape,
    spikes_per_layer: FloatArray,
    config: AcceleratorConfig,
    *,
    energy_model: str = ENERGY_MODEL,
    target: Device | None = None,
) -> ExpectedCost:
    """Return the cost to expect of one design.

    Args:
        net: the network's shape.
        spikes_per_layer: (..., L) or (..., L + 1) mean spikes per inference entering each layer, and leaving
            the last (``hardware.expected.expected``).
        config: the accelerator.
        energy_model: name of a coefficient table.
        target: the device for whose fabric area is estimated.

    Raises:
        DesignError: where ``config`` cannot be built.
        InputError: where there is no such energy model, or spikes do not fit the layers.
    """
    spikes = np.asarray(spikes_per_layer, dtype=np.float64)[..., None, :]
    found = expected_costs([(net, config)], spikes, energy_model=energy_model, target=target)
    return ExpectedCost(**{field.name: getattr(found, field.name)[..., 0] for field in fields(ExpectedCost)})


def expected_costs(
    designs: Sequence[Design],
    spikes_per_layer: FloatArray,
    *,
    energy_model: str = ENERGY_MODEL,
    target: Device | None = None,
) -> ExpectedCost:
    """Return the costs (..., D) to expect of D designs of as many layers; their areas are (D,).

    Args:
        designs: networks of L layers, each with its accelerator.
        spikes_per_layer: (..., D, L) or (..., D, L + 1) mean spikes per inference of each design; D may be 1
            where all designs have the same.
        energy_model: name of a coefficient table.
        target: the device for whose fabric area is estimated.

    Raises:
        DesignError: where a design cannot be built.
        InputError: where there is no such energy model, networks differ in depth, or spikes do not fit.
    """
    if not designs or len({len(net.layers) for net, _ in designs}) > 1:
        depths = sorted({len(net.layers) for net, _ in designs})
        raise InputError(
            f"{len(designs)} designs have {depths} layers; give at least one, and all of one depth."
        )
    found = [_terms(net, config, energy_model, target) for net, config in designs]
    terms, rates = stacked([cycles for cycles, _ in found]), stacked([prices for _, prices in found])
    entering, own = entering_and_own(terms, spikes_per_layer)
    total, scan = expected_total(terms, entering, own), scan_cycles(terms, entering, own)
    spent = rates.per_tap * entering * terms.landing + rates.per_echo * own + rates.per_scan * scan
    return ExpectedCost(
        cycles=total,
        latency_us=total / rates.clock_mhz,
        energy_uj=spent.sum(axis=-1) + rates.per_cycle * total + rates.fixed_uj,
        **{name: rates.area[:, k] for k, name in enumerate(RESOURCES)},
    )


@dataclass(frozen=True, eq=False)
class _Rates:
    """A design's prices, or those of many designs stacked behind a leading dimension.

    Attributes:
        per_tap, per_echo, per_scan: uJ per tap, own spike and scan cycle of each layer (L,).
        per_cycle: uJ per cycle.
        fixed_uj: uJ of an inference whatever happens.
        clock_mhz: clock.
        area: as ``RESOURCES`` (4,).
    """

    per_tap: FloatArray
    per_echo: FloatArray
    per_scan: FloatArray
    per_cycle: FloatArray
    fixed_uj: FloatArray
    clock_mhz: FloatArray
    area: FloatArray


@lru_cache(maxsize=REMEMBERED)
def _terms(
    net: NetworkShape, config: AcceleratorConfig, model: str, target: Device | None
) -> tuple[CycleTerms, _Rates]:
    check_config(config, len(net.layers))
    built, layers = assumed_resources(net, config), len(net.layers)
    spent, used = _energy_rates(built, model), area_on(target, built)
    rates = _Rates(
        per_tap=spent[:layers],
        per_echo=spent[layers : 2 * layers],
        per_scan=spent[2 * layers : -2],
        per_cycle=spent[-2],
        fixed_uj=spent[-1],
        clock_mhz=np.array(config.clock_mhz),
        area=np.array([getattr(used, name) for name in RESOURCES], dtype=np.float64),
    )
    return cycle_terms(net, config), rates


def _energy_rates(built: Resources, model: str) -> FloatArray:
    """Return uJ per tap, own spike and scan cycle of each layer, per cycle, and per inference (3 L + 2,)."""
    layers = len(built.layers)
    words, found = fired_words(built).tolist(), [0.0] * (3 * layers + 2)
    for rate in energy_rates(built, model):
        found[rate.layer] += rate.tap
        found[layers + rate.layer] += rate.tap + rate.echo
        found[2 * layers + rate.layer] += rate.scan
        found[-2] += rate.cycle
        found[-1] += rate.once + rate.word * words[rate.layer]
    return np.array(found) * 1e-6
