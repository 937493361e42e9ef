import math

import pytest
import torch

from models.parameters import LEAST_THRESHOLD, initial_network
from models.specification import NetworkSpec, NeuronSpec


def spec_of(neuron=None, **changes):
    values = {"layout": "100-10", "input_shape": (400,), "time_steps": 6, **changes}
    return NetworkSpec(**values, neuron=NeuronSpec(**(neuron or {})))


def weights(spec, seed=0):
    return [layer.weight.detach() for layer in initial_network(spec, seed).layers]


class TestInitialWeights:
    def test_uniform_ones_lie_within_their_bound_and_fill_it(self):
        first, second = weights(spec_of(init_scale=2.0))
        assert [tuple(each.shape) for each in (first, second)] == [(100, 400), (10, 100)]
        assert float(first.abs().max()) == pytest.approx(2 / math.sqrt(400), rel=1e-3)
        assert float(first.std()) == pytest.approx(2 / math.sqrt(400) / math.sqrt(3), rel=0.02)

    def test_depend_on_the_seed_alone(self):
        torch.manual_seed(99)
        first = weights(spec_of(), 7)
        torch.manual_seed(11)
        assert all(torch.equal(a, b) for a, b in zip(first, weights(spec_of(), 7), strict=True))
        assert not torch.equal(first[0], weights(spec_of(), 8)[0])

    @pytest.mark.parametrize(
        ("initial", "reference"),
        [
            ("uniform", lambda w: torch.nn.init.kaiming_uniform_(w, a=math.sqrt(5))),
            ("kaiming", lambda w: torch.nn.init.kaiming_normal_(w, nonlinearity="relu")),
            ("xavier", torch.nn.init.xavier_uniform_),
            ("orthogonal", torch.nn.init.orthogonal_),
        ],
    )
    @pytest.mark.parametrize("layout", ["100-10", "64c5-10"])
    def test_are_spread_as_torchs(self, initial, reference, layout):
        spec = spec_of(layout=layout, input_shape=(4, 10, 10), initial=initial)
        ours = weights(spec)[0]
        torch.manual_seed(0)
        theirs = reference(torch.empty(ours.shape))
        assert float(ours.std()) == pytest.approx(float(theirs.std()), rel=0.03)
        # kurtosis tells a normal from a uniform draw
        shape = [float((w / w.std()).pow(4).mean()) for w in (ours, theirs)]
        assert shape[0] == pytest.approx(shape[1], rel=0.1)

    @pytest.mark.parametrize("layout", ["100-10", "600-10", "8c3-10"])
    def test_orthogonal_rows(self, layout):
        spec = spec_of(layout=layout, input_shape=(4, 10, 10), initial="orthogonal")
        matrix = weights(spec)[0].flatten(1)
        gram = matrix @ matrix.T if len(matrix) < matrix.shape[1] else matrix.T @ matrix
        torch.testing.assert_close(gram, torch.eye(len(gram)), atol=1e-5, rtol=1e-5)

    def test_the_recurrent_ones_have_their_own_draw(self):
        layer = initial_network(spec_of(layout="100r-10"), 0).layers[0]
        assert layer.recurrent.shape == (100, 100)
        assert float(layer.recurrent.detach().abs().max()) == pytest.approx(0.1, rel=1e-2)


def test_what_is_learned():
    spec = spec_of(
        {"learn_beta": "layer", "learn_threshold": "neuron"},
        layout="8c3-50r-10",
        input_shape=(4, 10, 10),
        bias=True,
        batch_norm=True,
    )
    learned = initial_network(spec, 0).learned(0.5)
    shapes = [(tuple(each.tensor.shape), each.weight_decay) for each in learned]
    conv = [((8, 4, 3, 3), 0.5), ((), 0.0), ((8,), 0.0), ((8,), 0.0), ((8,), 0.0)]
    dense = [((50, 800), 0.5), ((50, 50), 0.5), ((), 0.0), ((50,), 0.0), ((50,), 0.0), ((50,), 0.0)]
    last = [((10, 50), 0.5), ((10,), 0.0), ((), 0.0), ((10,), 0.0)]
    assert shapes == conv + dense + last


def test_fixed_constants_are_numbers():
    layer = initial_network(spec_of({"beta": 0.6, "threshold": (0.5, 2.0)}), 0).layers[1]
    assert (layer.beta, layer.threshold) == (0.6, 2.0)


def test_learned_constants_are_kept_in_range():
    network = initial_network(
        spec_of({"learn_beta": "neuron", "learn_threshold": "layer", "threshold": 0.5}), 0
    )
    layer = network.layers[0]
    with torch.no_grad():
        layer.beta[:2] = torch.tensor([1.5, -0.2])
        layer.threshold.fill_(-3.0)
    network.confine()
    assert layer.beta[:3].tolist() == pytest.approx([1.0, 0.0, 0.9])
    assert layer.threshold.item() == pytest.approx(LEAST_THRESHOLD * 0.5)


def test_a_value_that_is_no_number_is_seen():
    network = initial_network(spec_of(bias=True), 0)
    assert network.finite()
    with torch.no_grad():
        network.layers[1].bias[3] = float("inf")
    assert not network.finite()
