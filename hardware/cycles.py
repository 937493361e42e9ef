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
the layer fires Ho * Wo * G words, which stands for G in ``last``; its vector is valid at V = X + 3. Where
only touched rows fire, ``last`` counts what ``hardware.rows`` says instead. The
sparsity-aware design of arXiv 2402.06211 takes about ``G * (9 * S_in + T * Ho * Wo)`` cycles for a layer of
3x3 kernels; what is counted here on top are empty chunks and a few cycles of pipeline per step.

R is the number of classes where spikes are counted, of output neurons where membrane potentials are compared,
and 0 for the first spike.

The first layer reads its chunks from the input memory: A[0,0] = 0, and no later accept. The readout accepts
at once: A[L,t] = V[L-1,t]. Under direct encoding the first layer scans all bit planes before step 0 and then
only fires: ``F[0,t] = max( X[0,t-1] + 2, A[1,t-1] + 1 )`` for t > 0; or, where it is recurrent, it scans its
own spikes of the step before as above, with ``B'[0,t] = N'[0,t] + 1`` for t > 0. In the sequential schedule
A[0,t] is V[L-1,t-1] for t > 0; under direct encoding F[0,t] is at least V[L-1,t-1] + 2, or B'[0,t] at least
V[L-1,t-1] + 1 where the layer is recurrent.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from hardware import convolution, cycles_clock
from hardware.arrays import Array, column, countable, host, like, namespace
from hardware.chunks import LayerChunks, bit_planes, layer_chunks
from hardware.integer import IntegerNetwork
from hardware.network import AcceleratorConfig
from hardware.reference import ReferenceRun
from hardware.rows import Firing, due_counts, firings

NEVER = -(2**40)
BLOCK = 2**17  # inferences on designs whose schedules are held in memory at once, about 150 bytes each


@dataclass(frozen=True, eq=False)
class CycleReport:
    """Clock cycles of N inferences through L layers: numpy arrays, or tensors where the inputs were.

    Attributes:
        total: start to done, int64 (N,), with the inputs already in the input memory.
        scan: cycles in which a layer's scanner holds a chunk, or in which it walks its inputs when
            clock-driven, int64 (N, L).
        fire: cycles in which a layer fires, int64 (N, L).
        words: state words that fire, int64 (N, L): one per cycle of ``fire``, but for the cycles that a sweep
            of touched rows adds.
        spikes: input spikes per layer (set bits of all planes when direct), int64 (N, L).
        echoes: own spikes that come back to recurrent layers, int64 (N, L), zero elsewhere.
        taps: weights that spikes meet per output channel, int64 (N, L): one for a spike, or in a convolution
            those of the kernel's taps that land inside the frame; a weight word is read per tap and group.
        load: cycles for the host to write one inference's input, one word of ``chunk_bits`` per cycle.
    """

    total: Array
    scan: Array
    fire: Array
    words: Array
    spikes: Array
    echoes: Array
    taps: Array
    load: int

    @property
    def busy(self) -> Array:
        """Cycles in which a layer works, int64 (N, L)."""
        return self.scan + self.fire

    def on_host(self) -> "CycleReport":
        """The same in numpy arrays."""
        names = [field.name for field in fields(self) if field.name != "load"]
        arrays: dict[str, Any] = {name: host(getattr(self, name)) for name in names}
        return replace(self, **arrays)


def count(net: IntegerNetwork, run: ReferenceRun, inputs: Array) -> CycleReport:
    """Return the exact cycles of every sample.

    Args:
        net: the network on its accelerator.
        run: the integer reference's run on ``inputs``.
        inputs: as ``hardware.reference.run`` takes them; cycles are counted on their device.
    """
    return count_many(net, [net.config], run, inputs)[0]


