"""The sweep of touched rows (``hardware.rows``): which rows of a frame are due, and their words one by one.

Two registers hold a bit per row: ``touched``, set where a tap lands, cleared where the last step of an
inference fires; and ``due``, likewise for this step alone where neurons hold still, and what is left of the
sweep while it runs. The cycle that opens a firing empties the spike vector; the last tap lands in it.
"""

from dataclasses import dataclass
from typing import Any

import pyrtl

from hardware.network import Convolution
from hardware.rows import holds_still, rests_after_spike
from hardware.rtl.scanner import isolate
from hardware.rtl.shape import CoreShape, bits_for

Wire = Any


@dataclass(frozen=True)
class RowWires:
    """What the sweep and the rest of its core tell each other.

    Attributes:
        landing: rows in which a tap lands in this cycle; driven where taps are looked up.
        fired: rows from which a spike of the vector may come; driven where the vector is gathered.
        opens: the strobe that empties the vector; driven by ``sweep_rows``.
    """

    landing: Wire
    fired: Wire
    opens: Wire


@dataclass(frozen=True)
class Sweep:
    """A firing: whether a word fires in this cycle, which, and whether it is the last of the step."""

    fire: Wire
    word: Wire
    done: Wire


@dataclass(frozen=True)
class Place:
    """Where in an inference a firing is: its first step, its last one (or the boot), and the word counter."""

    first: Wire
    last: Wire
    group: Wire


def row_wires(shape: CoreShape) -> RowWires:
    """Return the wires of a core that fires by rows, to be driven when its parts are built."""
    sizes = {"landing": shape.frame_rows, "fired": shape.frame_rows, "opens": 1}
    return RowWires(*(pyrtl.WireVector(bits, f"{shape.name}_rows_{name}") for name, bits in sizes.items()))


def sweep_rows(shape: CoreShape, wires: RowWires, ready: Wire, place: Place) -> Sweep:
    """Return what fires, beginning in a cycle of ``ready``, which holds until the firing is done."""
    sweeping = pyrtl.Register(1, f"{shape.name}_sweeping")
    opens = wires.opens
    opens <<= ready & ~sweeping
    due = pyrtl.Register(shape.frame_rows, f"{shape.name}_due")
    low, rest = isolate(due)
    row_end = place.group == shape.row_words - 1
    done = sweeping & (rest == 0) & (row_end | (low == 0))
    sweeping.next <<= opens | (sweeping & ~done)
    waiting = due | wires.landing if holds_still(shape.layer, shape.config) else due
    kept = pyrtl.select(sweeping & row_end, rest, waiting)
    due.next <<= pyrtl.select(opens, _due(shape, wires, due, place), kept)
    return Sweep(sweeping & (low != 0), _word(shape, low, place.group), done)


def _due(shape: CoreShape, wires: RowWires, waiting: Wire, place: Place) -> Wire:
    """Return the rows of the firing that opens in this cycle."""
    everything = 2**shape.frame_rows - 1
    kept = pyrtl.Register(shape.frame_rows, f"{shape.name}_touched", reset_value=everything)
    touched = kept | wires.landing
    kept.next <<= pyrtl.select(wires.opens & place.last, pyrtl.Const(0, len(kept)), touched)
    if not holds_still(shape.layer, shape.config):
        return touched
    fired = pyrtl.select(place.first, pyrtl.Const(0, len(kept)), wires.fired)
    return pyrtl.select(place.last, touched, waiting | wires.landing | fired)


def _word(shape: CoreShape, row: Wire, group: Wire) -> Wire:
    """Return the state word ``group`` of ``row``, which is one-hot."""
    width = bits_for(shape.words - 1)
    bases = [index * shape.row_words for index in range(shape.frame_rows)]
    columns = [[row[r] for r, base in enumerate(bases) if base >> bit & 1] for bit in reversed(range(width))]
    bits = [pyrtl.rtl_any(*column) if column else pyrtl.Const(0, 1) for column in columns]
    return (pyrtl.concat(*bits) + group).truncate(width)


def fired_rows(shape: CoreShape, geometry: Convolution, vector: Wire) -> Wire:
    """Return the rows of neurons from which a spike of ``vector``, pooled, may come."""
    rows, columns = geometry.out_frame
    if not holds_still(shape.layer, shape.config) or rests_after_spike(shape.layer):
        return pyrtl.Const(0, shape.frame_rows)
    lines = [
        pyrtl.rtl_any(
            *(
                vector[(c * rows + y) * columns + x]
                for c in range(shape.layer.channels)
                for x in range(columns)
            )
        )
        for y in range(rows)
    ]
    found = [
        lines[y // geometry.pool] if y < rows * geometry.pool else pyrtl.Const(0, 1)
        for y in range(shape.frame_rows)
    ]
    return pyrtl.concat_list(found)
