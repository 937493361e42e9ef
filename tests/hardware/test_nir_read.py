"""What other tools write as NIR: simulated by its nodes' equations, by snnTorch, and by what is read."""

from itertools import pairwise
from pathlib import Path

import nir
import numpy as np
import pytest

from hardware.network import AcceleratorConfig, Convolution
from hardware.nir_io import load_nir
from hardware.nir_read import Reading, from_nir
from hardware.quantize import quantize
from hardware.reference import run
from spikefront.errors import DesignError
from tests.hardware.nir_simulation import simulate_network, simulate_nir

DT = 1e-3
HOW = Reading(time_steps=40, dt_s=DT)
ONES = np.ones(6)
SNNTORCH = Path(__file__).parent / "nir_snntorch"


def spikes(n, steps=40, seed=0):
    return (np.random.default_rng(seed).random((steps, n)) < 0.3).astype(np.uint8)


def graph_of(*nodes, shape=(10,), out=None, loops=()):
    """A chain of nodes between Input and Output, named by their place: n0, n1, ..."""
    named = {"in": nir.Input({"input": np.array(shape)})}
    named |= {f"n{place}": node for place, node in enumerate(nodes)}
    named["out"] = nir.Output({"output": None if out is None else np.array(out)})
    names = list(named)
    extra = {name: node for name, node, *_ in loops}
    edges = list(pairwise(names))
    edges += [edge for name, _, a, b in loops for edge in ((a, name), (name, b))]
    return nir.NIRGraph({**named, **extra}, edges, type_check=False)


def affine(n_out=6, n_in=10, seed=3):
    rng = np.random.default_rng(seed)
    return nir.Affine(rng.normal(0.2, 0.5, (n_out, n_in)), rng.normal(0, 0.1, n_out))


def elsewhere(neuron, synapse=None):
    synapse = affine() if synapse is None else synapse
    return graph_of(synapse, neuron, out=synapse.weight.shape[:1])


def one_of(**changes):
    values = {"tau": 8e-3 * ONES, "r": ONES, "v_leak": 0 * ONES, "v_threshold": ONES} | changes
    return nir.LIF(**values)


def lif(*shape, r=8.0):
    ones = np.ones(shape)
    return nir.LIF(8e-3 * ones, r * ones, 0 * ones, ones)


def conv(channels, depth, kernel=3, stride=1, padding=1, bias=True, seed=4):
    rng = np.random.default_rng(seed)
    weight = rng.normal(0.08, 0.3, (channels, depth, kernel, kernel))
    shift = rng.normal(0, 0.1, channels) if bias else np.zeros(channels)
    return nir.Conv2d(None, weight, stride, padding, 1, 1, shift)


def pool(kind, size=2, stride=None, padding=0):
    return kind(*(np.array([n, n]) for n in (size, stride or size, padding)))


def nested(*nodes, loop=None, shape=(6,)):
    inner = graph_of(*nodes, shape=shape, out=shape, loops=[loop] if loop else [])
    return nir.NIRGraph(inner.nodes, inner.edges, type_check=False)