def count_many(
    net: IntegerNetwork, configs: Sequence[AcceleratorConfig], run: ReferenceRun, inputs: Array
) -> list[CycleReport]:
    """Return the exact cycles of every sample on each of ``configs``, which share most of the work.

    Args:
        net: the network.
        configs: accelerators on which ``net`` fires the spikes of ``run``: they may differ from its own in
            lanes, chunk_bits, schedule, sweep, family and clock, as ``hardware.cost.on_config`` checks.
        run: the integer reference's run on ``inputs``.
        inputs: as ``hardware.reference.run`` takes them; cycles are counted on their device.
    """
    reports = dict(count_each(net, configs, run, inputs))
    return [reports[index] for index in range(len(configs))]


def count_each(
    net: IntegerNetwork, configs: Sequence[AcceleratorConfig], run: ReferenceRun, inputs: Array
) -> Iterator[tuple[int, CycleReport]]:
    """Yield what ``count_many`` returns, report by report behind its index, but not in order of index: for
    callers that keep less than a report of each of many designs."""
    scanned: dict[int, list[LayerChunks]] = {}
    due: dict[str, list[Array | None]] = {}
    arrivals: tuple[Array, Array, Array] | None = None
    for members in _alike(configs, len(inputs)):
        nets = [replace(net, config=configs[index]) for index in members]
        width, sweep = nets[0].config.chunk_bits, nets[0].config.sweep
        if width not in scanned:
            scanned[width] = layer_chunks(nets[0], run, inputs)
        if sweep not in due:
            due[sweep] = due_counts(nets[0], run.spikes, inputs)
        fires = firings(nets, due[sweep], scanned[width][0].whole.spikes)
        arrivals = arrivals or _arrivals(nets[0], run, inputs, scanned[width])
        cycles = zip(*_cycles(nets, scanned[width], fires), strict=True)
        for index, one, found in zip(members, nets, cycles, strict=True):
            yield index, CycleReport(*found, *arrivals, one.input_words)


