"""NIR graphs and trained networks, simulated on both sides by their own equations."""

import nir
import numpy as np
import pytest

from hardware.network import AcceleratorConfig, TrainedLayer, TrainedNetwork
from hardware.nir_io import from_nir, load_nir, save_nir, to_nir
from hardware.quantize import quantize
from hardware.reference import run
from spikefront.errors import DesignError, InputError

DT = 1e-3


def simulate_nir(graph, inputs, dt):
    """Spikes (T, n) of the last neurons: forward Euler on NIR's differential equations, node by node."""
    names = [name for name, node in graph.nodes.items() if isinstance(node, nir.Input)]
    after = dict(graph.edges)
    while names[-1] in after:
        names.append(after[names[-1]])
    v = {
        n: np.zeros(graph.nodes[n].v_threshold.shape) for n in names if hasattr(graph.nodes[n], "v_threshold")
    }
    current = {n: np.zeros_like(v[n]) for n in v}
    out = []
    for given in inputs.astype(float):
        signal = given
        for name in names:
            node, kind = graph.nodes[name], type(graph.nodes[name]).__name__
            if kind == "Affine":
                signal = node.weight @ signal + node.bias
            elif kind == "Linear":
                signal = node.weight @ signal
            elif kind in {"LIF", "IF", "CubaLIF"}:
                if kind == "CubaLIF":
                    current[name] += dt / node.tau_syn * (node.w_in * signal - current[name])
                    signal = current[name]
                rate = (
                    node.r * signal
                    if kind == "IF"
                    else (
                        (node.v_leak - v[name] + node.r * signal)
                        / getattr(node, "tau", getattr(node, "tau_mem", 1))
                    )
                )
                v[name] = v[name] + dt * rate
                signal = (v[name] > node.v_threshold).astype(float)
                v[name] = np.where(signal > 0, node.v_reset, v[name])
        out.append(signal)
    return np.array(out)


def simulate_float(network, inputs):
    """Spikes (T, n) of the last layer, by the equations of ``TrainedLayer``."""
    entering = inputs.astype(float)
    for layer in network.layers:
        n = layer.weight.shape[0]
        m, current, fired = np.zeros(n), np.zeros(n), np.zeros(n)
        bias = 0.0 if layer.bias is None else layer.bias
        out = []
        for s in entering:
            drive = layer.weight @ s + bias
            current = drive if layer.alpha is None else layer.alpha * current + drive
            m = (1 - fired) * layer.beta * m + fired * layer.reset_value * (layer.reset == "fixed") + current
            fired = (m > layer.threshold).astype(float)
            out.append(fired)
        entering = np.array(out)
    return entering


def spikes(n, steps=40, seed=0):
    return (np.random.default_rng(seed).random((steps, n)) < 0.3).astype(np.uint8)


NEURONS = {
    "LIF": {"beta": 0.9, "reset": "zero"},
    "LIF reset to a value": {"beta": 0.8, "reset": "fixed", "reset_value": -0.3},
    "IF": {"beta": 1.0, "reset": "zero"},
    "CubaLIF": {"beta": 0.85, "reset": "zero", "alpha": 0.7},
    "CubaLIF with IF membrane": {"beta": 1.0, "reset": "zero", "alpha": 0.5},
    "bias": {"beta": 0.9, "reset": "zero", "bias": np.linspace(-0.1, 0.2, 9)},
}


def trained(settings, seed=1):
    rng = np.random.default_rng(seed)
    first = TrainedLayer(rng.normal(0.1, 0.4, (9, 12)), threshold=1.1, **settings)
    last = TrainedLayer(rng.normal(0.2, 0.5, (4, 9)), 0.75, 0.9, "zero")
    return TrainedNetwork((first, last), 40, "rate")


@pytest.mark.parametrize("kind", NEURONS)
def test_an_exported_network_spikes_alike_by_nir_s_equations(kind):
    network = trained(NEURONS[kind])
    found = simulate_nir(to_nir(network, DT), spikes(12), DT)
    assert np.array_equal(found, simulate_float(network, spikes(12)))
    assert 0.02 < found.mean() < 0.9


@pytest.mark.parametrize("kind", NEURONS)
def test_a_written_network_reads_back_the_same(tmp_path, kind):
    network = trained(NEURONS[kind])
    save_nir(tmp_path / "net.nir", network, DT)
    again = load_nir(tmp_path / "net.nir", 40)
    for before, after in zip(network.layers, again.layers, strict=True):
        assert np.allclose(before.weight, after.weight, rtol=1e-12)
        assert (after.beta, after.alpha) == (
            pytest.approx(before.beta),
            before.alpha and pytest.approx(before.alpha),
        )
        assert (after.threshold, after.reset) == (before.threshold, before.reset)
        assert after.reset_value == pytest.approx(before.reset_value)
    assert np.array_equal(simulate_float(again, spikes(12)), simulate_float(network, spikes(12)))


def elsewhere(neuron, weight=None, affine=True):
    """A graph as another tool writes one: per-neuron values, its own time constants."""
    rng = np.random.default_rng(3)
    weight = rng.normal(0.2, 0.5, (6, 10)) if weight is None else weight
    synapse = nir.Affine(weight, rng.normal(0, 0.1, weight.shape[0])) if affine else nir.Linear(weight)
    n = weight.shape[0]
    nodes = {
        "in": nir.Input({"input": np.array([10])}),
        "fc": synapse,
        "lif": neuron,
        "out": nir.Output({"output": np.array([n])}),
    }
    return nir.NIRGraph(nodes, [("in", "fc"), ("fc", "lif"), ("lif", "out")], type_check=False)