BACK = nir.Linear(np.random.default_rng(7).normal(0, 0.3, (6, 6)))
BACK_BIAS = nir.Affine(BACK.weight, np.linspace(-0.2, 0.3, 6))
FLAT = nir.Flatten({"input": None}, 0, -1)
FOREIGN = {
    "LIF": elsewhere(nir.LIF(8e-3 * ONES, 7.0 * ONES, 0.05 * ONES, 1.2 * ONES)),
    "thresholds that differ": elsewhere(
        nir.LIF(
            8e-3 * ONES, np.linspace(6, 9, 6), 0 * ONES, np.linspace(0.5, 2, 6), np.linspace(0.5, 2, 6) * -0.2
        )
    ),
    "scalars": elsewhere(nir.LIF(*(np.array(v) for v in (8e-3, 7.0, 0.05, 1.2)))),
    "vectors of one": elsewhere(nir.LIF(*(np.array([v]) for v in (8e-3, 7.0, 0.05, 1.2)))),
    "IF": elsewhere(nir.IF(900.0 * ONES, 1.5 * ONES, 0.1 * ONES)),
    "marked IF": elsewhere(nir.IF(900.0 * ONES, 1.5 * ONES, metadata={"spikefront": {"reset": "subtract"}})),
    "CubaLIF": elsewhere(
        nir.CubaLIF(4e-3 * ONES, 9e-3 * ONES, 12.0 * ONES, 0 * ONES, 1.0 * ONES, w_in=3.0 * ONES)
    ),
    "LI with Threshold": graph_of(
        affine(), nir.LI(8e-3 * ONES, 7.0 * ONES, 0.1 * ONES), nir.Threshold(2 * ONES)
    ),
    "I with Threshold": graph_of(affine(), nir.I(300.0 * ONES), nir.Threshold(5 * ONES)),
    "CubaLI with Threshold": graph_of(
        affine(), nir.CubaLI(4e-3 * ONES, 9e-3 * ONES, 9.0 * ONES, 0 * ONES, 2.0 * ONES), nir.Threshold(ONES)
    ),
    "flat recurrence": graph_of(
        affine(), lif(6), affine(4, 6), lif(4), loops=[("back", BACK_BIAS, "n1", "n1")]
    ),
    "nested recurrence": graph_of(
        affine(), nested(lif(6), loop=("w_rec", BACK, "n0", "n0")), affine(4, 6), lif(4)
    ),
    "nested layer": graph_of(
        nested(affine(), lif(6), loop=("w_rec", BACK, "n1", "n1"), shape=(10,)), affine(4, 6), lif(4)
    ),
    "recurrence around a nested neuron": graph_of(
        affine(), nested(lif(6)), loops=[("back", BACK, "n1", "n1")]
    ),
    "recurrence without reset": graph_of(
        affine(),
        nir.LI(3e-3 * ONES, 4.0 * ONES, 0 * ONES),
        nir.Threshold(2 * ONES),
        loops=[("back", BACK, "n2", "n1")],
    ),
    "convolution": graph_of(conv(3, 2), lif(3, 7, 6), FLAT, affine(5, 126), lif(5), shape=(2, 7, 6)),
    "strided without padding": graph_of(
        conv(3, 2, stride=(2, 2), padding="valid"), lif(3, 3, 2), FLAT, affine(5, 18), lif(5), shape=(2, 7, 6)
    ),
    "same padding, per channel": graph_of(
        conv(3, 2, 5, padding="same"),
        nir.LIF(*(np.reshape(v, (3, 1, 1)) for v in ([8e-3] * 3, [8, 9, 7.0], [0.0] * 3, [1, 2, 1.5]))),
        FLAT,
        nir.Linear(np.random.default_rng(9).normal(0, 0.3, (5, 126))),
        lif(5),
        shape=(2, 7, 6),
    ),
    "OR": graph_of(
        conv(3, 2),
        lif(3, 7, 6),
        pool(nir.SumPool2d),
        nir.Threshold(np.full((3, 3, 3), 0.5)),
        FLAT,
        affine(5, 27),
        lif(5),
        shape=(2, 7, 6),
    ),
    "OR of means": graph_of(
        conv(3, 2),
        lif(3, 8, 6),
        pool(nir.AvgPool2d),
        nir.Threshold(np.array(0.1)),
        conv(2, 3),
        lif(2, 4, 3),
        FLAT,
        affine(5, 24),
        lif(5),
        shape=(2, 8, 6),
    ),
    "sum pool before a layer": graph_of(
        conv(3, 2), lif(3, 7, 6), pool(nir.SumPool2d, 3), FLAT, affine(5, 12), lif(5), shape=(2, 7, 6)
    ),
    "mean pool before a convolution": graph_of(
        conv(3, 2),
        lif(3, 8, 6),
        pool(nir.AvgPool2d),
        conv(2, 3),
        lif(2, 4, 3),
        FLAT,
        affine(5, 24),
        lif(5),
        shape=(2, 8, 6),
    ),
    "sum pool of the input": graph_of(
        pool(nir.SumPool2d),
        conv(3, 2, 2, stride=2, padding=0),
        lif(3, 2, 1),
        FLAT,
        affine(5, 6),
        lif(5),
        shape=(2, 9, 7),
    ),
}


