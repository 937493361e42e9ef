"""One layer's core of the clock-driven family: a counter walks all inputs, one per cycle and group.

In the cycle of ``go`` the core copies its input vector. If any bit is set and a walk is asked for, it then
takes ``n_in * G`` cycles for every input of every group of lanes, spike or not: the weight memory is
addressed by the counter itself and so is read in each of them; only a spike's weights are added. Then it
fires G groups, if asked to, and is idle. A vector without a spike is not walked.

Lanes, memories and neurons are those of ``hardware.rtl.lanes``. There is no stage between counter and memory,
so a vector is valid in the cycle behind its last group, and ``go`` may come in that cycle.

A convolutional core walks every tap of every input, ``n_in * K * K * G`` cycles, whether the tap lands inside
the frame or not, and fires ``Ho * Wo * G`` words. Where a tap lands is looked up in a stage of its own, so
its vector is valid one cycle later, and it is idle no sooner.
"""

from dataclasses import dataclass
from typing import Any

import pyrtl

from hardware.rtl.control import count_up, make_counter
from hardware.rtl.core import spike_vector
from hardware.rtl.lanes import accumulate_and_fire
from hardware.rtl.readout import Tap
from hardware.rtl.shape import CoreShape, bits_for
from hardware.rtl.stage import Stage, tap_stage

Wire = Any


