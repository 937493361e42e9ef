"""Energy of an inference from counted activity, split by part and by place, under a named coefficient table.

With N_w weight words read, N_f state words fired, P lanes and G groups, a layer costs under "asic_45nm"::

    weight memory    N_w * e(P * weight_bits, capacity)
    bias memory      N_f * e(P * bias_bits, capacity)
    address tables   scan cycles * e(bits, capacity)                      convolutions only, each table
    state memory     2 * (N_w + N_f) * e(P * state_bits, capacity)          read and write
    adders           (N_w * P * sum_bits + N_f * P * 3 * membrane_bits) * e_add
    leak             N_f * P * membrane_bits * leak_bits * e_mul            multiply leak only
    scanner          scan cycles * chunk_bits * e_scan
    input memory     2 * words * e(chunk_bits, capacity)                    written once, read once
    registers        cycles * flip-flops * e_ff
    leakage          (uW per kB and per flip-flop) * latency

N_f is G in every step of a fully connected layer, and what ``hardware.rows`` counts in a convolution.

The clock-driven family reads a weight word in every cycle of a walk, spike or not, and its scanner looks at
one bit; only spikes are added up.

where ``e(bits, capacity) = e_mem * bits / 64 * sqrt(max(capacity, 1 kB) / 8 kB)``, and a state that is
registers costs ``bits * e_register`` instead. Under direct encoding the first layer's inputs touch the
current memory, its own spikes the state, and every firing reads both. Units: pJ inside, uJ in what is
returned.
"""

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hardware.area import Area, area
from hardware.coefficients import EnergyTable, energy_table
from hardware.cycles import CycleReport
from hardware.network import AcceleratorConfig, FloatArray
from hardware.resources import LayerResources, Memory, Resources

Counts = NDArray[np.floating] | NDArray[np.integer]


@dataclass(frozen=True, eq=False)
class Activity:
    """What happens in an inference; leading dimensions (samples, or candidates) are free.

    Attributes:
        spikes: spikes that each layer adds up (..., L): those of its input, and its own when recurrent; in a
            convolutional layer every tap that lands inside the frame counts.
        scan: scan cycles per layer (..., L).
        cycles: clock cycles from start to done (...).
        words: state words that fire per layer (..., L); None for all in every step.
        echoes: own spikes among ``spikes`` (..., L), where they cost another sum than a tap: in a recurrent
            first layer that keeps a constant current; None for none.
    """

    spikes: Counts
    scan: Counts
    cycles: Counts
    words: Counts | None = None
    echoes: Counts | None = None


@dataclass(frozen=True, eq=False)
class Energy:
    """Energy of inferences under one model.

    Attributes:
        model: name of the coefficient table.
        total_uj: (...) uJ.
        parts_uj: by part (weight memory, adders, ...): (...) uJ.
        places_uj: by place ("input", "layer0", ..., "shared"): (...) uJ.
        assumed_uj: (...) uJ from coefficients without a published source.
    """

    model: str
    total_uj: FloatArray
    parts_uj: dict[str, FloatArray]
    places_uj: dict[str, FloatArray]
    assumed_uj: FloatArray

    @property
    def assumed_share(self) -> float:
        """Share of the mean energy that rests on assumed coefficients."""
        return float(np.mean(self.assumed_uj) / np.mean(self.total_uj))


def activity(report: CycleReport) -> Activity:
    """Return the exact activity of simulated or counted inferences."""
    return Activity(report.taps, report.scan, report.total, report.words, report.echoes)


def energy(built: Resources, activity: Activity, model: str = "asic_45nm") -> Energy:
    """Return the energy of ``activity`` on the accelerator ``built``.

    Args:
        built: counted resources, exact or assumed.
        activity: exact counts per sample, or expectations for the optimiser.
        model: name of a coefficient table.

    Raises:
        InputError: where there is no such table.
    """
    total = assumed = np.zeros(())
    parts: dict[str, FloatArray] = {}
    places: dict[str, FloatArray] = {}
    words = fired_words(built) if activity.words is None else activity.words
    for rate in energy_rates(built, model):
        uj = rate.of(activity, words) * 1e-6
        total = total + uj
        assumed = assumed + uj if rate.assumed else assumed
        parts[rate.part] = parts.get(rate.part, 0.0) + uj
        places[rate.place] = places.get(rate.place, 0.0) + uj
    return Energy(model, total, parts, places, assumed)


def fired_words(built: Resources) -> FloatArray:
    """Return the state words (L,) that fire in an inference where all do in every step."""
    return np.array([float(built.time_steps * layer.state.words) for layer in built.layers])


class Rate(NamedTuple):
    """What a part costs in one place, in pJ: a sum over what happens in a layer.

    Attributes:
        part, place: as in ``Energy``.
        layer: the layer whose taps, scan cycles and fired words count; 0 where none do.
        assumed: whether the coefficient has no published source.
        tap, scan, word, cycle: pJ per unit of ``Activity``'s spikes, scan, words and cycles.
        echo: pJ that an own spike costs more than other taps.
        once: pJ per inference.
    """

    part: str
    place: str
    layer: int
    assumed: bool
    tap: float
    scan: float
    word: float
    echo: float
    cycle: float
    once: float

    def of(self, activity: Activity, words: Counts) -> FloatArray:
        """Return what ``activity`` costs (...), in pJ."""
        total = np.full(np.shape(activity.cycles), self.once)
        pairs = (activity.spikes, self.tap), (activity.scan, self.scan), (words, self.word)
        for amount, rate in (*pairs, (activity.echoes, self.echo)):
            if rate and amount is not None:
                total = total + rate * amount[..., self.layer]
        return np.asarray(total + self.cycle * activity.cycles if self.cycle else total)


