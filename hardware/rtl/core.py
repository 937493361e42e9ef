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

from hardware.network import Convolution, IntArray
from hardware.rtl import neuron
from hardware.rtl.control import Issue, control, count_up, make_counter
from hardware.rtl.convolution import Fired, frame_vector, land
from hardware.rtl.readout import Tap
from hardware.rtl.rows import RowWires, fired_rows, row_wires
from hardware.rtl.scanner import Permission, Prefetched, encode
from hardware.rtl.shape import CoreShape, bits_for, rest_bits, word_bits

Wire = Any


@dataclass(frozen=True)
class CorePorts:
    """What a core shows: its spike vector, ``full`` until ``accept``, a strobe per step, whether it boots.

    It boots until its last word is about to be written, so that nothing of it meets an inference.
    ``ended`` says in the strobe's cycle that the step was the inference's last; only recurrent cores have it.
    """

    vector: Wire
    full: Wire
    accept: Wire
    strobe: Wire
    booting: Wire
    ended: Wire | None
    tap: Tap


@dataclass(frozen=True)
class Stage:
    """What the lanes do in this cycle; ``row`` and ``group`` are registers, for they address memories.

    ``own`` says that an event is one of the layer's own spikes, where that matters: beside a kept current.
    """

    event: Wire
    fire: Wire
    publish: Wire
    clear: Wire
    group: Wire
    plane: Wire
    row: Wire
    own: Wire


@dataclass(frozen=True)
class _Decided:
    """Registers between deciding and writing back, per lane."""

    valid: Wire
    clear: Wire
    group: Wire
    lanes: list[neuron.Decided]


def core(shape: CoreShape, fetched: Prefetched, go: Permission | None) -> CorePorts:
    """Build the core that consumes ``fetched``; the reader of the vector drives ``accept``.

    ``go`` is the first core's.
    """
    accept = pyrtl.WireVector(1, f"{shape.name}_accept")
    full = pyrtl.Register(1, f"{shape.name}_full")
    strobe = pyrtl.Register(1, f"{shape.name}_published")
    busy = pyrtl.WireVector(1, f"{shape.name}_busy")
    rows = row_wires(shape) if shape.by_rows else None
    issue = control(shape, fetched, busy, go, rows)
    stage = _issue_stage(shape, issue)
    booting = issue.booting | stage.fire
    if shape.layer.convolution is None:
        busy <<= full
    else:
        # a vector is complete one stage later than elsewhere, and must not be overwritten meanwhile
        stage = tap_stage(shape, shape.layer.convolution, stage, rows)
        busy <<= full | stage.publish
        booting = booting | stage.fire
    spikes, tap = accumulate_and_fire(shape, stage)
    full.next <<= stage.publish | (full & ~accept)
    strobe.next <<= stage.publish
    ended = _delayed(stage.publish & stage.clear, f"{shape.name}_ended") if shape.echoes else None
    vector = spike_vector(shape, stage, spikes, rows)
    return CorePorts(vector, full, accept, strobe, booting, ended, tap)


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


def _issue_stage(shape: CoreShape, issue: Issue) -> Stage:
    row = pyrtl.Register(len(issue.base), f"{shape.name}_row")
    row.next <<= pyrtl.select(issue.event, (issue.base + encode(issue.low)).truncate(len(row)), row)
    plane = _delayed(issue.plane, f"{shape.name}_adding_plane") if shape.planes else issue.plane
    return Stage(
        event=_delayed(issue.event, f"{shape.name}_adding"),
        fire=_delayed(issue.fire, f"{shape.name}_deciding"),
        publish=_delayed(issue.publish, f"{shape.name}_publishing"),
        clear=_delayed(issue.clear, f"{shape.name}_clearing"),
        group=_delayed(issue.group, f"{shape.name}_reading"),
        plane=plane,
        row=row,
        own=plane == shape.planes if shape.phases > shape.planes else pyrtl.Const(0, 1),
    )


