"""One layer's core of the clock-driven family: a counter walks all inputs, one per cycle and group.

In the cycle of ``go`` the core copies its input vector. If any bit is set and a walk is asked for, it then
takes ``n_in * G`` cycles for every input of every group of lanes, spike or not: the weight memory is
addressed by the counter itself and so is read in each of them; only a spike's weights are added. Then it
fires G groups, if asked to, and is idle. A vector without a spike is not walked.

Lanes, memories and neurons are those of ``hardware.rtl.core``. There is no stage between counter and memory,
so a vector is valid in the cycle behind its last group, and ``go`` may come in that cycle.
"""

from dataclasses import dataclass
from typing import Any

import pyrtl

from hardware.rtl.control import count_up, make_counter
from hardware.rtl.core import Stage, accumulate_and_fire, spike_vector
from hardware.rtl.readout import Tap
from hardware.rtl.shape import CoreShape, bits_for

Wire = Any


@dataclass(frozen=True)
class Order:
    """What the network asks of a layer; all but ``go`` count in the cycle of ``go`` alone.

    Attributes:
        go: a network step begins.
        walks: add the weights of the input vector's spikes.
        fires: fire every neuron behind the walk.
        final: this is the last step of an inference.
        plane: bit plane that the vector is, when the core has planes.
    """

    go: Wire
    walks: Wire
    fires: Wire
    final: Wire
    plane: Wire


@dataclass(frozen=True)
class ClockPorts:
    """What a core shows: its spike vector, a strobe per vector, whether it boots, and whether it is idle.

    ``fires`` and ``final`` hold what was asked for in this network step.
    """

    vector: Wire
    strobe: Wire
    booting: Wire
    idle: Wire
    fires: Wire
    final: Wire
    tap: Tap


@dataclass(frozen=True)
class _Walk:
    """Where the core stands: the inputs left to walk, the weight address, the group, and when all is done."""

    held: Wire
    row: Wire
    group: Wire
    last_group: Wire
    last_input: Wire


def clock_core(shape: CoreShape, vector: Wire, order: Order) -> ClockPorts:
    """Build the core that reads ``vector`` at every ``order.go``."""
    walking = pyrtl.Register(1, f"{shape.name}_walking")
    firing = pyrtl.Register(1, f"{shape.name}_firing", reset_value=1)
    booting = pyrtl.Register(1, f"{shape.name}_booting", reset_value=1)
    fires, final = (_asked(order, wire, f"{shape.name}_{name}") for wire, name in _asks(order))
    walk = _walk(shape, vector, order, walking, walking | firing)
    begin = order.go & order.walks & pyrtl.rtl_any(*vector)
    walked = walking & walk.last_input & walk.last_group
    fired = firing & walk.last_group
    walking.next <<= begin | (walking & ~walked)
    firing.next <<= (order.go & order.fires & ~begin) | (walked & fires) | (firing & ~fired)
    booting.next <<= booting & ~fired
    publish = fired & ~booting
    stage = Stage(
        event=walking & walk.held[0],
        fire=firing,
        publish=publish,
        clear=booting | final,
        group=walk.group,
        plane=_asked(order, order.plane, f"{shape.name}_plane") if shape.planes > 1 else pyrtl.Const(0, 1),
        row=walk.row,
    )
    spikes, tap = accumulate_and_fire(shape, stage)
    strobe = pyrtl.Register(1, f"{shape.name}_published")
    strobe.next <<= publish
    vector_out, idle = spike_vector(shape, stage, spikes), ~walking & ~firing
    return ClockPorts(vector_out, strobe, booting, idle, fires, final, tap)


def _asks(order: Order) -> tuple[tuple[Wire, str], ...]:
    return (order.fires, "fires"), (order.final, "final")


def _asked(order: Order, wire: Wire, name: str) -> Wire:
    """Hold ``wire`` of the cycle of ``go`` until the next one."""
    register = pyrtl.Register(len(wire), name)
    register.next <<= pyrtl.select(order.go, wire, register)
    return register


def _walk(shape: CoreShape, vector: Wire, order: Order, walking: Wire, busy: Wire) -> _Walk:
    n_in, groups = shape.layer.n_in, shape.groups
    held = pyrtl.Register(n_in, f"{shape.name}_held")
    index = make_counter(n_in, f"{shape.name}_index")
    group = make_counter(groups, f"{shape.name}_group")
    last_input, last_group = index == n_in - 1, group == groups - 1
    advance = walking & last_group
    shifted = pyrtl.shift_right_logical(held, 1) if n_in > 1 else held
    held.next <<= pyrtl.select(order.go, vector, pyrtl.select(advance, shifted, held))
    count_up(index, advance, last_input)
    count_up(group, busy, last_group)
    row = _row(shape, index, walking, last_group) if groups > 1 else index
    return _Walk(held, row, group, last_group, last_input)


def _row(shape: CoreShape, index: Wire, walking: Wire, last_group: Wire) -> Wire:
    """Return the weight address ``group * n_in + index`` as a register."""
    n_in = shape.layer.n_in
    row = pyrtl.Register(bits_for(shape.groups * n_in - 1), f"{shape.name}_row")
    at_end = last_group & (index == n_in - 1)
    following = (index.zero_extended(len(row)) + 1).truncate(len(row))
    turned = pyrtl.select(at_end, pyrtl.Const(0, len(row)), following)
    moved = pyrtl.select(last_group, turned, (row + n_in).truncate(len(row)))
    row.next <<= pyrtl.select(walking, moved, row)
    return row
