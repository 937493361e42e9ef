"""How many clock cycles an inference takes, in closed form: equal to the RTL's counter, cycle for cycle.

For layer l with G groups and C chunks, ``m[c] = max(1, s[c] * G)`` cycles for chunk c, and step t::

    accept  A[l,t] = max( V[l-1,t],  D[l,t-1] + 1 )          the vector enters the scanner's shift register
    fetch   N[l,t] = max( A[l,t] + 1,  K[l,t-1] )            its first chunk enters the prefetch register
    begin   B[l,t] = max( N[l,t] + 1,  X[l,t-1] + 1 )        the core takes that chunk
    fire    F[l,t] = max( B[l,t] + sum(m) + 1,  A[l+1,t-1] + 1 )     back-pressure: the buffer must be empty
    last    X[l,t] = F[l,t] + G - 1                          last group issued
    valid   V[l,t] = X[l,t] + 2                              the spike vector is published
    taken   K[l,t] = B[l,t] + m[0] + ... + m[C-2]            the core takes the last chunk
    drained D[l,t] = N[l,t] if C = 1 else B[l,t] + m[0] + ... + m[C-3]     the last chunk is prefetched

A recurrent layer scans its own spikes of the step before, C' chunks of m' cycles, behind each input vector
(zeros in step 0). They are at the prefetch one cycle after they were published, so a short scan waits::

    fetch'  N'[l,t] = max( K[l,t],  V[l,t-1] + 1 )
    begin'  B'[l,t] = max( N'[l,t] + 1,  B[l,t] + sum(m) )
    fire    F[l,t] = max( B'[l,t] + sum(m') + 1,  A[l+1,t-1] + 1 )
    taken   K[l,t] = B'[l,t] + m'[0] + ... + m'[C'-2]        for the next vector's fetch

    total          = V[L-1,T-1] + R + 1                      counters, then R cycles to compare

In a convolutional layer a chunk takes ``m[c] = max(1, s[c] * K * K * G)``, taps outside the frame included;
the layer fires Ho * Wo * G words, which stands for G in ``last``; its vector is valid at V = X + 3. The
sparsity-aware design of arXiv 2402.06211 takes about ``G * (9 * S_in + T * Ho * Wo)`` cycles for a layer of
3x3 kernels; what is counted here on top are empty chunks and a few cycles of pipeline per step.

R is the number of classes where spikes are counted, of output neurons where membrane potentials are compared,
and 0 for the first spike.

The first layer reads its chunks from the input memory: A[0,0] = 0, and no later accept. The readout accepts
at once: A[L,t] = V[L-1,t]. Under direct encoding the first layer scans all bit planes before step 0 and then
only fires: ``F[0,t] = max( X[0,t-1] + 2, A[1,t-1] + 1 )`` for t > 0. In the sequential schedule A[0,t] is
V[L-1,t-1] for t > 0, or F[0,t] = V[L-1,t-1] + 2 under direct encoding.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hardware import convolution, cycles_clock
from hardware.integer import IntegerNetwork
from hardware.network import IntArray, SpikeArray
from hardware.reference import ReferenceRun

NEVER = -(2**40)


@dataclass(frozen=True, eq=False)
class CycleReport:
    """Clock cycles of N inferences through L layers.

    Attributes:
        total: start to done, int64 (N,), with the inputs already in the input memory.
        scan: cycles in which a layer's scanner holds a chunk, or in which it walks its inputs when
            clock-driven, int64 (N, L).
        fire: cycles in which a layer issues groups to fire, int64 (N, L).
        spikes: input spikes per layer (set bits of all planes when direct), int64 (N, L).
        echoes: own spikes that come back to recurrent layers, int64 (N, L), zero elsewhere.
        taps: weights that spikes meet per output channel, int64 (N, L): one for a spike, or in a convolution
            those of the kernel's taps that land inside the frame; a weight word is read per tap and group.
        load: cycles for the host to write one inference's input, one word of ``chunk_bits`` per cycle.
    """

    total: IntArray
    scan: IntArray
    fire: IntArray
    spikes: IntArray
    echoes: IntArray
    taps: IntArray
    load: int

    @property
    def busy(self) -> IntArray:
        """Cycles in which a layer works, int64 (N, L)."""
        return self.scan + self.fire


def count(
    net: IntegerNetwork,
    spikes: ReferenceRun,
    inputs: NDArray[np.unsignedinteger],
    counts: list[IntArray] | None = None,
) -> CycleReport:
    """Return the exact cycles of every sample.

    Args:
        net: the network on its accelerator.
        spikes: the integer reference's run on ``inputs``.
        inputs: as ``hardware.reference.run`` takes them.
        counts: what ``chunk_counts`` returns, where it is known already: it is most of the work, and equal
            for all accelerators of equal ``chunk_bits``.
    """
    counts = chunk_counts(net, spikes, inputs) if counts is None else counts
    if net.config.family == "clock_driven":
        walks = cycles_clock.walk_cycles(net, counts)
        total, scan = cycles_clock.total_cycles(net, walks), np.stack([w.sum(axis=1) for w in walks], axis=1)
    else:
        work = [chunk_cycles(s, beats) for s, beats in zip(counts, net.beats, strict=True)]
        total, scan = schedule(net, work), np.stack([w.sum(axis=(1, 2)) for w in work], axis=1)
    fire = np.broadcast_to(np.array(net.sweeps) * net.time_steps, scan.shape)
    pairs = list(zip(counts, net.chunks, strict=True))
    entering = np.stack([s[:, :, :c].sum(axis=(1, 2)) for s, c in pairs], axis=1)
    echoes = np.stack([s[:, :, c:].sum(axis=(1, 2)) for s, c in pairs], axis=1)
    taps = _taps(net, spikes, inputs, entering + echoes)
    return CycleReport(total, scan, fire, entering, echoes, taps, net.input_words)


def _taps(
    net: IntegerNetwork, run: ReferenceRun, inputs: NDArray[np.unsignedinteger], spikes: IntArray
) -> IntArray:
    """Count what ``CycleReport.taps`` is, from ``spikes`` (N, L) where no layer is convolutional."""
    found = spikes.copy()
    for k, layer in enumerate(net.layers):
        if layer.convolution is not None:
            vectors = run.spikes[k - 1] if k else inputs
            per_input = np.bitwise_count(vectors) if net.direct and k == 0 else vectors
            landed = per_input.reshape(len(inputs), -1, layer.n_in).sum(axis=1, dtype=np.int64)
            found[:, k] = landed @ convolution.taps(layer.convolution)
    return found


def chunk_counts(
    net: IntegerNetwork, run: ReferenceRun, inputs: NDArray[np.unsignedinteger]
) -> list[IntArray]:
    """Return, per layer, the spikes in every chunk of every input vector: int64 (N, vectors, chunks).

    Chunks of a recurrent layer's own spikes stand behind those of its input.
    """
    first = bit_planes(inputs, net.config.input_bits) if net.direct else np.asarray(inputs, dtype=np.uint8)
    counts = [_per_chunk(vectors, net.config.chunk_bits) for vectors in (first, *run.spikes[:-1])]
    for k, echoes in enumerate(net.echo_chunks):
        if echoes:
            own = np.roll(run.spikes[k], 1, axis=1)
            own[:, 0] = 0
            counts[k] = np.concatenate([counts[k], _per_chunk(own, net.config.chunk_bits)], axis=2)
    return counts


def bit_planes(inputs: NDArray[np.unsignedinteger], bits: int) -> SpikeArray:
    """Return the bits of ``inputs`` (N, n_in), least significant plane first: uint8 (N, bits, n_in)."""
    planes = np.empty((len(inputs), bits, inputs.shape[1]), dtype=np.uint8)
    for plane in range(bits):
        planes[:, plane] = (inputs >> plane) & 1
    return planes


def _per_chunk(vectors: SpikeArray, chunk_bits: int) -> IntArray:
    samples, steps, n = vectors.shape
    chunks = -(-n // chunk_bits)
    out = np.empty((samples, steps, chunks), dtype=np.int64)
    for chunk in range(chunks):
        packed = np.packbits(vectors[:, :, chunk * chunk_bits : (chunk + 1) * chunk_bits], axis=2)
        out[:, :, chunk] = np.bitwise_count(packed).sum(axis=2)
    return out


def chunk_cycles(spikes: IntArray, beats: int) -> IntArray:
    """Return scan cycles per chunk: ``beats`` per spike, and one for an empty chunk."""
    return np.maximum(1, spikes * beats)


def schedule(net: IntegerNetwork, work: list[IntArray]) -> IntArray:
    """Return total cycles (N,) of chunks that take ``work`` cycles: per layer int64 (N, vectors, chunks)."""
    samples, depth = len(work[0]), len(work)
    accepted = [np.full(samples, NEVER) for _ in range(depth + 1)]
    taken, drained, last = ([np.full(samples, NEVER) for _ in range(depth)] for _ in range(3))
    finished = np.full(samples, NEVER)
    sequential = net.config.schedule == "sequential"
    valid = np.zeros(samples, dtype=np.int64)
    for t in range(net.time_steps):
        for k, layer in enumerate(net.layers):
            if net.direct and k == 0:
                fire = np.maximum(_direct_fire(work[0], last[0], accepted[1], t), finished + 2)
            else:
                accept = np.maximum(valid, drained[k] + 1)
                if k == 0 and t > 0:
                    accept = finished
                scan = _scan(work[k][:, t], net.chunks[k], accept, (taken[k], last[k]))
                fire = np.maximum(scan.end + 1, accepted[k + 1] + 1)
                accepted[k], taken[k], drained[k] = accept, scan.taken, scan.drained
            last[k] = fire + net.sweeps[k] - 1
            valid = last[k] + (2 if layer.convolution is None else 3)
        accepted[depth] = valid
        if sequential:
            finished = valid
    return np.asarray(valid + net.ranked + 1)


@dataclass(frozen=True, eq=False)
class _Scan:
    """When a vector's scan ends, its last chunk is taken, and its last input chunk is prefetched: (N,)."""

    end: IntArray
    taken: IntArray
    drained: IntArray


