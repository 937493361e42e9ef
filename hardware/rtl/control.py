"""The state machine of one core: wait for a vector, scan it, fire every group, wait.

After reset a core fires once without publishing anything (``boot``), with every state cleared: so the
membrane memories need no initial content, in simulation or on a chip.
"""

from dataclasses import dataclass
from typing import Any

import pyrtl

from hardware.rtl.rows import Place, RowWires, Sweep, sweep_rows
from hardware.rtl.scanner import Permission, Prefetched, isolate
from hardware.rtl.shape import CoreShape, bits_for

Wire = Any


@dataclass(frozen=True)
class Issue:
    """What a core issues in this cycle.

    Attributes:
        event: add the weights of the input ``low`` to ``group``.
        fire: fire ``group``.
        publish: ``group`` is the last of a step, so the spike vector is complete behind it.
        clear: leave the state of ``group`` as a new inference needs it.
        low: the input's bit in its chunk, one-hot.
        base: weight address of the chunk's first input for ``group``; of a convolution the input's index.
        group: group of neurons; of a convolution the cycle of the spike, or the state word that fires.
        plane: bit plane that is scanned, when the core has planes; ``planes`` while it scans own spikes.
        booting: the core is not yet usable.
    """

    event: Wire
    fire: Wire
    publish: Wire
    clear: Wire
    low: Wire
    base: Wire
    group: Wire
    plane: Wire
    booting: Wire


@dataclass(frozen=True)
class _Scan:
    """The current chunk and where it stands in its vector."""

    low: Wire
    rest: Wire
    chunk_base: Wire
    base: Wire
    plane: Wire


def control(
    shape: CoreShape, fetched: Prefetched, full: Wire, go: Permission | None, rows: RowWires | None = None
) -> Issue:
    """Return what the core issues; drives ``fetched.take``. ``rows`` are those of a core that fires by rows.

    No firing starts while the buffer is ``full``; a core with a kept current asks ``go`` before every step
    but the first.
    """
    scanning = pyrtl.Register(1, f"{shape.name}_scanning")
    firing = pyrtl.Register(1, f"{shape.name}_firing", reset_value=1)
    booting = pyrtl.Register(1, f"{shape.name}_booting", reset_value=1)
    scan = _scan_registers(shape)
    group = make_counter(max(shape.beats, shape.span), f"{shape.name}_group")
    final = group == shape.span - 1
    empty = scan.low == 0
    group_done = (final if shape.beats == shape.span else group == shape.beats - 1) | empty
    chunk_done = scanning & group_done & (scan.rest == 0)
    scan_done = chunk_done & _last_chunk(shape, scan)
    step = make_counter(shape.time_steps, f"{shape.name}_step")
    last_step = step == shape.time_steps - 1
    place = Place(step == 0, booting | last_step, group)
    sweep = (
        _sweep(shape, firing, ~full, place)
        if rows is None
        else sweep_rows(shape, rows, firing & ~full, place)
    )
    fire_done = sweep.done
    count_up(step, fire_done & ~booting, last_step)
    charged = _charged(shape, scan_done, fire_done & last_step)
    idle = ~scanning & ~firing
    begin, again = _begins(shape, idle & fetched.valid, idle, charged, go)
    take = fetched.take
    # own spikes may still be on their way; until they are here the finished chunk counts as an empty one
    ready = fetched.valid if shape.echoes else pyrtl.Const(1, 1)
    take <<= begin | (chunk_done & ~scan_done & ready)
    scanning.next <<= begin | (scanning & ~scan_done)
    firing.next <<= scan_done | again | (firing & ~fire_done)
    booting.next <<= booting & ~fire_done
    _advance(shape, scan, fetched, (begin, charged), group_done & scanning)
    count_up(group, scanning | sweep.fire, pyrtl.select(scanning, group_done, final))
    return Issue(
        event=scanning & ~empty,
        fire=sweep.fire,
        publish=fire_done & ~booting,
        clear=place.last,
        low=scan.low,
        base=scan.base,
        group=group if rows is None else _either(scanning, group, sweep.word),
        plane=scan.plane,
        booting=booting,
    )


def _sweep(shape: CoreShape, firing: Wire, free: Wire, place: Place) -> Sweep:
    """Fire all words, beginning once the buffer is ``free``."""
    fire = firing & (free | (place.group != 0))
    return Sweep(fire, place.group, fire & (place.group == shape.words - 1))


def _either(first: Wire, a: Wire, b: Wire) -> Wire:
    width = max(len(a), len(b))
    return pyrtl.select(first, a.zero_extended(width), b.zero_extended(width))


def make_counter(count: int, name: str) -> Wire:
    """Return a register for 0..count-1, or the constant zero if that is all there is."""
    return pyrtl.Register(bits_for(count - 1), name) if count > 1 else pyrtl.Const(0, 1)


