"""What is written as NIR: the same network on both sides, by their equations and read back bit for bit."""

from dataclasses import replace

import nir
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardware.network import AcceleratorConfig, Convolution, TrainedLayer, TrainedNetwork
from hardware.nir_io import load_nir, read_graph, save_nir, to_nir
from hardware.nir_read import Reading, accelerator_of, from_nir
from hardware.nir_write import Writing
from spikefront.errors import DesignError, InputError
from tests.hardware.nir_simulation import simulate_network, simulate_nir

DT = 1e-3
RNG = np.random.default_rng(5)
BACK = RNG.normal(0, 0.3, (9, 9))
NEURONS = {
    "zero": {"beta": 0.9, "reset": "zero"},
    "subtract": {"beta": 0.9, "reset": "subtract"},
    "none": {"beta": 0.6, "reset": "none"},
    "fixed": {"beta": 0.8, "reset": "fixed", "reset_value": -0.3},
    "IF": {"beta": 1.0, "reset": "zero"},
    "IF subtract": {"beta": 1.0, "reset": "subtract"},
    "IF none": {"beta": 1.0, "reset": "none"},
    "memoryless": {"beta": 0.0, "reset": "subtract"},
    "bias": {"beta": 0.9, "reset": "subtract", "bias": np.linspace(-0.1, 0.2, 9)},
    "order II": {"beta": 0.85, "reset": "zero", "alpha": 0.7},
    "order II subtract": {"beta": 0.85, "reset": "subtract", "alpha": 0.7, "bias": np.full(9, 0.03)},
    "order II none": {"beta": 0.5, "reset": "none", "alpha": 0.4},
    "order II with IF membrane": {"beta": 1.0, "reset": "zero", "alpha": 0.5},
    "recurrent": {"beta": 0.9, "reset": "subtract", "recurrent": BACK},
    "recurrent none": {"beta": 0.6, "reset": "none", "recurrent": BACK},
    "recurrent order II": {"beta": 0.8, "reset": "zero", "alpha": 0.6, "recurrent": BACK},
}


def spikes(n, steps=40, seed=0):
    return (np.random.default_rng(seed).random((steps, n)) < 0.3).astype(np.uint8)


def trained(settings, seed=1):
    rng = np.random.default_rng(seed)
    first = TrainedLayer(rng.normal(0.1, 0.4, (9, 12)), threshold=1.1, **settings)
    last = TrainedLayer(rng.normal(0.2, 0.5, (4, 9)), 0.75, 0.9, "zero")
    return TrainedNetwork((first, last), 40, "rate")


def convolutional(reset="subtract"):
    """Frames with odd sizes, strides, padding, pooling, biases, and a flat layer behind them."""
    rng = np.random.default_rng(2)
    first = Convolution((2, 9, 8), 3, 1, 1, pool=2)
    second = Convolution((4, 4, 4), 2, 2, 0)
    layers = (
        TrainedLayer(
            rng.normal(0.05, 0.3, (4, 2, 3, 3)),
            0.9,
            1.0,
            reset,
            bias=rng.normal(0, 0.1, 4),
            convolution=first,
        ),
        TrainedLayer(rng.normal(0.1, 0.3, (3, 4, 2, 2)), 0.7, 0.8, reset, convolution=second),
        TrainedLayer(rng.normal(0.2, 0.4, (5, 12)), 0.8, 1.0, reset),
    )
    return TrainedNetwork(layers, 40, "rate")


def assert_equal(one, other):
    for before, after in zip(one.layers, other.layers, strict=True):
        for name, value in vars(before).items():
            again = getattr(after, name)
            assert np.array_equal(value, again) if isinstance(value, np.ndarray) else value == again, name
    assert replace(one, layers=()).__dict__ == replace(other, layers=()).__dict__


@pytest.mark.parametrize("kind", NEURONS)
def test_an_exported_network_spikes_alike_by_nir_s_equations(kind):
    network = trained(NEURONS[kind])
    found = simulate_nir(to_nir(network, Writing(DT)), spikes(12), DT)
    assert np.array_equal(found, simulate_network(network, spikes(12)))
    assert 0.02 < found.mean() < 0.98


@pytest.mark.parametrize("reset", ["subtract", "zero", "none"])
def test_an_exported_convolutional_network_spikes_alike_by_nir_s_equations(reset):
    network = convolutional(reset)
    found = simulate_nir(to_nir(network, Writing(DT)), spikes(144), DT)
    assert np.array_equal(found, simulate_network(network, spikes(144)))
    assert 0.02 < found.mean() < 0.98


@pytest.mark.parametrize("kind", NEURONS)
def test_a_written_network_reads_back_bit_for_bit(tmp_path, kind):
    network = replace(trained(NEURONS[kind]), time_steps=17, readout="first_spike", population=2)
    save_nir(tmp_path / "net.nir", network, Writing(DT))
    assert_equal(network, load_nir(tmp_path / "net.nir"))
    assert [path.name for path in tmp_path.iterdir()] == ["net.nir"]


@pytest.mark.parametrize("reset", ["subtract", "none"])
def test_a_written_convolutional_network_reads_back_bit_for_bit(tmp_path, reset):
    save_nir(tmp_path / "net.nir", convolutional(reset))
    assert_equal(convolutional(reset), load_nir(tmp_path / "net.nir"))


def test_a_network_that_ends_in_a_convolution_reads_back_and_spikes_alike():
    rng = np.random.default_rng(8)
    shape = Convolution((2, 8, 8), 3, 1, 1, pool=2)
    last = TrainedLayer(rng.normal(0.1, 0.3, (3, 2, 3, 3)), 0.9, 1.0, "subtract", convolution=shape)
    network = TrainedNetwork((last,), 20, "rate", population=16)
    graph = to_nir(network, Writing(DT))
    assert_equal(network, from_nir(graph))
    expected = simulate_network(network, spikes(128))
    assert np.array_equal(simulate_nir(graph, spikes(128), DT), expected)
    assert 0.02 < expected.mean() < 0.98


