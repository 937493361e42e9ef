"""What a convolutional core does differently: addresses of taps, and the spike buffer with its pooling.

A spike takes one cycle per tap of the kernel and group of output channels, in that order, whether the tap
lands inside the frame or not; outside nothing is added or written, nor read where only spikes cost time.
Behind the issue come two stages instead of one: the first finds out where the tap lands (tables for input,
tap, row and column), the second is the fully connected core's.
"""

from dataclasses import dataclass
from typing import Any

import pyrtl

from hardware.convolution import Table, tables
from hardware.network import Convolution
from hardware.rtl.shape import CoreShape, bits_for

Wire = Any


@dataclass(frozen=True)
class Landed:
    """Where a tap lands: weight address, state address, whether it is inside the frame, and then in which row
    (one-hot) where only touched rows fire."""

    row: Wire
    word: Wire
    inside: Wire
    line: Wire | None


@dataclass(frozen=True)
class Fired:
    """The spikes of the lanes, of state word ``word``, while ``valid``; ``opens`` is the strobe that empties
    the vector where not all words fire."""

    valid: Wire
    word: Wire
    spikes: list[Wire]
    opens: Wire | None = None


def land(shape: CoreShape, geometry: Convolution, index: Wire, beat: Wire) -> Landed:
    """Return where the tap of cycle ``beat`` of input ``index`` lands; both are registers."""
    found = tables(geometry, shape.groups)
    (_, height, width), kernel = geometry.in_shape, geometry.kernel
    offset, address = bits_for(shape.groups * shape.rows - 1), bits_for(shape.words - 1)
    place = _rom(shape, "inputs", found["inputs"], index)
    tap = _rom(shape, "beats", found["beats"], beat)
    y_bits, x_bits = bits_for(height - 1), bits_for(width - 1)
    base, y, x = _fields(place, offset, y_bits, x_bits)
    tap_bits = bits_for(kernel - 1)
    step, dy, dx, group = _fields(tap, offset, tap_bits, tap_bits, bits_for(shape.groups - 1))
    row = _rom(shape, "rows", found["rows"], y + dy)
    column = _rom(shape, "columns", found["columns"], x + dx)
    word = (row[:address] + column[:address] + group).truncate(address)
    inside = row[-1] & column[-1]
    line = None
    if shape.by_rows:
        starts = [row[:address] == index * shape.row_words for index in range(shape.frame_rows)]
        line = pyrtl.concat_list([inside & start for start in starts])
    return Landed((base + step).truncate(offset), word, inside, line)


def frame_vector(shape: CoreShape, geometry: Convolution, fired: Fired) -> Wire:
    """Gather the spikes of the words that fire, or-ed over pooling windows; channels first."""
    rows, columns = geometry.out_frame
    bits: dict[tuple[int, int, int], Wire] = {}
    for y in range(rows):
        for x in range(columns):
            for group in range(shape.groups):
                register = _pixel(shape, geometry, (y, x, group), fired)
                for lane in range(len(register)):
                    bits[group * shape.lanes + lane, y, x] = register[lane]
    return pyrtl.concat_list([bits[key] for key in sorted(bits)])


def window(geometry: Convolution, groups: int, place: tuple[int, int, int]) -> list[int]:
    """Return the state words that are or-ed for the pixel and group (row, column, group), in firing order."""
    (y, x, group), size, columns = place, geometry.pool, geometry.frame[1]
    return [
        ((y * size + dy) * columns + x * size + dx) * groups + group
        for dy in range(size)
        for dx in range(size)
    ]


def _pixel(shape: CoreShape, geometry: Convolution, place: tuple[int, int, int], fired: Fired) -> Wire:
    """Return the register of one pixel and group: set by its window's first word, or-ed with the others'; of
    a vector that is emptied, or-ed with all."""
    y, x, group = place
    here = window(geometry, shape.groups, place)
    width = min(shape.lanes, shape.layer.channels - group * shape.lanes)
    register = pyrtl.Register(width, f"{shape.name}_spikes{y}_{x}_{group}")
    given = pyrtl.concat_list(fired.spikes[:width])
    kept, added = register, here if fired.opens is not None else here[1:]
    if added:
        later = fired.valid & pyrtl.rtl_any(*(fired.word == address for address in added))
        kept = pyrtl.select(later, register | given, register)
    if fired.opens is None:
        register.next <<= pyrtl.select(fired.valid & (fired.word == here[0]), given, kept)
    else:
        register.next <<= pyrtl.select(fired.opens, pyrtl.Const(0, width), kept)
    return register


def _rom(shape: CoreShape, name: str, table: Table, address: Wire) -> Wire:
    """Read a table: synchronously where a register addresses it, else as logic."""
    bits = bits_for(len(table.words) - 1)
    memory = pyrtl.RomBlock(
        table.bits,
        bits,
        table.words,
        name=f"{shape.name}_{name}",
        pad_with_zeros=True,
        asynchronous=not isinstance(address, pyrtl.Register),
    )
    return memory[address[:bits] if len(address) > bits else address.zero_extended(bits)]


def _fields(word: Wire, *widths: int) -> list[Wire]:
    """Cut ``word`` into fields, the highest first."""
    out, top = [], len(word)
    for width in widths:
        out.append(word[top - width : top])
        top -= width
    return out