ONES = np.ones(6)
FOREIGN = {
    "LIF": nir.LIF(8e-3 * ONES, 7.0 * ONES, 0.05 * ONES, 1.2 * ONES),
    "thresholds that differ": nir.LIF(
        8e-3 * ONES, np.linspace(6, 9, 6), 0 * ONES, np.linspace(0.5, 2, 6), np.linspace(0.5, 2, 6) * -0.2
    ),
    "IF": nir.IF(900.0 * ONES, 1.5 * ONES, 0.1 * ONES),
    "CubaLIF": nir.CubaLIF(4e-3 * ONES, 9e-3 * ONES, 12.0 * ONES, 0 * ONES, 1.0 * ONES, w_in=3.0 * ONES),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_an_imported_network_spikes_as_nir_s_equations_say(kind):
    graph = elsewhere(FOREIGN[kind])
    found = simulate_float(from_nir(graph, 40, DT), spikes(10))
    assert np.array_equal(found, simulate_nir(graph, spikes(10), DT))
    assert 0.02 < found.mean() < 0.9


@pytest.mark.parametrize("kind", FOREIGN)
def test_its_integer_network_follows_it(kind):
    graph = elsewhere(FOREIGN[kind])
    config = AcceleratorConfig((2,), weight_bits=14, membrane_bits=24, leak_bits=14)
    found = run(quantize(from_nir(graph, 40, DT), config), spikes(10)[None]).spikes[-1][0]
    expected = simulate_nir(graph, spikes(10), DT)
    assert np.mean(found != expected) < 0.02


def one_of(**changes):
    values = {"tau": 8e-3 * ONES, "r": ONES, "v_leak": 0 * ONES, "v_threshold": ONES} | changes
    return nir.LIF(**values)


REFUSED = {
    "NaN weight": (elsewhere(one_of(), np.full((6, 10), np.nan)), "60 weights are not finite"),
    "NaN time constant": (elsewhere(one_of(tau=np.nan * ONES)), "'lif' has 6 values of tau"),
    "zero width": (
        elsewhere(nir.LIF(*[np.zeros(0)] * 4), np.zeros((0, 10)), affine=False),
        r"shape \(0, 10\)",
    ),
    "time constants": (elsewhere(one_of(tau=np.linspace(5e-3, 9e-3, 6))), "one time constant"),
    "short tau": (elsewhere(one_of(tau=5e-4 * ONES)), "smaller dt"),
    "threshold": (elsewhere(one_of(v_threshold=-ONES)), "down to -1"),
    "unknown neuron": (elsewhere(nir.LI(8e-3 * ONES, ONES, 0 * ONES)), "'lif' of the NIR graph is LI,"),
    "bias": (
        nir.NIRGraph(
            elsewhere(one_of()).nodes | {"fc": nir.Affine(np.ones((6, 10)), np.ones(5))},
            elsewhere(one_of()).edges,
            type_check=False,
        ),
        "'fc' has 5 values of bias for 6 neurons",
    ),
    "unknown node": (elsewhere(nir.Threshold(ONES)), "is Threshold"),
    "too many neurons": (elsewhere(nir.IF(np.ones(5), np.ones(5))), "5 values of r for 6 neurons"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_built_is_one_sentence(tmp_path, what):
    graph, words = REFUSED[what]
    nir.write(tmp_path / "net.nir", graph)
    with pytest.raises(DesignError, match=words) as caught:
        load_nir(tmp_path / "net.nir", 10, DT)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("edges", "words"),
    [
        ([("in", "fc"), ("fc", "lif"), ("lif", "out"), ("lif", "fc")], "branches or loops"),
        ([("in", "fc"), ("fc", "lif")], "one chain"),
        ([("in", "fc"), ("fc", "in"), ("lif", "out")], "1 of the 4 nodes"),
        ([("in", "lif"), ("lif", "fc"), ("fc", "out")], "is LIF, where one of Linear, Affine"),
    ],
)
def test_graphs_that_are_no_chain_of_layers_are_refused(edges, words):
    nodes = elsewhere(one_of()).nodes
    with pytest.raises(DesignError, match=words):
        from_nir(nir.NIRGraph(nodes, edges, type_check=False), 10)


def test_files_that_are_no_graphs_are_refused(tmp_path):
    (tmp_path / "text.nir").write_text("hello")
    with pytest.raises(InputError, match="no NIR graph"):
        load_nir(tmp_path / "text.nir", 10)
    with pytest.raises(InputError, match="no NIR file"):
        load_nir(tmp_path / "absent.nir", 10)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"reset": "subtract"}, "reset 'subtract'"),
        ({"reset": "none"}, "reset 'none'"),
        ({"reset": "zero", "blank_after_spike": True}, "refractory"),
        ({"reset": "zero", "recurrent": np.eye(9)}, "recurrent"),
    ],
)
def test_layers_without_an_equivalent_are_not_exported(tmp_path, settings, words):
    with pytest.raises(DesignError, match=words):
        save_nir(tmp_path / "net.nir", trained({"beta": 0.9, **settings}))
    assert not list(tmp_path.iterdir())
