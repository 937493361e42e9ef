"""One layer's core: weight memory, state memory, lanes, spike buffer.

Pipeline behind the issue of ``hardware.rtl.control``, one cycle per stage::

    event   read weights and accumulators, add, write
    fire    read the accumulators, clip, compare, publish spikes  |  leak, reset, write

A write of the second fire stage never meets an event's: the core is idle for the cycle in between.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyrtl

from hardware.rtl import neuron
from hardware.rtl.control import Issue, control
from hardware.rtl.scanner import Prefetched, encode
from hardware.rtl.shape import CoreShape, bits_for

Wire = Any


@dataclass(frozen=True)
class CorePorts:
    """What a core shows: its spike vector, ``full`` until ``accept``, a strobe per step, whether it boots."""

    vector: Wire
    full: Wire
    accept: Wire
    strobe: Wire
    booting: Wire


@dataclass(frozen=True)
class _Stage:
    """Registers between the issue and the read stage."""

    event: Wire
    fire: Wire
    publish: Wire
    clear: Wire
    group: Wire
    plane: Wire
    row: Wire


@dataclass(frozen=True)
class _Decided:
    """Registers between deciding and writing back, per lane."""

    valid: Wire
    clear: Wire
    group: Wire
    membranes: list[Wire]
    spikes: list[Wire]


def core(shape: CoreShape, fetched: Prefetched) -> CorePorts:
    """Build the core that consumes ``fetched``; the reader of the vector drives ``accept``."""
    accept = pyrtl.WireVector(1, f"{shape.name}_accept")
    full = pyrtl.Register(1, f"{shape.name}_full")
    strobe = pyrtl.Register(1, f"{shape.name}_published")
    issue = control(shape, fetched, full)
    stage = _issue_stage(shape, issue)
    spikes = _accumulate_and_fire(shape, stage)
    full.next <<= stage.publish | (full & ~accept)
    strobe.next <<= stage.publish
    return CorePorts(_spike_vector(shape, stage, spikes), full, accept, strobe, issue.booting)


def weight_words(weight: np.ndarray[Any, np.dtype[np.int64]], lanes: int, weight_bits: int) -> list[int]:
    """Return the weight memory's words: word ``g * n_in + i`` packs the weights of input i, lane 0 lowest.

    Args:
        weight: int64 (n_out, n_in); lanes beyond n_out get weight 0.
        lanes: neurons per word.
        weight_bits: two's complement width of one weight.
    """
    n_out, n_in = weight.shape
    groups = -(-n_out // lanes)
    padded = np.zeros((groups * lanes, n_in), dtype=np.int64)
    padded[:n_out] = weight & (2**weight_bits - 1)
    rows = padded.reshape(groups, lanes, n_in).transpose(0, 2, 1).reshape(-1, lanes).tolist()
    return [sum(value << (weight_bits * lane) for lane, value in enumerate(row)) for row in rows]


def _issue_stage(shape: CoreShape, issue: Issue) -> _Stage:
    row = pyrtl.Register(len(issue.base), f"{shape.name}_row")
    row.next <<= pyrtl.select(issue.event, (issue.base + encode(issue.low)).truncate(len(row)), row)
    return _Stage(
        event=_delayed(issue.event, f"{shape.name}_adding"),
        fire=_delayed(issue.fire, f"{shape.name}_deciding"),
        publish=_delayed(issue.publish, f"{shape.name}_publishing"),
        clear=_delayed(issue.clear, f"{shape.name}_clearing"),
        group=_delayed(issue.group, f"{shape.name}_reading"),
        plane=_delayed(issue.plane, f"{shape.name}_adding_plane") if shape.planes else issue.plane,
        row=row,
    )


def _delayed(wire: Wire, name: str) -> Wire:
    if isinstance(wire, pyrtl.Const):
        return wire
    register = pyrtl.Register(len(wire), name)
    register.next <<= wire
    return register


def _accumulate_and_fire(shape: CoreShape, stage: _Stage) -> list[Wire]:
    """Build the lanes and their memories; return the spikes that are decided in this cycle, lane by lane."""
    decided = _decided_registers(shape, stage)
    weights = _weights(shape, stage.row)
    flagged = shape.layer.blank_after_spike
    width = shape.config.membrane_bits if shape.planes else shape.layer.accumulator_bits
    words, write = _memory(shape, "state", width + flagged, stage.group)
    potentials = [word[:width] for word in words]
    flags = [word[-1] for word in words] if flagged else []
    data = _new_state(shape, decided, width)
    enable = decided.valid
    if shape.planes:
        currents = _charge(shape, stage, decided, weights)
        totals = [
            _add_current(v, c, shape.config.input_bits) for v, c in zip(potentials, currents, strict=True)
        ]
    else:
        totals = potentials
        sums = [neuron.signed_sum(v, w, width) for v, w in zip(potentials, weights, strict=True)]
        kept = [pyrtl.concat(flag, v) for flag, v in zip(flags, sums, strict=True)] if flagged else sums
        data = [pyrtl.select(decided.valid, new, total) for new, total in zip(data, kept, strict=True)]
        enable = decided.valid | stage.event
    write(enable, pyrtl.select(decided.valid, decided.group, stage.group), data)
    return _decide(shape, totals, flags, decided)


def _decided_registers(shape: CoreShape, stage: _Stage) -> _Decided:
    return _Decided(
        valid=_delayed(stage.fire, f"{shape.name}_writing"),
        clear=_delayed(stage.clear, f"{shape.name}_writing_zero"),
        group=_delayed(stage.group, f"{shape.name}_writing_group"),
        membranes=[
            pyrtl.Register(shape.config.membrane_bits, f"{shape.name}_membrane{i}")
            for i in range(shape.lanes)
        ],
        spikes=[pyrtl.Register(1, f"{shape.name}_spike{i}") for i in range(shape.lanes)],
    )


def _decide(shape: CoreShape, totals: list[Wire], flags: list[Wire], decided: _Decided) -> list[Wire]:
    """Clip and compare; the registers hold what the write stage needs."""
    spikes = []
    for lane, total in enumerate(totals):
        membrane = neuron.clip(total, shape.config.membrane_bits)
        if flags:
            membrane = pyrtl.select(flags[lane], pyrtl.Const(0, len(membrane)), membrane)
        spikes.append(neuron.is_above(membrane, shape.layer.threshold))
        decided.membranes[lane].next <<= membrane
        decided.spikes[lane].next <<= spikes[lane]
    return spikes


def _new_state(shape: CoreShape, decided: _Decided, width: int) -> list[Wire]:
    """Leak and reset every lane, or clear it behind the last step of an inference."""
    out = []
    for membrane, spike in zip(decided.membranes, decided.spikes, strict=True):
        leaked = neuron.leak(membrane, shape.layer, shape.config)
        potential = neuron.reset(leaked, spike, shape.layer).sign_extended(width)
        word = pyrtl.concat(spike, potential) if shape.layer.blank_after_spike else potential
        out.append(pyrtl.select(decided.clear, pyrtl.Const(0, len(word)), word))
    return out


def _charge(shape: CoreShape, stage: _Stage, decided: _Decided, weights: list[Wire]) -> list[Wire]:
    """Add ``weight << plane`` to the kept currents; reset them to half an LSB behind the last step."""
    width, half = shape.layer.accumulator_bits, 2 ** (shape.config.input_bits - 1)
    currents, write = _memory(shape, "current", width, stage.group)
    data = []
    for current, weight in zip(currents, weights, strict=True):
        shifted = pyrtl.shift_left_logical(weight.sign_extended(width), stage.plane)
        total = (current + shifted).truncate(width)
        data.append(pyrtl.select(decided.valid, pyrtl.Const(half, width), total))
    enable = stage.event | (decided.valid & decided.clear)
    write(enable, pyrtl.select(decided.valid, decided.group, stage.group), data)
    return currents


def _add_current(potential: Wire, current: Wire, input_bits: int) -> Wire:
    whole = current[input_bits:]
    return neuron.signed_sum(potential, whole, max(len(potential), len(whole)) + 1)


def _weights(shape: CoreShape, row: Wire) -> list[Wire]:
    bits = shape.config.weight_bits
    words = weight_words(shape.layer.weight, shape.lanes, bits)
    memory = pyrtl.RomBlock(
        bits * shape.lanes,
        len(row),
        words,
        name=f"{shape.name}_weights",
        pad_with_zeros=True,
        asynchronous=False,
    )
    word = memory[row]
    return [word[lane * bits : (lane + 1) * bits] for lane in range(shape.lanes)]


Writer = Callable[[Wire, Wire, list[Wire]], None]


def _memory(shape: CoreShape, name: str, width: int, read_group: Wire) -> tuple[list[Wire], Writer]:
    """Return the lanes' words of ``read_group``, and what writes a group; one group is plain registers."""
    if shape.groups == 1:
        registers = [pyrtl.Register(width, f"{shape.name}_{name}{i}") for i in range(shape.lanes)]

        def write_registers(enable: Wire, _group: Wire, data: list[Wire]) -> None:
            for register, value in zip(registers, data, strict=True):
                register.next <<= pyrtl.select(enable, value, register)

        return registers, write_registers

    memory = pyrtl.MemBlock(
        width * shape.lanes, bits_for(shape.groups - 1), name=f"{shape.name}_{name}s", asynchronous=False
    )
    word = memory[read_group]

    def write_memory(enable: Wire, group: Wire, data: list[Wire]) -> None:
        memory[group] <<= pyrtl.MemBlock.EnabledWrite(pyrtl.concat_list(data), enable)

    return [word[i * width : (i + 1) * width] for i in range(shape.lanes)], write_memory


def _spike_vector(shape: CoreShape, stage: _Stage, spikes: list[Wire]) -> Wire:
    """Gather the groups' spikes; the vector is complete when ``publish`` has passed the read stage."""
    slices = []
    for group in range(shape.groups):
        size = min(shape.lanes, shape.layer.n_out - group * shape.lanes)
        register = pyrtl.Register(size, f"{shape.name}_spikes{group}")
        here = stage.fire & (stage.group == group)
        register.next <<= pyrtl.select(here, pyrtl.concat_list(spikes[:size]), register)
        slices.append(register)
    return pyrtl.concat_list(slices)