def _scan_registers(shape: CoreShape) -> _Scan:
    width = bits_for((shape.rows * shape.groups if shape.layer.convolution is None else shape.layer.n_in) - 1)
    chunk_bits = shape.config.chunk_bits
    several = shape.chunks + shape.echoes > 1
    chunk_base = pyrtl.Register(width, f"{shape.name}_chunk_base") if several else pyrtl.Const(0, width)
    return _Scan(
        low=pyrtl.Register(chunk_bits, f"{shape.name}_low"),
        rest=pyrtl.Register(chunk_bits, f"{shape.name}_rest"),
        chunk_base=chunk_base,
        base=pyrtl.Register(width, f"{shape.name}_base") if shape.steps_rows else chunk_base,
        plane=make_counter(shape.phases, f"{shape.name}_plane"),
    )


def _at_vector_end(shape: CoreShape, scan: _Scan) -> Wire:
    if shape.echoes:
        return scan.chunk_base == shape.layer.n_in + (shape.echoes - 1) * shape.config.chunk_bits
    return scan.chunk_base == _last_input_base(shape)


def _last_input_base(shape: CoreShape) -> int:
    return (shape.chunks - 1) * shape.config.chunk_bits


def _last_chunk(shape: CoreShape, scan: _Scan) -> Wire:
    at_end = _at_vector_end(shape, scan)
    return at_end & (scan.plane == shape.phases - 1) if shape.planes else at_end


def count_up(counter: Wire, step: Wire, wrap: Wire) -> None:
    """Advance ``counter`` in the cycles of ``step``, to zero where ``wrap``."""
    if isinstance(counter, pyrtl.Const):
        return
    following = pyrtl.select(wrap, pyrtl.Const(0, len(counter)), (counter + 1).truncate(len(counter)))
    counter.next <<= pyrtl.select(step, following, counter)


def _charged(shape: CoreShape, scan_done: Wire, inference_done: Wire) -> Wire:
    """Return whether the kept current is complete, so that steps need no scan."""
    if not shape.planes:
        return pyrtl.Const(0, 1)
    charged = pyrtl.Register(1, f"{shape.name}_charged")
    charged.next <<= scan_done | (charged & ~inference_done)
    return charged


def _begins(
    shape: CoreShape, fed: Wire, idle: Wire, charged: Wire, go: Permission | None
) -> tuple[Wire, Wire]:
    """Return whether an idle core begins to scan, being ``fed``, and whether it fires its kept current again.

    Once charged, a core asks for permission, and scans its own spikes only, or nothing.
    """
    if not shape.planes or go is None:
        return fed, pyrtl.Const(0, 1)
    allowed = charged & go.allowed
    begin, again = fed & (~charged | allowed), pyrtl.Const(0, 1)
    following = begin & charged
    if not shape.echoes:
        begin, again = fed & ~charged, idle & allowed
        following = again
    if go.used is not None:
        used = go.used
        used <<= following
    return begin, again


def _advance(
    shape: CoreShape, scan: _Scan, fetched: Prefetched, begins: tuple[Wire, Wire], group_done: Wire
) -> None:
    """Move to the next chunk, the next spike of this chunk, or the next group of this spike.

    ``begins`` says whether a scan begins, and whether it is one of own spikes alone.
    """
    take, (begin, charged) = fetched.take, begins
    low, rest = isolate(scan.rest)
    # with no spike left this clears low and rest, which only an unused core sees
    scan.low.next <<= pyrtl.select(take, fetched.low, pyrtl.select(group_done, low, scan.low))
    scan.rest.next <<= pyrtl.select(take, fetched.rest, pyrtl.select(group_done, rest, scan.rest))
    width = len(scan.chunk_base)
    chunk_base = scan.chunk_base
    if shape.chunks + shape.echoes > 1:
        chunk_base = pyrtl.select(take, _next_base(shape, scan, begin, charged), scan.chunk_base)
        scan.chunk_base.next <<= chunk_base
    if shape.steps_rows:
        next_group = (scan.base + shape.rows).truncate(width)
        in_chunk = pyrtl.select(group_done | take, chunk_base, next_group)
        scan.base.next <<= in_chunk
    if shape.phases > 1:
        inputs_end = scan.chunk_base == _last_input_base(shape)
        plane = (scan.plane + 1).truncate(len(scan.plane))
        zero, own = pyrtl.Const(0, len(plane)), pyrtl.Const(shape.planes, shape.planes.bit_length())
        first = pyrtl.select(charged, own, zero) if shape.echoes else zero
        moved = pyrtl.select(take & inputs_end, plane, scan.plane)
        scan.plane.next <<= pyrtl.select(begin, first, moved)


def _next_base(shape: CoreShape, scan: _Scan, begin: Wire, charged: Wire) -> Wire:
    """Return where the next chunk stands: own spikes behind the inputs, or behind those of the last plane."""
    width = len(scan.chunk_base)
    start = pyrtl.Const(0, width)
    following = (scan.chunk_base + shape.config.chunk_bits).truncate(width)
    if not shape.echoes:
        return pyrtl.select(begin | _at_vector_end(shape, scan), start, following)
    behind, first = pyrtl.Const(shape.layer.n_in, width), start
    if shape.planes:
        first = pyrtl.select(charged, behind, start)
        behind = pyrtl.select(scan.plane == shape.planes - 1, behind, start)
    inputs_end = scan.chunk_base == _last_input_base(shape)
    return pyrtl.select(begin, first, pyrtl.select(inputs_end, behind, following))
