"""From spike vectors to chunks: where a core's input comes from, and the prefetch of its next chunk.

A chunk travels as (lowest set bit one-hot, rest). Both are computed while the chunk enters the prefetch
register, so the core never isolates a bit and advances to another chunk in the same cycle.
"""

from dataclasses import dataclass
from typing import Any

import pyrtl

from hardware.rtl.shape import CoreShape, bits_for

Wire = Any


@dataclass(frozen=True)
class Prefetched:
    """The next chunk, waiting for the core; the core drives ``take`` in the cycle in which it copies it."""

    low: Wire
    rest: Wire
    valid: Wire
    take: Wire


@dataclass(frozen=True)
class Permission:
    """Whether the first layer may begin a step; its user drives ``used``, where there is one, as it does."""

    allowed: Wire
    used: Wire | None


@dataclass(frozen=True)
class Echo:
    """A layer's own spikes on their way back, in the cycle of ``strobe``; after the last step they are
    dropped."""

    vector: Wire
    strobe: Wire
    ended: Wire


@dataclass(frozen=True)
class _Input:
    """Where input chunks come from: the next one, whether it is there and is its vector's last, and the
    strobe that copies it, which the prefetch drives."""

    head: Wire
    available: Wire
    last: Wire
    fetch: Wire


def echo_wires(shape: CoreShape) -> Echo:
    """Return the wires of a recurrent layer's own spikes, to be driven when its core is built."""
    sizes = {"vector": shape.layer.n_out, "strobe": 1, "ended": 1}
    return Echo(*(pyrtl.WireVector(bits, f"{shape.name}_echo_{name}") for name, bits in sizes.items()))


def isolate(chunk: Wire) -> tuple[Wire, Wire]:
    """Return the lowest set bit of ``chunk`` as one-hot, and ``chunk`` without it."""
    less_one = (chunk - 1).truncate(len(chunk))
    return chunk & ~less_one, chunk & less_one


def encode(one_hot: Wire) -> Wire:
    """Return the index of the set bit of ``one_hot``; 0 if there is none."""
    width = bits_for(len(one_hot) - 1)
    columns = [[one_hot[i] for i in range(len(one_hot)) if i >> bit & 1] for bit in range(width)]
    return pyrtl.concat_list([pyrtl.rtl_any(*column) if column else pyrtl.Const(0, 1) for column in columns])


def vector_source(shape: CoreShape, vector: Wire, full: Wire, accept: Wire, echo: Echo | None) -> Prefetched:
    """Scan the spike vectors of the layer before: drives ``accept`` in the cycle that copies ``vector``."""
    width = shape.config.chunk_bits
    held = pyrtl.Register(shape.chunks * width, f"{shape.name}_held")
    left = pyrtl.Register(bits_for(shape.chunks), f"{shape.name}_held_chunks")
    accept <<= full & (left == 0)
    fetch = pyrtl.WireVector(1, f"{shape.name}_fetch")
    source = _Input(held[:width], left != 0, left == 1, fetch)
    shifted = pyrtl.shift_right_logical(held, width) if shape.chunks > 1 else held
    held.next <<= pyrtl.select(accept, vector.zero_extended(len(held)), pyrtl.select(fetch, shifted, held))
    fewer = pyrtl.select(fetch, (left - 1).truncate(len(left)), left)
    left.next <<= pyrtl.select(accept, pyrtl.Const(shape.chunks, len(left)), fewer)
    return _merge(shape, source, echo)


def memory_source(
    shape: CoreShape, vectors: int, start: Wire, go: Permission, echo: Echo | None
) -> Prefetched:
    """Scan the input memory from its first word to its last; the host writes it through the ``load`` port.

    Word ``v * C + c`` holds chunk c of input vector v, its lowest input in bit 0 and unused bits zero. A
    vector is a time step's spikes, or a bit plane of the currents, least significant first, under direct
    encoding.
    """
    words, width = vectors * shape.chunks, shape.config.chunk_bits
    memory = pyrtl.MemBlock(width, bits_for(words - 1), name="input_memory", asynchronous=False)
    address = pyrtl.Register(bits_for(words - 1), "input_address")
    active = pyrtl.Register(1, "input_active")
    fetch = pyrtl.WireVector(1, f"{shape.name}_fetch")
    first_chunk, last_chunk = _place_in_vector(shape, fetch)
    available = active
    if go.used is not None and not shape.planes:
        available = active & (go.allowed | ~first_chunk)
        used = go.used
        used <<= fetch & first_chunk
    last = address == words - 1
    ends = last if shape.planes else last_chunk
    following = pyrtl.select(last, pyrtl.Const(0, len(address)), (address + 1).truncate(len(address)))
    address.next <<= pyrtl.select(fetch, following, address)
    active.next <<= start | (active & ~(fetch & last))
    load_port(memory, words)
    return _merge(shape, _Input(memory[address], available, ends, fetch), echo)