@settings(max_examples=60, deadline=None)
@given(st.floats(0, 1), st.floats(1e-6, 1e-1), st.sampled_from(["zero", "subtract", "none"]))
def test_decays_read_back_to_the_last_bit_of_one_and_weights_exactly(beta, dt, reset):
    network = trained({"beta": beta, "reset": reset})
    again = from_nir(to_nir(network, Writing(dt)))
    assert again.layers[0].beta == pytest.approx(beta, rel=0, abs=2.3e-16)
    assert np.array_equal(again.layers[0].weight, network.layers[0].weight)


def test_the_time_constants_are_those_of_the_step():
    node = to_nir(trained(NEURONS["order II"]), Writing(2e-3)).nodes["lif0"]
    assert node.tau_mem == pytest.approx(np.full(9, 2e-3 / 0.15))
    assert node.tau_syn == pytest.approx(np.full(9, 2e-3 / 0.3))


def test_only_standard_nodes_are_written_and_pools_are_no_sums():
    """A reader that knows no marks sees an OR as what it is: a sum with a threshold."""
    graph = to_nir(convolutional())
    kinds = [type(node).__name__ for node in graph.nodes.values()]
    assert kinds == [
        "Input",
        "Conv2d",
        "LIF",
        "SumPool2d",
        "Threshold",
        "Conv2d",
        "LIF",
        "Flatten",
        "Linear",
        "LIF",
        "Output",
    ]
    assert graph.check_types()


def test_a_design_s_accelerator_travels_along(tmp_path):
    config = AcceleratorConfig((3, 2), weight_bits=5, leak="shift", clock_mhz=66.6, schedule="sequential")
    save_nir(tmp_path / "net.nir", trained(NEURONS["zero"]), Writing(DT, config))
    graph = read_graph(tmp_path / "net.nir")
    assert accelerator_of(graph) == config
    assert accelerator_of(to_nir(trained(NEURONS["zero"]))) is None
    graph.metadata["spikefront"]["accelerator"] = '{"lanes": [0]}'
    with pytest.raises(DesignError, match="names no accelerator"):
        accelerator_of(graph)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"reset": "zero", "blank_after_spike": True}, "refractory"),
        ({"reset": "subtract", "refractory_steps": 2}, "2 refractory steps"),
        ({"reset": "fixed", "beta": 0.0, "reset_value": -1.0}, "resets to -1 with beta 0"),
        ({"reset": "zero", "threshold": float("nan")}, "threshold is nan"),
    ],
)
def test_layers_without_an_equivalent_are_not_exported(tmp_path, changes, words):
    network = trained(NEURONS["zero"])
    wrong = replace(network, layers=(replace(network.layers[0], **changes), network.layers[1]))
    with pytest.raises(DesignError, match=words):
        save_nir(tmp_path / "net.nir", wrong)
    assert not list(tmp_path.iterdir())


def test_a_convolution_of_what_is_flat_has_no_node():
    rng = np.random.default_rng(0)
    layers = (
        TrainedLayer(rng.normal(size=(16, 3)), 0.9, 1.0, "zero"),
        TrainedLayer(rng.normal(size=(2, 1, 3, 3)), 0.9, 1.0, "zero", convolution=Convolution((1, 4, 4), 3)),
        TrainedLayer(rng.normal(size=(2, 8)), 0.9, 1.0, "zero"),
    )
    with pytest.raises(DesignError, match=r"Layer 1 reads \[16\] values as frames"):
        to_nir(TrainedNetwork(layers, 3, "rate"))


@pytest.mark.parametrize("dt", [0.0, -1.0, float("nan"), float("inf")])
def test_a_step_that_is_no_time_is_refused(dt):
    with pytest.raises(DesignError, match="no time"):
        to_nir(trained(NEURONS["zero"]), Writing(dt))
    with pytest.raises(DesignError, match="no time"):
        from_nir(to_nir(trained(NEURONS["zero"])), Reading(dt_s=dt))


def test_a_file_is_never_replaced_and_never_half_written(tmp_path):
    path = tmp_path / "net.nir"
    path.write_text("precious")
    with pytest.raises(InputError, match="already"):
        save_nir(path, trained(NEURONS["zero"]))
    assert path.read_text() == "precious"
    with pytest.raises(InputError, match="cannot be written"):
        save_nir(tmp_path / "absent" / "net.nir", trained(NEURONS["zero"]))
    assert list(tmp_path.iterdir()) == [path]


def test_files_that_are_no_graphs_are_refused(tmp_path):
    (tmp_path / "text.nir").write_text("hello")
    with pytest.raises(InputError, match="no NIR graph"):
        load_nir(tmp_path / "text.nir")
    with pytest.raises(InputError, match="no NIR file"):
        load_nir(tmp_path / "absent.nir")
    nir.write(tmp_path / "node.nir", nir.Linear(np.ones((2, 2))))
    with pytest.raises(InputError, match="no NIR graph"):
        load_nir(tmp_path / "node.nir")


def test_a_cut_file_is_one_sentence(tmp_path):
    save_nir(tmp_path / "whole.nir", trained(NEURONS["recurrent"]))
    content = (tmp_path / "whole.nir").read_bytes()
    for part in range(0, 10):
        (tmp_path / "cut.nir").write_bytes(content[: len(content) * part // 10])
        with pytest.raises(InputError, match="no NIR graph") as caught:
            load_nir(tmp_path / "cut.nir")
        assert "\n" not in str(caught.value)
