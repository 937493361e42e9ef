"""The clock-driven accelerator, after Spiker+ (arXiv 2401.01141): all layers step together.

A network step begins with ``go``, when every layer is idle and the first layer's next input vector is
fetched. In network step k, layer l works on time step k - l: on the spikes that layer l - 1 fired one network
step earlier. So T time steps take T + L - 1 network steps; under direct encoding ``input_bits`` steps precede
them, in which the first layer adds up its constant currents, a bit plane each.

Ports are those of ``hardware.rtl.accelerator``.
"""

from dataclasses import dataclass
from typing import Any

import pyrtl

from hardware.integer import IntegerNetwork
from hardware.rtl.clock_core import ClockPorts, Order, clock_core
from hardware.rtl.control import count_up, make_counter
from hardware.rtl.ports import cycle_counter, drive, outputs
from hardware.rtl.readout import readout
from hardware.rtl.scanner import load_port
from hardware.rtl.shape import CoreShape, bits_for, core_shapes

Wire = Any


@dataclass(frozen=True)
class _Input:
    """The first layer's next input vector, once it is fetched."""

    vector: Wire
    fetched: Wire


@dataclass(frozen=True)
class _Feed:
    """The steps that the first layer begins: whether one is left, and what it is."""

    left: Wire
    walks: Wire
    fires: Wire
    final: Wire
    plane: Wire


def clock_accelerator(net: IntegerNetwork) -> None:
    """Lay out the accelerator of ``net`` in PyRTL's working block."""
    start = pyrtl.Input(1, "start")
    running = pyrtl.Register(1, "running")
    ready, go = pyrtl.WireVector(1, "is_ready"), pyrtl.WireVector(1, "step_begins")
    begin = start & ready
    shapes = core_shapes(net)
    feed = _feed(net, begin, go)
    source = _input(net, shapes[0], begin, go & feed.walks)
    cores = _cores(shapes, source, feed, go)
    ready <<= ~running & ~pyrtl.rtl_any(*(ports.booting for ports in cores))
    waiting = pyrtl.rtl_any(feed.left, *(ports.fires for ports in cores[:-1]))
    idle = pyrtl.rtl_all(*(ports.idle for ports in cores))
    go <<= waiting & idle & (~feed.walks | source.fetched)
    last = cores[-1]
    result = readout(net, last.vector, last.strobe, begin, last.tap)
    running.next <<= begin | (running & ~result.finish)
    outputs(result.winner, ready, begin, result.finish)
    cycle_counter(begin, running)


def _cores(shapes: list[CoreShape], source: _Input, feed: _Feed, go: Wire) -> list[ClockPorts]:
    """Chain the cores: what one did in this network step, the next does in the following one."""
    order = Order(go, feed.walks, feed.fires, feed.final, feed.plane)
    vector = source.vector
    cores = []
    for index, shape in enumerate(shapes):
        ports = clock_core(shape, vector, order)
        drive(f"layer{index}_spikes", ports.vector)
        drive(f"layer{index}_strobe", ports.strobe)
        vector = ports.vector
        order = Order(go, ports.fires, ports.fires, ports.final, pyrtl.Const(0, 1))
        cores.append(ports)
    return cores


def _feed(net: IntegerNetwork, begin: Wire, go: Wire) -> _Feed:
    """Count the network steps in which the first layer has work: bit planes first, then time steps."""
    planes = net.config.input_bits if net.direct else 0
    steps = planes + net.time_steps
    left = pyrtl.Register(1, "steps_left")
    step = make_counter(steps, "step")
    final = step == steps - 1
    left.next <<= begin | (left & ~(go & final))
    count_up(step, go & left, final)
    charging = left & (step < planes) if planes else pyrtl.Const(0, 1)
    return _Feed(
        left=left,
        walks=charging if planes else left,
        fires=left & ~charging,
        final=left & final,
        plane=step[: bits_for(planes - 1)] if planes > 1 else pyrtl.Const(0, 1),
    )


def _input(net: IntegerNetwork, shape: CoreShape, begin: Wire, take: Wire) -> _Input:
    """Fetch the next vector from the input memory, a chunk per cycle, as soon as the last one is taken.

    The memory is laid out as ``hardware.rtl.scanner.memory_source`` says.
    """
    width, chunks = shape.config.chunk_bits, shape.chunks
    memory = pyrtl.MemBlock(width, bits_for(net.input_words - 1), name="input_memory", asynchronous=False)
    address = pyrtl.Register(bits_for(net.input_words - 1), "input_address")
    vector = pyrtl.Register(chunks * width, "input_vector")
    active, fetched = pyrtl.Register(1, "input_active"), pyrtl.Register(1, "input_fetched")
    chunk = make_counter(chunks, "input_chunk")
    fetch = active & ~fetched
    last_word, last_chunk = address == net.input_words - 1, chunk == chunks - 1
    count_up(address, fetch, last_word)
    count_up(chunk, fetch, last_chunk)
    shifted = pyrtl.concat(memory[address], vector)[width:]
    vector.next <<= pyrtl.select(fetch, shifted, vector)
    active.next <<= begin | (active & ~(fetch & last_word))
    fetched.next <<= (fetch & last_chunk) | (fetched & ~take)
    load_port(memory, net.input_words)
    return _Input(vector[: net.sizes[0]], fetched)
