"""Clock cycles of the clock-driven family, in closed form: equal to the RTL's counter, cycle for cycle.

With G groups of lanes per layer, C chunks in an input vector, T time steps, L layers and B bit planes (0
unless the encoding is direct), network step k = 0 .. B + T + L - 2 takes::

    D[k]   = 1 + max( C if k + 1 < vectors,  W[l,k] + G[l] if layer l fires, over layers l )
    W[l,k] = n_in[l] * G[l]  if layer l walks inputs with any spike in step k
           + n_out[l] * G[l] if it is recurrent and fired any spike in step k - 1, its own step t - 1

    total  = C + 2 + D[0] + ... + D[B+T+L-2] + R

In a convolutional layer W is ``n_in * K * K * G`` for a step with any spike, taps outside the frame included,
and Ho * Wo * G + 1 stands for G where it fires.

Layer l fires in the T steps B + l .. B + l + T - 1, and walks in the same; under direct encoding the first
layer walks its planes in the steps 0 .. B - 1, and in those in which it fires its own spikes alone.
``vectors`` is T, or B when direct: while a step runs, the next input vector is fetched, a chunk per cycle.
C + 1 cycles pass before the first step, and the readout takes a cycle to count the last vector and R to
compare, as ``hardware.cycles`` says.

Spiker+ (arXiv 2401.01141) takes n_in cycles for a step with spikes and about 4 beside them; here it is
n_in + 2 with all neurons in parallel (G = 1). So its MNIST network 784-128-10, 100 steps with spikes, takes
78,400 cycles of walking and 100 * 2 + 130 of everything else in the steps, plus C + 12.
"""

from hardware.arrays import Array, column, namespace
from hardware.chunks import LayerChunks
from hardware.integer import IntegerNetwork


def walked_inputs(net: IntegerNetwork, layers: list[LayerChunks]) -> list[tuple[Array, Array]]:
    """Return, per layer, how many weights it walks for each vector, int64 (vectors, N): of all inputs, or all
    their taps; and of own spikes before each step, int64 (T, N). They take G cycles each."""
    walks = []
    for chunks, layer in zip(layers, net.layers, strict=True):
        taps = layer.n_in * layer.taps
        walks.append(((chunks.whole.spikes > 0) * taps, (chunks.own.spikes > 0) * layer.n_out))
    return walks


def scan_cycles(nets: list[IntegerNetwork], layers: list[LayerChunks]) -> Array:
    """Return the cycles (D, N, L) in which each layer walks, in D networks that differ in lanes alone."""
    walks = [inputs.sum(axis=0) + own.sum(axis=0) for inputs, own in walked_inputs(nets[0], layers)]
    groups = zip(*(net.groups for net in nets), strict=True)
    found = [column(of, walk) * walk for of, walk in zip(groups, walks, strict=True)]
    return namespace(found[0]).stack(found, axis=2)


def total_cycles(nets: list[IntegerNetwork], layers: list[LayerChunks]) -> Array:
    """Return total cycles, int64 (D, N), of D networks that differ in lanes and clock alone."""
    net, work = nets[0], _work(nets[0], layers)
    xp, planes = namespace(work[0]), (net.config.input_bits if net.direct else 0)
    groups = [column(of, work[0]) for of in zip(*(one.groups for one in nets), strict=True)]
    total = column([net.chunks[0] + 2 + net.ranked] * len(nets), work[0])
    for step in range(planes + net.time_steps + len(work) - 1):
        longest = column([net.chunks[0] if step + 1 < net.input_vectors else 0], work[0])
        for k, cycles in enumerate(work):
            own = step - (0 if net.direct and k == 0 else planes + k)
            if 0 <= own < len(cycles):
                late = net.layers[k].convolution is not None and own >= len(cycles) - net.time_steps
                longest = xp.maximum(longest, groups[k] * cycles[own] + int(late))
        total = total + 1 + longest
    return total


def _work(net: IntegerNetwork, layers: list[LayerChunks]) -> list[Array]:
    """Return the cycles, per group of lanes, of the steps in which each layer works: int64 (steps, N)."""
    work = []
    for k, (inputs, own) in enumerate(walked_inputs(net, layers)):
        fires = own + net.layers[k].pixels
        first = net.direct and k == 0
        work.append(namespace(own).concatenate([inputs, fires]) if first else inputs + fires)
    return work