def tap_stage(shape: CoreShape, geometry: Convolution, found: Stage, rows: RowWires | None = None) -> Stage:
    """Look up where a tap lands: ``found`` holds the input's index as row and the spike's cycle as group."""
    landed = land(shape, geometry, found.row, found.group)
    if rows is not None:
        landing = rows.landing
        landing <<= pyrtl.select(found.event, landed.line, pyrtl.Const(0, shape.frame_rows))
    group = pyrtl.Register(bits_for(shape.words - 1), f"{shape.name}_word")
    row = pyrtl.Register(len(landed.row), f"{shape.name}_weight_row")
    fired = found.group[: len(group)] if len(found.group) > len(group) else found.group
    group.next <<= pyrtl.select(found.fire, fired, landed.word)
    row.next <<= landed.row
    return Stage(
        event=_delayed(found.event & landed.inside, f"{shape.name}_adding_tap"),
        fire=_delayed(found.fire, f"{shape.name}_deciding_word"),
        publish=_delayed(found.publish, f"{shape.name}_publishing_frame"),
        clear=_delayed(found.clear, f"{shape.name}_clearing_word"),
        group=group,
        plane=_delayed(found.plane, f"{shape.name}_adding_tap_plane") if shape.planes else found.plane,
        row=row,
        own=found.own,
    )


def _delayed(wire: Wire, name: str) -> Wire:
    if isinstance(wire, pyrtl.Const):
        return wire
    register = pyrtl.Register(len(wire), name)
    register.next <<= wire
    return register


def accumulate_and_fire(shape: CoreShape, stage: Stage) -> tuple[list[Wire], Tap]:
    """Build the lanes and their memories.

    Returns:
        the spikes that are decided in this cycle, lane by lane, and a tap on the lanes' potentials.
    """
    decided = _decided_registers(shape, stage)
    weights = _weights(shape, stage.row)
    words, write = _memory(shape, "state", word_bits(shape.layer, shape.config), stage.group)
    data = _new_state(shape, decided)
    enable, event = decided.valid, stage.event
    currents: list[list[Wire]] = [[] for _ in words]
    if shape.planes:
        kept = _charge(shape, stage, decided, weights)
        currents = [[current[shape.config.input_bits :]] for current in kept]
        event = stage.event & stage.own
    if shape.echoes or not shape.planes:
        sums = [neuron.accumulate(shape.layer, v, w) for v, w in zip(words, weights, strict=True)]
        data = [pyrtl.select(decided.valid, new, total) for new, total in zip(data, sums, strict=True)]
        enable = decided.valid | event
    write(enable, pyrtl.select(decided.valid, decided.group, stage.group), data)
    if shape.layer.bias is not None:
        for lane, bias in enumerate(_biases(shape, shape.layer.bias, _bias_group(shape, stage))):
            currents[lane].append(bias)
    tap = Tap(decided.valid, decided.group, [lane.membrane for lane in decided.lanes])
    return _decide(shape, words, currents, decided), tap


def _decided_registers(shape: CoreShape, stage: Stage) -> _Decided:
    return _Decided(
        valid=_delayed(stage.fire, f"{shape.name}_writing"),
        clear=_delayed(stage.clear, f"{shape.name}_writing_zero"),
        group=_delayed(stage.group, f"{shape.name}_writing_group"),
        lanes=[_decided_lane(shape, lane) for lane in range(shape.lanes)],
    )


def _decided_lane(shape: CoreShape, lane: int) -> neuron.Decided:
    bits, rest = shape.config.membrane_bits, rest_bits(shape.layer)
    order_two = shape.layer.synapse_leak is not None
    return neuron.Decided(
        membrane=pyrtl.Register(bits, f"{shape.name}_membrane{lane}"),
        spike=pyrtl.Register(1, f"{shape.name}_spike{lane}"),
        synapse=pyrtl.Register(bits, f"{shape.name}_synapse{lane}") if order_two else None,
        rest=pyrtl.Register(rest, f"{shape.name}_rest{lane}") if rest else None,
    )


def _decide(shape: CoreShape, words: list[Wire], currents: list[list[Wire]], decided: _Decided) -> list[Wire]:
    """Clip and compare; the registers hold what the write stage needs."""
    spikes = []
    for word, inputs, kept in zip(words, currents, decided.lanes, strict=True):
        found = neuron.decide(shape.layer, shape.config, word, inputs)
        kept.membrane.next <<= found.membrane
        kept.spike.next <<= found.spike
        if kept.synapse is not None:
            kept.synapse.next <<= found.synapse
        if kept.rest is not None:
            kept.rest.next <<= found.rest
        spikes.append(found.spike)
    return spikes


