"""What the lanes of a core are told to do, in the cycle in which they do it.

A fully connected core registers what its control issues; a convolutional one looks up in a stage of its own
where a tap lands.
"""

from dataclasses import dataclass
from typing import Any

import pyrtl

from hardware.network import Convolution
from hardware.rtl.control import Issue
from hardware.rtl.convolution import land
from hardware.rtl.rows import RowWires
from hardware.rtl.scanner import encode
from hardware.rtl.shape import CoreShape, bits_for

Wire = Any


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


def issue_stage(shape: CoreShape, issue: Issue) -> Stage:
    """Return what is done a cycle after ``issue``."""
    row = pyrtl.Register(len(issue.base), f"{shape.name}_row")
    row.next <<= pyrtl.select(issue.event, (issue.base + encode(issue.low)).truncate(len(row)), row)
    plane = delayed(issue.plane, f"{shape.name}_adding_plane") if shape.planes else issue.plane
    return Stage(
        event=delayed(issue.event, f"{shape.name}_adding"),
        fire=delayed(issue.fire, f"{shape.name}_deciding"),
        publish=delayed(issue.publish, f"{shape.name}_publishing"),
        clear=delayed(issue.clear, f"{shape.name}_clearing"),
        group=delayed(issue.group, f"{shape.name}_reading"),
        plane=plane,
        row=row,
        own=plane == shape.planes if shape.phases > shape.planes else pyrtl.Const(0, 1),
    )


def tap_stage(
    shape: CoreShape,
    geometry: Convolution,
    found: Stage,
    rows: RowWires | None = None,
    *,
    walks: bool = False,
) -> Stage:
    """Look up where a tap lands: ``found`` holds the input's index as row and the spike's cycle as group.

    Unless the core ``walks``, and so addresses its memories in every cycle, a tap outside the frame leaves
    both addresses as they are: no weight and no state is read for it.
    """
    landed = land(shape, geometry, found.row, found.group)
    if rows is not None:
        landing = rows.landing
        landing <<= pyrtl.select(found.event, landed.line, pyrtl.Const(0, shape.frame_rows))
    group = pyrtl.Register(bits_for(shape.words - 1), f"{shape.name}_word")
    row = pyrtl.Register(len(landed.row), f"{shape.name}_weight_row")
    fired = found.group[: len(group)] if len(found.group) > len(group) else found.group
    lands = found.event & landed.inside
    word, weights = landed.word, landed.row
    if not walks:
        word, weights = pyrtl.select(lands, word, group), pyrtl.select(lands, weights, row)
    group.next <<= pyrtl.select(found.fire, fired, word)
    row.next <<= weights
    return Stage(
        event=delayed(lands, f"{shape.name}_adding_tap"),
        fire=delayed(found.fire, f"{shape.name}_deciding_word"),
        publish=delayed(found.publish, f"{shape.name}_publishing_frame"),
        clear=delayed(found.clear, f"{shape.name}_clearing_word"),
        group=group,
        plane=delayed(found.plane, f"{shape.name}_adding_tap_plane") if shape.planes else found.plane,
        row=row,
        own=found.own,
    )


def delayed(wire: Wire, name: str) -> Wire:
    """Return ``wire`` a cycle later; a constant stays as it is."""
    if isinstance(wire, pyrtl.Const):
        return wire
    register = pyrtl.Register(len(wire), name)
    register.next <<= wire
    return register