def _scan(chunks: IntArray, inputs: int, accept: IntArray, before: tuple[IntArray, IntArray]) -> _Scan:
    """Schedule one vector's chunks (N, inputs + own spikes), ``before`` being when the step before took its
    last chunk and issued its last group."""
    taken, last = before
    fetch = np.maximum(accept + 1, taken)
    begin = np.maximum(fetch + 1, last + 1)
    given, echoes = chunks[:, :inputs], chunks[:, inputs:]
    end, taken = begin + given.sum(axis=1), begin + given[:, :-1].sum(axis=1)
    drained = fetch if inputs == 1 else begin + given[:, :-2].sum(axis=1)
    if echoes.shape[1]:
        fetch_echo = np.maximum(taken, last + 2 + 1)
        begin_echo = np.maximum(fetch_echo + 1, end)
        end, taken = begin_echo + echoes.sum(axis=1), begin_echo + echoes[:, :-1].sum(axis=1)
    return _Scan(end, taken, drained)


def _direct_fire(planes: IntArray, last: IntArray, accepted: IntArray, t: int) -> IntArray:
    """Return when the first layer fires step t under direct encoding: planes are scanned before step 0."""
    if t == 0:
        return np.asarray(2 + planes.sum(axis=(1, 2)) + 1)
    return np.maximum(last + 2, accepted + 1)