@pytest.mark.parametrize("decay", ["euler", "exp"])
@pytest.mark.parametrize("kind", FOREIGN)
def test_an_imported_network_spikes_as_nir_s_equations_say(kind, decay):
    graph = FOREIGN[kind]
    inputs = spikes(int(np.prod(graph.nodes["in"].input_type["input"])))
    network = from_nir(graph, Reading(40, DT, decay))
    expected = simulate_nir(graph, inputs, DT, decay)
    assert np.array_equal(simulate_network(network, inputs), expected)
    assert 0.02 < expected.mean() < 0.98


@pytest.mark.parametrize("kind", ["LIF", "CubaLIF", "thresholds that differ", "nested recurrence"])
def test_its_integer_network_follows_it(kind):
    graph = FOREIGN[kind]
    network = from_nir(graph, HOW)
    lanes = (2,) * len(network.layers)
    config = AcceleratorConfig(lanes, weight_bits=14, membrane_bits=24, leak_bits=14)
    found = run(quantize(network, config), spikes(10)[None]).spikes[-1][0]
    assert np.mean(found != simulate_nir(graph, spikes(10), DT)) < 0.02


@pytest.mark.parametrize("name", ["leaky_subtract", "leaky_zero", "synaptic", "recurrent", "convolutional"])
def test_snntorch_s_own_graphs_spike_as_in_snntorch(name):
    """Written by scripts/nir_from_snntorch.py; the spikes are snnTorch's."""
    with np.load(SNNTORCH / f"{name}.npz") as file:
        inputs, expected = file["inputs"].reshape(30, -1), file["spikes"]
    other = "subtract" if name == "leaky_zero" else None
    right = None if name == "leaky_zero" else "subtract"
    network = load_nir(SNNTORCH / f"{name}.nir", Reading(reset=right))
    assert np.array_equal(simulate_network(network, inputs), expected)
    assert network.layers[0].threshold == 1
    # The graph does not say how snnTorch resets, and the other way is another network.
    wrong = load_nir(SNNTORCH / f"{name}.nir", Reading(reset=other))
    assert not np.array_equal(simulate_network(wrong, inputs), expected)


def test_single_precision_gains_do_not_touch_weights():
    """snnTorch writes r = tau / dt in single precision, a gain of almost 1; its weights come in unscaled."""
    graph = load_nir(SNNTORCH / "synaptic.nir")
    assert all(np.array_equal(layer.weight, layer.weight.astype(np.float32)) for layer in graph.layers)


def test_an_or_becomes_the_convolution_s_own_pool():
    assert from_nir(FOREIGN["OR"], HOW).layers[0].convolution == Convolution((2, 7, 6), 3, 1, 1, pool=2)


def test_a_linear_pool_becomes_part_of_the_kernel():
    layer = from_nir(FOREIGN["mean pool before a convolution"], HOW).layers[1]
    assert layer.convolution == Convolution((3, 8, 6), 6, stride=2, padding=2)
    assert layer.weight.shape == (2, 3, 6, 6)


def test_the_step_is_given_or_the_graph_s_or_snntorch_s():
    node = nir.LIF(8e-3 * ONES, ONES, 0 * ONES, ONES)
    graph = elsewhere(node)
    assert from_nir(graph).layers[0].beta == pytest.approx(1 - 1e-4 / 8e-3)
    graph.metadata = {"dt": 2e-3}
    assert from_nir(graph).layers[0].beta == pytest.approx(0.75)
    assert from_nir(graph, Reading(dt_s=4e-3)).layers[0].beta == pytest.approx(0.5)
    assert from_nir(graph, Reading(dt_s=4e-3, decay="exp")).layers[0].beta == pytest.approx(np.exp(-0.5))