def counts_chunks(shape: CoreShape) -> bool:
    """Return whether the first layer needs to know where in a vector a chunk of the input memory stands."""
    return shape.chunks > 1 and not shape.planes and (shape.echoes > 0 or shape.sequential)


def _place_in_vector(shape: CoreShape, fetch: Wire) -> tuple[Wire, Wire]:
    """Return whether the chunk at hand is its vector's first, and its last, where that matters."""
    if not counts_chunks(shape):
        return pyrtl.Const(1, 1), pyrtl.Const(1, 1)
    chunk = pyrtl.Register(bits_for(shape.chunks - 1), "input_chunk")
    last = chunk == shape.chunks - 1
    following = pyrtl.select(last, pyrtl.Const(0, len(chunk)), (chunk + 1).truncate(len(chunk)))
    chunk.next <<= pyrtl.select(fetch, following, chunk)
    return chunk == 0, last


def _merge(shape: CoreShape, source: _Input, echo: Echo | None) -> Prefetched:
    """Prefetch the input's chunks; behind each vector's last, those of the layer's own spikes before it.

    Behind the last bit plane there are only own spikes, step by step, until the inference has ended.
    """
    if echo is None:
        fetched, fetch = _prefetch(shape, source.head, source.available)
        copied = source.fetch
        copied <<= fetch
        return fetched
    width = shape.config.chunk_bits
    held = pyrtl.Register(shape.echoes * width, f"{shape.name}_echoes")
    left = pyrtl.Register(bits_for(shape.echoes), f"{shape.name}_echo_chunks", reset_value=shape.echoes)
    turn = pyrtl.Register(1, f"{shape.name}_echo_turn")
    head = pyrtl.select(turn, held[:width], source.head)
    fetched, fetch = _prefetch(shape, head, pyrtl.select(turn, left != 0, source.available))
    copied = source.fetch
    copied <<= fetch & ~turn
    back = fetch & turn
    turned = echo.ended if shape.planes else back & (left == 1)
    turn.next <<= (copied & source.last) | (turn & ~turned)
    fewer = pyrtl.select(back, (left - 1).truncate(len(left)), left)
    left.next <<= pyrtl.select(echo.strobe, pyrtl.Const(shape.echoes, len(left)), fewer)
    shifted = pyrtl.shift_right_logical(held, width) if shape.echoes > 1 else held
    spikes = pyrtl.select(echo.ended, pyrtl.Const(0, len(held)), echo.vector.zero_extended(len(held)))
    held.next <<= pyrtl.select(echo.strobe, spikes, pyrtl.select(back, shifted, held))
    return fetched


def load_port(memory: Any, words: int) -> None:
    """Make the ports by which the host writes ``memory``."""
    load = pyrtl.Input(1, "load")
    where = pyrtl.Input(bits_for(words - 1), "load_address")
    data = pyrtl.Input(memory.bitwidth, "load_data")
    memory[where] <<= pyrtl.MemBlock.EnabledWrite(data, load)


def _prefetch(shape: CoreShape, head: Wire, available: Wire) -> tuple[Prefetched, Wire]:
    """Hold the next chunk; also return the strobe that copies ``head``."""
    low = pyrtl.Register(len(head), f"{shape.name}_next_low")
    rest = pyrtl.Register(len(head), f"{shape.name}_next_rest")
    valid = pyrtl.Register(1, f"{shape.name}_next_valid")
    take = pyrtl.WireVector(1, f"{shape.name}_take")
    fetch = available & (~valid | take)
    head_low, head_rest = isolate(head)
    low.next <<= pyrtl.select(fetch, head_low, low)
    rest.next <<= pyrtl.select(fetch, head_rest, rest)
    valid.next <<= fetch | (valid & ~take)
    return Prefetched(low, rest, valid, take), fetch