@dataclass(frozen=True)
class Order:
    """What the network asks of a layer; all but ``go`` count in the cycle of ``go`` alone.

    Attributes:
        go: a network step begins.
        walks: add the weights of the input vector's spikes; own spikes are walked in any case.
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
    """Where the core stands: the inputs left to walk, the weight address, the group, and when all is done.

    In a convolutional core ``row`` is the input, and ``group`` its cycle, or the state word that fires.
    """

    held: Wire
    row: Wire
    group: Wire
    last_group: Wire
    last_input: Wire


@dataclass(frozen=True)
class _Given:
    """What a core is given at ``go``: the bits to walk, and whether any input or own spike is among them."""

    vector: Wire
    inputs: Wire
    echoes: Wire


def clock_core(shape: CoreShape, vector: Wire, order: Order) -> ClockPorts:
    """Build the core that reads ``vector`` at every ``order.go``."""
    walking = pyrtl.Register(1, f"{shape.name}_walking")
    firing = pyrtl.Register(1, f"{shape.name}_firing", reset_value=1)
    booting = pyrtl.Register(1, f"{shape.name}_booting", reset_value=1)
    fires, final = (_asked(order, wire, f"{shape.name}_{name}") for wire, name in _asks(order))
    own = pyrtl.WireVector(shape.layer.n_out, f"{shape.name}_own") if shape.echoes else None
    given = _given(shape, vector, order, own)
    walk = _walk(shape, given, order, (walking, firing))
    begin = order.go & (given.inputs | given.echoes)
    walked = walking & walk.last_input & walk.last_group
    fired = firing & walk.last_group
    walking.next <<= begin | (walking & ~walked)
    firing.next <<= (order.go & order.fires & ~begin) | (walked & fires) | (firing & ~fired)
    booting.next <<= booting & ~fired
    found = Stage(
        event=walking & walk.held[0],
        fire=firing,
        publish=fired & ~booting,
        clear=booting | final,
        group=walk.group,
        plane=_asked(order, order.plane, f"{shape.name}_plane") if shape.planes > 1 else pyrtl.Const(0, 1),
        row=walk.row,
        own=fires if shape.planes and shape.echoes else pyrtl.Const(0, 1),
    )
    geometry, stage = shape.layer.convolution, found
    busy, unready = walking | firing, booting
    if geometry is not None:
        stage = tap_stage(shape, geometry, found, walks=True)
        busy, unready = busy | stage.publish, booting | stage.fire
    lanes, tap = accumulate_and_fire(shape, stage)
    spikes = spike_vector(shape, stage, lanes)
    if own is not None:
        own <<= pyrtl.select(fires & ~final, spikes, pyrtl.Const(0, len(spikes)))
    strobe = pyrtl.Register(1, f"{shape.name}_published")
    strobe.next <<= stage.publish
    return ClockPorts(spikes, strobe, unready, ~busy, fires, final, tap)


def _asks(order: Order) -> tuple[tuple[Wire, str], ...]:
    return (order.fires, "fires"), (order.final, "final")


def _asked(order: Order, wire: Wire, name: str) -> Wire:
    """Hold ``wire`` of the cycle of ``go`` until the next one."""
    register = pyrtl.Register(len(wire), name)
    register.next <<= pyrtl.select(order.go, wire, register)
    return register


def _given(shape: CoreShape, vector: Wire, order: Order, own: Wire | None) -> _Given:
    """Put own spikes behind the inputs, or in front where none of these is walked: then the walk begins with
    them."""
    inputs = pyrtl.rtl_any(*vector) & order.walks
    if own is None:
        return _Given(vector, inputs, pyrtl.Const(0, 1))
    both = pyrtl.select(inputs, pyrtl.concat(own, vector), own.zero_extended(shape.rows))
    return _Given(both, inputs, pyrtl.rtl_any(*own))


def _walk(shape: CoreShape, given: _Given, order: Order, busy: tuple[Wire, Wire]) -> _Walk:
    """Advance through inputs and groups while the core is ``busy``: (walking, firing)."""
    walking, firing = busy
    n_in = shape.layer.n_in
    rows = shape.rows if shape.layer.convolution is None else n_in
    held = pyrtl.Register(rows, f"{shape.name}_held")
    index = make_counter(rows, f"{shape.name}_index")
    group = make_counter(max(shape.beats, shape.words), f"{shape.name}_group")
    last_input, last_group = index == rows - 1, _last_group(shape, group, walking)
    skip = pyrtl.Const(0, 1)
    if shape.echoes:
        echoes = _asked(order, given.echoes, f"{shape.name}_echoes")
        last_input = last_input | ((index == n_in - 1) & ~echoes)
        skip = order.go & ~given.inputs & given.echoes
    advance = walking & last_group
    shifted = pyrtl.shift_right_logical(held, 1) if rows > 1 else held
    held.next <<= pyrtl.select(order.go, given.vector, pyrtl.select(advance, shifted, held))
    follows = _following(index, last_input, rows)
    _move(index, advance, follows, skip, n_in)
    count_up(group, walking | firing, last_group)
    row = index
    if shape.steps_rows:
        row = pyrtl.Register(bits_for(shape.groups * rows - 1), f"{shape.name}_row")
        width = len(row)
        moved = pyrtl.select(last_group, follows.zero_extended(width), (row + rows).truncate(width))
        _move(row, walking, moved, skip, n_in)
    return _Walk(held, row, group, last_group, last_input)


def _last_group(shape: CoreShape, group: Wire, walking: Wire) -> Wire:
    """Return whether ``group`` is an input's last while walking, or else the last to fire."""
    last_to_fire = group == shape.words - 1
    if shape.beats == shape.words:
        return last_to_fire
    return pyrtl.select(walking, group == shape.beats - 1, last_to_fire)


def _following(index: Wire, last: Wire, rows: int) -> Wire:
    """Return the input behind ``index``, or 0 behind the last."""
    if rows == 1:
        return index
    return pyrtl.select(last, pyrtl.Const(0, len(index)), (index + 1).truncate(len(index)))


def _move(counter: Wire, step: Wire, following: Wire, skip: Wire, start: int) -> None:
    """Let ``counter`` take ``following`` in the cycles of ``step``, and ``start`` in that of ``skip``."""
    if isinstance(counter, pyrtl.Const):
        return
    moved = pyrtl.select(step, following, counter)
    counter.next <<= moved if isinstance(skip, pyrtl.Const) else pyrtl.select(skip, start, moved)
