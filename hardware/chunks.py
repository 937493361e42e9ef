"""Spikes per chunk of a layer's input vectors: what decides how long its scanner works.

A chunk of s spikes takes ``max(1, s * beats)`` cycles, whatever the layer's lanes make of ``beats``. Over
several chunks that is ``beats`` times their spikes plus the number of empty ones, so two sums per vector,
found once, give the cycles of every design.
"""

from dataclasses import dataclass

from hardware.arrays import Array, cast, countable, namespace
from hardware.integer import IntegerNetwork
from hardware.reference import ReferenceRun


@dataclass(frozen=True, eq=False)
class Chunks:
    """Some chunks of every vector: their spikes, and how many are empty, both int64 (vectors, N)."""

    spikes: Array
    empty: Array

    def cycles(self, vector: int, beats: Array) -> Array:
        """Return the cycles (designs, N) of one vector's chunks at ``beats`` (designs, 1) per spike."""
        return self.spikes[vector] * beats + self.empty[vector]

    def all_cycles(self, beats: Array) -> Array:
        """Return the cycles (designs, N) of all vectors' chunks at ``beats`` (designs, 1) per spike."""
        return self.spikes.sum(axis=0) * beats + self.empty.sum(axis=0)


@dataclass(frozen=True, eq=False)
class LayerChunks:
    """The chunks that one layer scans.

    Attributes:
        inputs: chunks of one input vector.
        echoes: chunks of a recurrent layer's own spikes before each step; 0 elsewhere.
        whole: all chunks of an input vector, which is a bit plane under direct encoding.
        but_one: all but the last.
        but_two: all but the last two.
        own: all chunks of the own spikes of a step, none of a layer without.
        own_but_one: all of those but the last.
    """

    inputs: int
    echoes: int
    whole: Chunks
    but_one: Chunks
    but_two: Chunks
    own: Chunks
    own_but_one: Chunks


def layer_chunks(
    net: IntegerNetwork, run: ReferenceRun, inputs: Array, batch: int = 500
) -> list[LayerChunks]:
    """Return what every layer scans. It depends on ``chunk_bits``, but not on lanes.

    Args:
        net: the network on its accelerator.
        run: the integer reference's run on ``inputs``.
        inputs: as ``hardware.reference.run`` takes them.
        batch: samples whose chunks are held in memory at once.
    """
    parts: list[list[tuple[Chunks, ...]]] = [[] for _ in net.layers]
    for i in range(0, len(inputs), batch):
        kept = slice(i, i + batch)
        spikes = tuple(layer[kept] for layer in run.spikes)
        counts = chunk_counts(net, ReferenceRun(spikes, run.counts, run.predicted), inputs[kept])
        for found, layer in zip(parts, counts, strict=True):
            found.append(_sums(*layer))
    return [
        LayerChunks(given, own, *map(_joined, zip(*found, strict=True)))
        for given, own, found in zip(net.chunks, net.echo_chunks, parts, strict=True)
    ]


def _sums(inputs: Array, own: Array) -> tuple[Chunks, ...]:
    """Sum up chunks of inputs (N, vectors, C) and of own spikes (N, T, C') as ``LayerChunks`` has them."""
    return tuple(_summed(x) for x in (inputs, inputs[:, :, :-1], inputs[:, :, :-2], own, own[:, :, :-1]))


def _summed(counts: Array) -> Chunks:
    return Chunks(counts.sum(axis=2).T, (counts == 0).sum(axis=2).T)


def _joined(parts: tuple[Chunks, ...]) -> Chunks:
    xp = namespace(parts[0].spikes)
    sums = ([p.spikes for p in parts], [p.empty for p in parts])
    return Chunks(*(xp.concatenate(found, axis=1) for found in sums))


def chunk_counts(net: IntegerNetwork, run: ReferenceRun, inputs: Array) -> list[tuple[Array, Array]]:
    """Return, per layer, the spikes in every chunk of every input vector, int64 (N, vectors, C), and of a
    recurrent layer's own spikes before every step, int64 (N, T, C') with C' = 0 for other layers."""
    first = bit_planes(inputs, net.config.input_bits) if net.direct else countable(inputs)
    width, counts = net.config.chunk_bits, []
    for layer, vectors, spikes in zip(net.layers, (first, *run.spikes[:-1]), run.spikes, strict=True):
        own = namespace(spikes).roll(spikes if layer.recurrent is not None else spikes[:, :, :0], 1, 1)
        own[:, 0] = 0
        counts.append((_per_chunk(vectors, width), _per_chunk(own, width)))
    return counts


def bit_planes(inputs: Array, bits: int) -> Array:
    """Return the bits of ``inputs`` (N, n_in), least significant plane first: uint8 (N, bits, n_in)."""
    xp, values = namespace(inputs), countable(inputs)
    return xp.stack([cast((values >> plane) & 1, xp.uint8) for plane in range(bits)], axis=1)


def _per_chunk(vectors: Array, chunk_bits: int) -> Array:
    """Return the spikes in every chunk of ``vectors`` (N, vectors, n): int64 (N, vectors, chunks)."""
    xp, (samples, steps, n) = namespace(vectors), vectors.shape
    chunks = -(-n // chunk_bits)
    shape = (samples, steps, chunks * chunk_bits)
    padded = xp.zeros(shape, dtype=vectors.dtype, device=vectors.device)
    padded[:, :, :n] = vectors
    return padded.reshape(samples, steps, chunks, chunk_bits).sum(axis=3, dtype=xp.int64)
