"""Clock cycles of the clock-driven family, in closed form: equal to the RTL's counter, cycle for cycle.

With G groups of lanes per layer, C chunks in an input vector, T time steps, L layers and B bit planes (0
unless the encoding is direct), network step k = 0 .. B + T + L - 2 takes::

    D[k]   = 1 + max( C if k + 1 < vectors,  W[l,k] + G[l] if layer l fires, over layers l )
    W[l,k] = n_in[l] * G[l]  if layer l walks inputs with any spike in step k
           + n_out[l] * G[l] if it is recurrent and fired any spike in step k - 1, its own step t - 1

    total  = C + 2 + D[0] + ... + D[B+T+L-2] + R

Layer l fires in the T steps B + l .. B + l + T - 1, and walks in the same; under direct encoding the first
layer walks its planes in the steps 0 .. B - 1 instead. ``vectors`` is T, or B when direct: while a step runs,
the next input vector is fetched, a chunk per cycle. C + 1 cycles pass before the first step, and the readout
takes a cycle to count the last vector and R to compare, as ``hardware.cycles`` says.

Spiker+ (arXiv 2401.01141) takes n_in cycles for a step with spikes and about 4 beside them; here it is
n_in + 2 with all neurons in parallel (G = 1). So its MNIST network 784-128-10, 100 steps with spikes, takes
78,400 cycles of walking and 100 * 2 + 130 of everything else in the steps, plus C + 12.
"""

import numpy as np

from hardware.integer import IntegerNetwork
from hardware.network import IntArray


def walk_cycles(net: IntegerNetwork, counts: list[IntArray]) -> list[IntArray]:
    """Return the cycles in which each layer walks each of its input vectors: int64 (N, vectors) per layer.

    Args:
        net: the network on its accelerator.
        counts: per layer, spikes in every chunk of every vector (``hardware.cycles.chunk_counts``).
    """
    walks = []
    for spikes, chunks, layer, groups in zip(counts, net.chunks, net.layers, net.groups, strict=True):
        inputs, own = spikes[:, :, :chunks].any(axis=2), spikes[:, :, chunks:].any(axis=2)
        walks.append(groups * (np.where(inputs, layer.n_in, 0) + np.where(own, layer.n_out, 0)))
    return walks


def total_cycles(net: IntegerNetwork, walks: list[IntArray]) -> IntArray:
    """Return total cycles (N,) of inferences whose layers walk for ``walks`` (``walk_cycles``)."""
    planes = net.config.input_bits if net.direct else 0
    steps = np.zeros((len(walks[0]), planes + net.time_steps + len(walks) - 1), dtype=np.int64)
    steps[:, : net.input_vectors - 1] = net.chunks[0]
    for layer, (walk, groups) in enumerate(zip(walks, net.groups, strict=True)):
        fire = np.full((len(walk), net.time_steps), groups)
        first = net.direct and layer == 0
        work = np.concatenate([walk, fire], axis=1) if first else walk + fire
        begin = 0 if first else planes + layer
        taken = steps[:, begin : begin + work.shape[1]]
        np.maximum(taken, work, out=taken)
    return np.asarray(net.chunks[0] + 2 + (1 + steps).sum(axis=1) + net.ranked)
