"""The whole accelerator: input memory, one core per layer, readout, cycle counter; here event-driven.

Ports, besides ``clk`` and ``rst`` of the exported Verilog::

    load, load_address, load_data    in   write one word of chunk_bits into the input memory while ready
    start                            in   begin an inference on what was loaded; ignored unless ready
    ready                            out  idle and booted
    done                             out  the last inference is finished; low from its start to its end
    class_out                        out  class with most output spikes, valid while done
    cycles                           out  clock cycles from start to done
    layerK_spikes, layerK_strobe     out  spike vector of layer K (neuron 0 in bit 0), valid in the strobe's
                                          cycle; to observe: left unconnected they cost nothing
"""

from typing import Any

import pyrtl

from hardware.integer import IntegerNetwork
from hardware.rtl.clock_accelerator import clock_accelerator
from hardware.rtl.core import CorePorts, core
from hardware.rtl.ports import cycle_counter, drive, outputs
from hardware.rtl.readout import readout
from hardware.rtl.scanner import Echo, Permission, echo_wires, memory_source, vector_source
from hardware.rtl.shape import CoreShape, core_shapes

Wire = Any


def build(net: IntegerNetwork) -> pyrtl.Block:
    """Return the accelerator of ``net`` in a block of its own; PyRTL's working block is left as it was."""
    block = pyrtl.Block()
    with pyrtl.set_working_block(block, no_sanity_check=True):
        if net.config.family == "clock_driven":
            clock_accelerator(net)
        else:
            _accelerator(net)
    block.sanity_check()
    return block


def _accelerator(net: IntegerNetwork) -> None:
    start = pyrtl.Input(1, "start")
    running = pyrtl.Register(1, "running")
    ready = pyrtl.WireVector(1, "is_ready")
    begin = start & ready
    finished = pyrtl.WireVector(1, "step_finished")
    cores = _cores(net, begin, finished)
    ready <<= ~running & ~pyrtl.rtl_any(*(ports.booting for ports in cores))
    last = cores[-1]
    accept = last.accept
    accept <<= last.full
    finished <<= last.full
    result = readout(net, last.vector, last.full, begin, last.tap)
    running.next <<= begin | (running & ~result.finish)
    outputs(result.winner, ready, begin, result.finish)
    cycle_counter(begin, running)


def _cores(net: IntegerNetwork, begin: Wire, finished: Wire) -> list[CorePorts]:
    cores: list[CorePorts] = []
    go = _go(core_shapes(net)[0], begin, finished)
    for index, shape in enumerate(core_shapes(net)):
        echo = echo_wires(shape) if shape.echoes else None
        if cores:
            fetched = vector_source(shape, cores[-1].vector, cores[-1].full, cores[-1].accept, echo)
        else:
            fetched = memory_source(shape, net.input_vectors, begin, go, echo)
        cores.append(core(shape, fetched, None if cores else go))
        if echo:
            _close(echo, cores[-1])
        drive(f"layer{index}_spikes", cores[-1].vector)
        drive(f"layer{index}_strobe", cores[-1].strobe)
    return cores


def _close(echo: Echo, ports: CorePorts) -> None:
    """Lead a recurrent core's own spikes back to its scanner."""
    vector, strobe, ended = echo.vector, echo.strobe, echo.ended
    vector <<= ports.vector
    strobe <<= ports.strobe
    ended <<= ports.ended


def _go(first: CoreShape, begin: Wire, finished: Wire) -> Permission:
    """Return the first layer's permission to begin a step, given when no step is in flight any more.

    Under direct encoding step 0 needs none, so the first is given when step 0 is finished.
    """
    if not first.sequential:
        return Permission(pyrtl.Const(1, 1), None)
    allowed = pyrtl.Register(1, "step_allowed")
    used = pyrtl.WireVector(1, "step_begun")
    begins = pyrtl.Const(0 if first.planes else 1, 1)
    allowed.next <<= pyrtl.select(begin, begins, finished | (allowed & ~used))
    return Permission(allowed, used)
