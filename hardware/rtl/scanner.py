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


def isolate(chunk: Wire) -> tuple[Wire, Wire]:
    """Return the lowest set bit of ``chunk`` as one-hot, and ``chunk`` without it."""
    less_one = (chunk - 1).truncate(len(chunk))
    return chunk & ~less_one, chunk & less_one


def encode(one_hot: Wire) -> Wire:
    """Return the index of the set bit of ``one_hot``; 0 if there is none."""
    width = bits_for(len(one_hot) - 1)
    columns = [[one_hot[i] for i in range(len(one_hot)) if i >> bit & 1] for bit in range(width)]
    return pyrtl.concat_list([pyrtl.rtl_any(*column) if column else pyrtl.Const(0, 1) for column in columns])


def vector_source(shape: CoreShape, vector: Wire, full: Wire, accept: Wire) -> Prefetched:
    """Scan the spike vectors of the layer before: drives ``accept`` in the cycle that copies ``vector``."""
    width = shape.config.chunk_bits
    held = pyrtl.Register(shape.chunks * width, f"{shape.name}_held")
    left = pyrtl.Register(bits_for(shape.chunks), f"{shape.name}_held_chunks")
    accept <<= full & (left == 0)
    fetched, fetch = _prefetch(shape, held[:width], left != 0)
    shifted = pyrtl.shift_right_logical(held, width) if shape.chunks > 1 else held
    held.next <<= pyrtl.select(accept, vector.zero_extended(len(held)), pyrtl.select(fetch, shifted, held))
    fewer = pyrtl.select(fetch, (left - 1).truncate(len(left)), left)
    left.next <<= pyrtl.select(accept, pyrtl.Const(shape.chunks, len(left)), fewer)
    return fetched


def memory_source(shape: CoreShape, vectors: int, start: Wire) -> Prefetched:
    """Scan the input memory from its first word to its last; the host writes it through the ``load`` port.

    Word ``v * C + c`` holds chunk c of input vector v, its lowest input in bit 0 and unused bits zero. A
    vector is a time step's spikes, or a bit plane of the currents, least significant first, under direct
    encoding.
    """
    words, width = vectors * shape.chunks, shape.config.chunk_bits
    memory = pyrtl.MemBlock(width, bits_for(words - 1), name="input_memory", asynchronous=False)
    address = pyrtl.Register(bits_for(words - 1), "input_address")
    active = pyrtl.Register(1, "input_active")
    fetched, fetch = _prefetch(shape, memory[address], active)
    last = address == words - 1
    following = pyrtl.select(last, pyrtl.Const(0, len(address)), (address + 1).truncate(len(address)))
    address.next <<= pyrtl.select(fetch, following, address)
    active.next <<= start | (active & ~(fetch & last))
    load_port(memory, words)
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