def energy_rates(built: Resources, model: str = "asic_45nm") -> list[Rate]:
    """Return what every part of ``built`` costs in every place, whatever happens.

    Raises:
        InputError: where there is no table called ``model``.
    """
    ledger = _Ledger(energy_table(model))
    if model == "fpga_7series":
        _fpga(ledger, built)
    else:
        _asic(ledger, built)
    return ledger.rates


class Use(NamedTuple):
    """How often something is used: per tap, scan cycle, fired word, cycle and inference; and how much more
    often by an own spike than by other taps."""

    tap: float = 0.0
    scan: float = 0.0
    word: float = 0.0
    echo: float = 0.0
    cycle: float = 0.0
    once: float = 0.0


@dataclass(frozen=True)
class _Ledger:
    """Rates, booked one by one in a ``place``, of a layer or not."""

    table: EnergyTable
    rates: list[Rate] = field(default_factory=list)
    place: str = "shared"
    layer: int = 0

    def at(self, place: str, layer: int = 0) -> "_Ledger":
        """Return the same ledger, which books elsewhere."""
        return _Ledger(self.table, self.rates, place, layer)

    def add(self, part: str, coefficient: str, units: float, use: Use) -> None:
        """Book ``units`` of a coefficient, which is in pJ per unit, for each ``use``."""
        found = self.table.coefficients[coefficient]
        pj, assumed = found.value * units, found.kind == "assumed"
        self.rates.append(Rate(part, self.place, self.layer, assumed, *[pj * count for count in use]))

    def memory(self, part: str, memory: Memory, use: Use) -> None:
        """Book accesses to a memory."""
        if memory.registers:
            self.add(part, "register_bit", memory.bits, use)
        else:
            scale = memory.bits / 64 * math.sqrt(max(memory.kilobytes, 1.0) / 8)
            self.add(part, "memory_access", scale, use)

    def clock(self, flip_flops: int, config: AcceleratorConfig) -> None:
        """Book what flip-flops cost in every cycle."""
        self.add("registers", "flip_flop_cycle", flip_flops, EACH_CYCLE)
        self.leak("flip_flop_leakage", flip_flops, config)

    def leak(self, coefficient: str, units: float, config: AcceleratorConfig) -> None:
        """Book leakage, a power in uW, for the us of every cycle: uW x us = pJ."""
        self.add("leakage", coefficient, units / config.clock_mhz, EACH_CYCLE)


EACH_CYCLE = Use(cycle=1.0)


def _asic(ledger: _Ledger, built: Resources) -> None:
    memory, config = built.input_memory, built.config
    ledger.at("input").memory("input memory", memory, Use(once=2 * memory.words))
    ledger.at("input").leak("memory_leakage", memory.kilobytes, config)
    ledger.clock(built.flip_flops, config)
    for k, layer in enumerate(built.layers):
        _asic_layer(ledger.at(f"layer{k}", k), layer, config)


def _asic_layer(ledger: _Ledger, layer: LayerResources, config: AcceleratorConfig) -> None:
    walks, reads = config.family == "clock_driven", layer.groups
    ledger.memory("weight memory", layer.weights, Use(scan=1) if walks else Use(tap=reads))
    wider = 0
    if layer.current:
        kept = Use(tap=2 * reads, word=1, echo=-2 * reads, once=layer.state.words)
        ledger.memory("state memory", layer.current, kept)
        ledger.memory("state memory", layer.state, Use(word=2, echo=2 * reads))
        wider = layer.state_bits - layer.sum_bits
    else:
        ledger.memory("state memory", layer.state, Use(tap=2 * reads, word=2))
    adds = 3 * config.membrane_bits + (layer.sum_bits if layer.current else 0)
    if layer.bias:
        ledger.memory("bias memory", layer.bias, Use(word=1))
        adds += config.membrane_bits
    sums = Use(tap=reads * layer.sum_bits, word=adds, echo=reads * wider)
    ledger.add("adders", "add_bit", layer.lanes, sums)
    if layer.multiplies:
        products = layer.lanes * layer.multiplies * config.membrane_bits * config.leak_bits
        ledger.add("leak", "multiply_bit2", products, Use(word=1))
    for table in layer.tables:
        ledger.memory("address tables", table, Use(scan=1))
    ledger.add("scanner", "scan_bit", 1 if walks else config.chunk_bits, Use(scan=1))
    kilobytes = sum(memory.kilobytes for memory in (*layer.roms, *layer.rams))
    ledger.clock(layer.flip_flops, config)
    ledger.leak("memory_leakage", kilobytes, config)


def _fpga(ledger: _Ledger, built: Resources) -> None:
    ledger.add("constant power", "constant_power", 1e3 / built.config.clock_mhz, EACH_CYCLE)  # mW x us = nJ
    estimate: Area = area(built)
    ledger.add("logic", "cell_cycle", estimate.shared_luts, EACH_CYCLE)
    for k, luts in enumerate(estimate.layer_luts):
        ledger.at(f"layer{k}").add("logic", "cell_cycle", luts, EACH_CYCLE)