SMALL = {"shape": (2, 7, 6)}
TAIL = (FLAT, affine(5, 126), lif(5))
REFUSED = {
    "NaN weight": (
        elsewhere(one_of(), nir.Linear(np.full((6, 10), np.nan))),
        "'n0': 60 weights are not finite",
    ),
    "complex weight": (
        elsewhere(one_of(), nir.Linear(np.ones((6, 10), complex))),
        "weights of type complex128",
    ),
    "NaN time constant": (elsewhere(one_of(tau=np.nan * ONES)), "'n1' has 6 values of tau"),
    "infinite gain": (elsewhere(one_of(r=1e308 * ONES), nir.Linear(np.full((6, 10), 1e9))), "not finite"),
    "zero width": (elsewhere(nir.LIF(*[np.zeros(0)] * 4), nir.Linear(np.zeros((0, 10)))), r"shape \(0, 10\)"),
    "time constants": (elsewhere(one_of(tau=np.linspace(5e-3, 9e-3, 6))), "'n1' has tau .*one time constant"),
    "short tau": (elsewhere(one_of(tau=5e-4 * ONES)), "smaller dt"),
    "threshold": (elsewhere(one_of(v_threshold=-ONES)), "down to -1"),
    "silent neuron": (elsewhere(nir.LI(8e-3 * ONES, ONES, 0 * ONES)), "'n1' .* is LI, which does not spike"),
    "bias": (
        elsewhere(one_of(), nir.Affine(np.ones((6, 10)), np.ones(5))),
        "'n0' has 5 values of bias for 6",
    ),
    "unknown node": (elsewhere(nir.Threshold(ONES)), "'n1' .* is Threshold, where one of LIF, IF"),
    "delay": (graph_of(nir.Delay(ONES), affine(), one_of()), "'n0' .* is Delay, where one of Linear"),
    "two weights": (graph_of(affine(), affine(6, 6), one_of()), "'n1' .* is Affine, where one of LIF"),
    "no neurons": (graph_of(affine()), "does not end in neurons behind 'n0'"),
    "nothing": (graph_of(), "does not end in neurons"),
    "too many neurons": (elsewhere(nir.IF(np.ones(5), np.ones(5))), "5 values of r for 6 neurons"),
    "inputs": (elsewhere(one_of(), affine(6, 9)), "'n0' has weights for 9 inputs, but 10 arrive"),
    "output": (graph_of(affine(), one_of(), out=(7,)), r"'out' has shape \[7\] behind \[6\] neurons"),
    "frame into vector": (
        graph_of(conv(3, 2), lif(3, 7, 6), affine(5, 126), lif(5), **SMALL),
        "put a Flatten",
    ),
    "vector into frame": (
        graph_of(conv(3, 2), lif(3, 7, 6), *TAIL, shape=(84,)),
        r"'n0' needs frames .* not \[84\]",
    ),
    "flattened frame": (graph_of(FLAT, conv(3, 2), lif(3, 7, 6), *TAIL, **SMALL), "made flat"),
    "channels": (graph_of(conv(3, 4), lif(3, 7, 6), *TAIL, **SMALL), r"give \(channels, 2, K, K\)"),
    "groups": (
        graph_of(nir.Conv2d(None, np.ones((2, 2, 3, 3)), 1, 1, 1, 2, np.zeros(2)), lif(2, 7, 6), **SMALL),
        "dilation or groups",
    ),
    "oblong stride": (graph_of(conv(3, 2, stride=(1, 2)), lif(3, 7, 6), *TAIL, **SMALL), r"stride \[1, 2\]"),
    "even same": (graph_of(conv(3, 2, 4, padding="same"), lif(3, 7, 6), *TAIL, **SMALL), "padding 'same'"),
    "large kernel": (graph_of(conv(3, 2, 9, padding=0), lif(3, 7, 6), *TAIL, **SMALL), "leaves nothing"),
    "within a channel": (
        graph_of(
            conv(3, 2), nir.IF(np.ones((3, 7, 6)), np.arange(1.0, 127).reshape(3, 7, 6)), *TAIL, **SMALL
        ),
        "'n1' has v_threshold that differs within an output channel",
    ),
    "overlapping pool": (graph_of(pool(nir.SumPool2d, 3, 2), *TAIL, **SMALL), "windows that overlap"),
    "two pools": (
        graph_of(pool(nir.SumPool2d), pool(nir.SumPool2d), *TAIL, **SMALL),
        "'n1' pools behind another",
    ),
    "pool at the end": (
        graph_of(conv(3, 2), lif(3, 7, 6), pool(nir.SumPool2d), **SMALL),
        "does not end in neurons",
    ),
    "pool that cuts": (
        graph_of(pool(nir.SumPool2d), conv(3, 2), lif(3, 3, 3), FLAT, affine(5, 27), lif(5), **SMALL),
        "cannot be joined",
    ),
    "majority": (
        graph_of(conv(3, 2), lif(3, 7, 6), pool(nir.SumPool2d), nir.Threshold(np.array(1.5)), *TAIL, **SMALL),
        "only a 2x2 pool behind the neurons of a Conv2d",
    ),
    "OR of the input": (
        graph_of(pool(nir.SumPool2d), nir.Threshold(np.array(0.5)), *TAIL, **SMALL),
        "only a 2x2 pool behind the neurons of a Conv2d",
    ),
    "mark": (elsewhere(nir.IF(ONES, ONES, metadata={"spikefront": {"reset": "vanish"}})), "mark 'vanish'"),
    "recurrent shape": (
        graph_of(affine(), lif(6), loops=[("back", nir.Linear(np.ones((5, 6))), "n1", "n1")]),
        r"'back' has weights of shape \(5, 6\) for 6",
    ),
    "two recurrences": (
        graph_of(affine(), lif(6), loops=[("a", BACK, "n1", "n1"), ("b", BACK, "n1", "n1")]),
        "two recurrences, 'a' and 'b'",
    ),
    "loop around two layers": (
        graph_of(affine(), lif(6), affine(6, 6), lif(6), loops=[("back", BACK, "n3", "n1")]),
        "branches or loops",
    ),
    "recurrent convolution": (
        graph_of(
            conv(3, 2),
            lif(3, 7, 6),
            *TAIL,
            loops=[("back", nir.Linear(np.ones((126, 126))), "n1", "n1")],
            **SMALL,
        ),
        "'back' feeds a convolution's neurons back",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_built_is_one_sentence(what):
    graph, words = REFUSED[what]
    with pytest.raises(DesignError, match=words) as caught:
        from_nir(graph, HOW)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [-0.5, 0.5])
def test_a_reset_to_a_value_is_none_by_subtraction(value):
    graph = elsewhere(one_of(v_reset=value * ONES))
    with pytest.raises(DesignError, match="no reset by subtraction"):
        from_nir(graph, Reading(dt_s=DT, reset="subtract"))


@pytest.mark.parametrize(
    ("edges", "words"),
    [
        ([("in", "n0"), ("n0", "n1"), ("n1", "out"), ("n1", "n0")], "branches or loops"),
        ([("in", "n0"), ("n0", "n1"), ("n0", "out")], "branches or loops"),
        ([("in", "n0"), ("n0", "n1")], "one chain"),
        ([("in", "n0"), ("n0", "in"), ("n1", "out")], "1 of the 4 nodes"),
        ([("in", "n1"), ("n1", "n0"), ("n0", "out")], "is LIF, where one of Linear, Affine"),
        ([("in", "n0"), ("n0", "n7"), ("n1", "out")], "no node 'n7'"),
    ],
)
def test_graphs_that_are_no_chain_of_layers_are_refused(edges, words):
    nodes = elsewhere(one_of()).nodes
    with pytest.raises(DesignError, match=words):
        from_nir(nir.NIRGraph(nodes, edges, type_check=False), HOW)


def test_an_edge_that_is_named_twice_is_one_edge():
    graph = elsewhere(one_of(r=8 * ONES))
    again = nir.NIRGraph(graph.nodes, graph.edges * 2, type_check=False)
    assert np.array_equal(from_nir(again, HOW).layers[0].weight, from_nir(graph, HOW).layers[0].weight)


@pytest.mark.parametrize("doors", [0, 2])
def test_nested_graphs_have_one_input_and_one_output(doors):
    inner = nested(lif(6))
    inner.nodes = {"n0": inner.nodes["n0"], **{f"in{k}": inner.nodes["in"] for k in range(doors)}}
    with pytest.raises(DesignError, match=f"'n1' has {doors} nodes Input"):
        from_nir(graph_of(affine(), inner), HOW)


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        ({"spikefront": "x"}, "damaged"),
        ({"spikefront": {"time_steps": np.ones(2)}}, "damaged"),
        ({"spikefront": {"time_steps": "many"}}, "time_steps = 'many'"),
        ({"spikefront": {"encoding": "smell"}}, "encoding = 'smell' is unknown"),
        ({"spikefront": {"population": 4}}, "population = 4"),
        ({"dt": "fast"}, "dt = 'fast'"),
        ({"dt": 0.0}, "no time"),
    ],
)
def test_damaged_metadata_are_refused(metadata, words):
    graph = elsewhere(one_of())
    graph.metadata = metadata
    with pytest.raises(DesignError, match=words):
        from_nir(graph)