def _new_state(shape: CoreShape, decided: _Decided) -> list[Wire]:
    """Leak and reset every lane, or clear it behind the last step of an inference."""
    words = [neuron.settle(shape.layer, shape.config, lane) for lane in decided.lanes]
    return [pyrtl.select(decided.clear, pyrtl.Const(0, len(word)), word) for word in words]


def _bias_group(shape: CoreShape, stage: Stage) -> Wire:
    """Return the group of channels that fires: words of a frame go through the groups pixel by pixel."""
    if shape.words == shape.groups:
        return stage.group
    group = make_counter(shape.groups, f"{shape.name}_channels")
    count_up(group, stage.fire, group == shape.groups - 1)
    return group


def _biases(shape: CoreShape, bias: IntArray, group: Wire) -> list[Wire]:
    """Return the lanes' biases of ``group``; one group is constants."""
    bits = shape.layer.bias_bits
    words = weight_words(bias[:, None], shape.lanes, bits)
    word: Wire = pyrtl.Const(words[0], bits * shape.lanes)
    if shape.groups > 1:
        name = f"{shape.name}_biases"
        memory = pyrtl.RomBlock(
            len(word), len(group), words, name=name, pad_with_zeros=True, asynchronous=False
        )
        word = memory[group]
    return [word[lane * bits : (lane + 1) * bits] for lane in range(shape.lanes)]


def _charge(shape: CoreShape, stage: Stage, decided: _Decided, weights: list[Wire]) -> list[Wire]:
    """Add ``weight << plane`` to the kept currents; reset them to half an LSB behind the last step."""
    width, half = shape.layer.accumulator_bits, 2 ** (shape.config.input_bits - 1)
    currents, write = _memory(shape, "current", width, stage.group)
    data = []
    for current, weight in zip(currents, weights, strict=True):
        shifted = pyrtl.shift_left_logical(neuron.resized(weight, width), stage.plane)
        total = (current + shifted).truncate(width)
        data.append(pyrtl.select(decided.valid, pyrtl.Const(half, width), total))
    enable = (stage.event & ~stage.own) | (decided.valid & decided.clear)
    write(enable, pyrtl.select(decided.valid, decided.group, stage.group), data)
    return currents


def _weights(shape: CoreShape, row: Wire) -> list[Wire]:
    bits = shape.config.weight_bits
    words = weight_words(shape.layer.rows, shape.lanes, bits)
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
    if shape.words == 1:
        registers = [pyrtl.Register(width, f"{shape.name}_{name}{i}") for i in range(shape.lanes)]

        def write_registers(enable: Wire, _group: Wire, data: list[Wire]) -> None:
            for register, value in zip(registers, data, strict=True):
                register.next <<= pyrtl.select(enable, value, register)

        return registers, write_registers

    memory = pyrtl.MemBlock(
        width * shape.lanes, bits_for(shape.words - 1), name=f"{shape.name}_{name}s", asynchronous=False
    )
    word = memory[read_group]

    def write_memory(enable: Wire, group: Wire, data: list[Wire]) -> None:
        memory[group] <<= pyrtl.MemBlock.EnabledWrite(pyrtl.concat_list(data), enable)

    return [word[i * width : (i + 1) * width] for i in range(shape.lanes)], write_memory


def spike_vector(shape: CoreShape, stage: Stage, spikes: list[Wire], rows: RowWires | None = None) -> Wire:
    """Gather the groups' spikes; the vector is complete when ``publish`` has passed the read stage."""
    if shape.layer.convolution is not None:
        opens = None if rows is None else rows.opens
        vector = frame_vector(shape, shape.layer.convolution, Fired(stage.fire, stage.group, spikes, opens))
        if rows is not None:
            fired = rows.fired
            fired <<= fired_rows(shape, shape.layer.convolution, vector)
        return vector
    slices = []
    for group in range(shape.groups):
        size = min(shape.lanes, shape.layer.n_out - group * shape.lanes)
        register = pyrtl.Register(size, f"{shape.name}_spikes{group}")
        here = stage.fire & (stage.group == group)
        register.next <<= pyrtl.select(here, pyrtl.concat_list(spikes[:size]), register)
        slices.append(register)
    return pyrtl.concat_list(slices)
