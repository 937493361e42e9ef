"""The lanes of a core and their memories: weights, biases, states and kept currents.

A write of the second fire stage never meets an event's: the core is idle for the cycle in between.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyrtl

from hardware.network import IntArray
from hardware.rtl import neuron
from hardware.rtl.control import count_up, make_counter
from hardware.rtl.readout import Tap
from hardware.rtl.shape import CoreShape, bits_for, rest_bits, word_bits
from hardware.rtl.stage import Stage, delayed

Wire = Any


@dataclass(frozen=True)
class _Decided:
    """Registers between deciding and writing back, per lane."""

    valid: Wire
    clear: Wire
    group: Wire
    lanes: list[neuron.Decided]


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
        valid=delayed(stage.fire, f"{shape.name}_writing"),
        clear=delayed(stage.clear, f"{shape.name}_writing_zero"),
        group=delayed(stage.group, f"{shape.name}_writing_group"),
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
