"""The ports that both families of accelerators share, as ``hardware.rtl.accelerator`` lists them."""

from typing import Any

import pyrtl

from hardware.rtl.shape import CYCLE_BITS

Wire = Any


def drive(name: str, wire: Wire) -> None:
    """Make ``wire`` an output port."""
    port = pyrtl.Output(len(wire), name)
    port <<= wire


def outputs(winner: Wire, ready: Wire, begin: Wire, finish: Wire) -> None:
    """Make the ports that tell the state of an inference and its class."""
    done = pyrtl.Register(1, "finished")
    done.next <<= finish | (done & ~begin)
    drive("ready", ready)
    drive("done", done)
    drive("class_out", winner)


def cycle_counter(begin: Wire, running: Wire) -> None:
    """Make the port ``cycles``: from ``begin``, cycle 0, to the last cycle of ``running``."""
    counter = pyrtl.Register(CYCLE_BITS, "cycle_counter")
    counted = pyrtl.select(running, (counter + 1).truncate(CYCLE_BITS), counter)
    counter.next <<= pyrtl.select(begin, pyrtl.Const(1, CYCLE_BITS), counted)
    drive("cycles", counter)