def _alike(configs: Sequence[AcceleratorConfig], samples: int) -> Iterator[list[int]]:
    """Yield indices of ``configs`` that differ in lanes and clock alone, for ``BLOCK`` inferences at once."""
    groups: dict[AcceleratorConfig, list[int]] = {}
    for index, config in enumerate(configs):
        groups.setdefault(replace(config, lanes=(), clock_mhz=1.0), []).append(index)
    block = max(1, BLOCK // samples)
    for members in groups.values():
        yield from (members[i : i + block] for i in range(0, len(members), block))


def _cycles(
    nets: list[IntegerNetwork], layers: list[LayerChunks], fires: list[Firing]
) -> tuple[Array, Array, Array, Array]:
    """Return total (D, N), scan, fire and words (D, N, L) of D networks that differ in lanes and clock
    alone."""
    if nets[0].config.family == "clock_driven":
        total, scan = cycles_clock.total_cycles(nets, layers), cycles_clock.scan_cycles(nets, layers)
    else:
        total, scan = schedule(nets, layers, fires), _scan_cycles(nets, layers)
    xp = namespace(total)
    fire, words = (
        xp.stack([xp.broadcast_to(summed, total.shape) for summed in sums], axis=2)
        for sums in zip(*((x.all_cycles, x.all_words) for x in fires), strict=True)
    )
    return total, scan, fire, words


def _scan_cycles(nets: list[IntegerNetwork], layers: list[LayerChunks]) -> Array:
    """Return the cycles (D, N, L) in which each layer holds a chunk."""
    found = []
    for k, layer in enumerate(layers):
        beats = column([net.beats[k] for net in nets], layer.whole.spikes)
        found.append(layer.whole.all_cycles(beats) + layer.own.all_cycles(beats))
    return namespace(found[0]).stack(found, axis=2)


def _arrivals(
    net: IntegerNetwork, run: ReferenceRun, inputs: Array, layers: list[LayerChunks]
) -> tuple[Array, Array, Array]:
    """Return spikes, echoes and taps as ``CycleReport`` has them: equal for all accelerators."""
    xp = namespace(inputs)
    spikes = xp.stack([layer.whole.spikes.sum(axis=0) for layer in layers], axis=1)
    echoes = xp.stack([layer.own.spikes.sum(axis=0) for layer in layers], axis=1)
    taps = spikes + echoes
    for k, layer in enumerate(net.layers):
        if layer.convolution is not None:
            vectors = run.spikes[k - 1] if k else inputs
            if net.direct and k == 0:
                vectors = bit_planes(inputs, net.config.input_bits)
            landed = countable(vectors).sum(axis=1, dtype=xp.int64)
            taps[:, k] = (landed * like(convolution.taps(layer.convolution), landed)).sum(axis=1)
    return spikes, echoes, taps


def schedule(nets: list[IntegerNetwork], layers: list[LayerChunks], fires: list[Firing]) -> Array:
    """Return total cycles, int64 (D, N), of D networks that differ in lanes and clock alone."""
    net, depth, spikes = nets[0], len(layers), layers[0].whole.spikes
    beats = [column([one.beats[k] for one in nets], spikes) for k in range(depth)]
    xp, never, valid = namespace(spikes), column([NEVER], spikes), column([0], spikes)
    accepted, taken, drained, last = ([never] * (depth + 1) for _ in range(4))
    finished, sequential = never, net.config.schedule == "sequential"
    for t in range(net.time_steps):
        for k, layer in enumerate(net.layers):
            vector, before = (t, beats[k]), (taken[k], last[k])
            if net.direct and k == 0:
                scan = _scan_kept(layers[0], vector, finished, before)
            else:
                accepted[k] = finished if k == 0 and t > 0 else xp.maximum(valid, drained[k] + 1)
                scan = _scan(layers[k], vector, accepted[k], before)
            fire = xp.maximum(scan.end + 1, accepted[k + 1] + 1)
            taken[k], drained[k] = scan.taken, scan.drained
            last[k] = fire + fires[k].cycles(t) - 1
            valid = last[k] + (2 if layer.convolution is None else 3)
        accepted[depth] = valid
        if sequential:
            finished = valid
    return valid + net.ranked + 1


@dataclass(frozen=True, eq=False)
class _Scan:
    """When a vector's scan ends, its last chunk is taken, and its last input chunk is prefetched: (D, N)."""

    end: Array
    taken: Array
    drained: Array


def _scan(layer: LayerChunks, vector: tuple[int, Array], accept: Array, before: tuple[Array, Array]) -> _Scan:
    """Schedule the chunks of ``vector``, its number and the beats per spike (D, 1), ``before`` being when the
    step before took its last chunk and issued its last group."""
    xp, (taken, last) = namespace(accept), before
    fetch = xp.maximum(accept + 1, taken)
    begin = xp.maximum(fetch + 1, last + 1)
    end, taken = begin + layer.whole.cycles(*vector), begin + layer.but_one.cycles(*vector)
    drained = fetch if layer.inputs == 1 else begin + layer.but_two.cycles(*vector)
    if layer.echoes:
        end, taken = _scan_own(layer, vector, end, (taken, last))
    return _Scan(end, taken, drained)


def _scan_kept(
    layer: LayerChunks, vector: tuple[int, Array], finished: Array, before: tuple[Array, Array]
) -> _Scan:
    """Schedule a step of the first layer on a kept current: all bit planes are scanned before step 0, then
    its own spikes alone, or nothing, when the step before is ``finished`` in the sequential schedule."""
    xp, (step, beats), (taken, last) = namespace(finished), vector, before
    free = 2 + layer.whole.all_cycles(beats) if step == 0 else finished + 1
    if not layer.echoes:
        return _Scan(xp.maximum(free, last + 1), taken, taken)
    end, taken = _scan_own(layer, vector, free, before)
    return _Scan(end, taken, taken)


def _scan_own(
    layer: LayerChunks, vector: tuple[int, Array], free: Array, before: tuple[Array, Array]
) -> tuple[Array, Array]:
    """Return when the scan of own spikes ends, and when their last chunk is taken, by a core that is ``free``
    for them from then on."""
    xp, (taken, last) = namespace(free), before
    fetch = xp.maximum(taken, last + 2 + 1)
    begin = xp.maximum(fetch + 1, free)
    return begin + layer.own.cycles(*vector), begin + layer.own_but_one.cycles(*vector)
