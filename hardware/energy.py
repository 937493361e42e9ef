"""Energy of an inference from counted activity, split by part and by place, under a named coefficient table.

With N_w weight words read, T time steps, P lanes and G groups, a layer costs under "asic_45nm"::

    weight memory    N_w * e(P * weight_bits, capacity)
    bias memory      T * G * e(P * bias_bits, capacity)
    address tables   scan cycles * e(bits, capacity)                      convolutions only, each table
    state memory     2 * (N_w + T * G) * e(P * state_bits, capacity)        read and write
    adders           (N_w * P * sum_bits + T * G * P * 3 * membrane_bits) * e_add
    leak             T * G * P * membrane_bits * leak_bits * e_mul          multiply leak only
    scanner          scan cycles * chunk_bits * e_scan
    registers        cycles * flip-flops * e_ff
    leakage          (uW per kB and per flip-flop) * latency

The clock-driven family reads a weight word in every cycle of a walk, spike or not, and its scanner looks at
one bit; only spikes are added up.

where ``e(bits, capacity) = e_mem * bits / 64 * sqrt(max(capacity, 1 kB) / 8 kB)``, and a state that is
registers costs ``bits * e_register`` instead. Under direct encoding the first layer's events touch the
current memory, and every firing reads both. Units: pJ inside, uJ in what is returned.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hardware.area import Area, area
from hardware.coefficients import EnergyTable, energy_table
from hardware.cycles import CycleReport
from hardware.network import FloatArray
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
    """

    spikes: Counts
    scan: Counts
    cycles: Counts


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
    return Activity(report.taps, report.scan, report.total)


def energy(built: Resources, activity: Activity, model: str = "asic_45nm") -> Energy:
    """Return the energy of ``activity`` on the accelerator ``built``.

    Args:
        built: counted resources, exact or assumed.
        activity: exact counts per sample, or expectations for the optimiser.
        model: name of a coefficient table.

    Raises:
        InputError: where there is no such table.
    """
    ledger = _Ledger(energy_table(model))
    cycles = np.asarray(activity.cycles, dtype=np.float64)
    if model == "fpga_7series":
        _fpga(ledger, built, cycles)
    else:
        _asic(ledger, built, activity, cycles)
    return ledger.close()


@dataclass(frozen=True)
class _Ledger:
    """Entries (part, place, assumed, pJ), summed up at the end."""

    table: EnergyTable
    entries: list[tuple[str, str, bool, FloatArray]] = field(default_factory=list)

    def add(self, part: str, place: str, coefficient: str, amount: Counts | float) -> None:
        """Book ``amount`` times a coefficient, which is in pJ per unit of amount."""
        found = self.table.coefficients[coefficient]
        pj = np.asarray(amount, dtype=np.float64) * found.value
        self.entries.append((part, place, found.kind == "assumed", pj))

    def close(self) -> Energy:
        """Sum up by part, by place, and over assumed entries, in uJ."""
        total = assumed = np.zeros(())
        parts: dict[str, FloatArray] = {}
        places: dict[str, FloatArray] = {}
        for part, place, is_assumed, pj in self.entries:
            uj = pj * 1e-6
            total = total + uj
            assumed = assumed + uj if is_assumed else assumed
            parts[part] = parts[part] + uj if part in parts else uj
            places[place] = places[place] + uj if place in places else uj
        return Energy(self.table.name, total, parts, places, assumed)


def _asic(ledger: _Ledger, built: Resources, activity: Activity, cycles: FloatArray) -> None:
    us = cycles / built.config.clock_mhz
    words = 2 * built.input_memory.words
    _memory(ledger, "input memory", "input", built.input_memory, np.full(cycles.shape, words))
    _leak_and_clock(ledger, "shared", cycles, us, built.flip_flops)
    ledger.add("leakage", "input", "memory_leakage", us * built.input_memory.kilobytes)
    for k, layer in enumerate(built.layers):
        reads = np.asarray(activity.spikes[..., k] * layer.groups, dtype=np.float64)
        walks = built.config.family == "clock_driven"
        fetched = np.asarray(activity.scan[..., k], dtype=np.float64) if walks else reads
        _memory(ledger, "weight memory", f"layer{k}", layer.weights, fetched)
        _asic_layer(ledger, f"layer{k}", layer, built, reads)
        for table in layer.tables:
            _memory(ledger, "address tables", f"layer{k}", table, activity.scan[..., k])
        scanned = activity.scan[..., k] * (1 if walks else built.config.chunk_bits)
        ledger.add("scanner", f"layer{k}", "scan_bit", scanned)
        _leak_and_clock(ledger, f"layer{k}", cycles, us, layer.flip_flops)
        kilobytes = sum(
            m.kilobytes
            for m in (layer.weights, layer.state, layer.current, layer.bias, *layer.tables)
            if m and not m.registers
        )
        ledger.add("leakage", f"layer{k}", "memory_leakage", us * kilobytes)


def _asic_layer(
    ledger: _Ledger, place: str, layer: LayerResources, built: Resources, reads: FloatArray
) -> None:
    config = built.config
    fires = np.full(reads.shape, built.time_steps * layer.state.words)
    if layer.current:
        _memory(ledger, "state memory", place, layer.current, 2 * reads + fires + layer.state.words)
        _memory(ledger, "state memory", place, layer.state, 2 * fires)
    else:
        _memory(ledger, "state memory", place, layer.state, 2 * (reads + fires))
    adds = 3 * config.membrane_bits + (layer.sum_bits if layer.current else 0)
    if layer.bias:
        _memory(ledger, "bias memory", place, layer.bias, fires)
        adds += config.membrane_bits
    ledger.add("adders", place, "add_bit", layer.lanes * (reads * layer.sum_bits + fires * adds))
    if layer.multiplies:
        products = fires * layer.lanes * layer.multiplies * config.membrane_bits * config.leak_bits
        ledger.add("leak", place, "multiply_bit2", products)


def _memory(ledger: _Ledger, part: str, place: str, memory: Memory, accesses: Counts) -> None:
    if memory.registers:
        ledger.add(part, place, "register_bit", accesses * memory.bits)
    else:
        scale = memory.bits / 64 * np.sqrt(max(memory.kilobytes, 1.0) / 8)
        ledger.add(part, place, "memory_access", accesses * scale)


def _leak_and_clock(ledger: _Ledger, place: str, cycles: FloatArray, us: FloatArray, flip_flops: int) -> None:
    ledger.add("registers", place, "flip_flop_cycle", cycles * flip_flops)
    ledger.add("leakage", place, "flip_flop_leakage", us * flip_flops)


def _fpga(ledger: _Ledger, built: Resources, cycles: FloatArray) -> None:
    us = cycles / built.config.clock_mhz
    ledger.add("constant power", "shared", "constant_power", us * 1e3)  # mW x us = nJ
    estimate: Area = area(built)
    ledger.add("logic", "shared", "cell_cycle", cycles * estimate.shared_luts)
    for k, luts in enumerate(estimate.layer_luts):
        ledger.add("logic", f"layer{k}", "cell_cycle", cycles * luts)
