import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.network import NetworkSpec, initial_weights, run, trained_weights
from spikefront.errors import SpecError


def spec_of(**changes):
    return NetworkSpec(**{"sizes": (12, 9, 4), "time_steps": 6, "threshold": 0.3, **changes})


def run_spec(spec, weights, inputs, columns=None):
    return run(weights, [spec.dynamics] * len(weights), inputs, spec.time_steps, columns)


def inputs_of(seed, shape):
    return (torch.rand(shape, generator=torch.Generator().manual_seed(seed)) < 0.4).float()


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), neuron=st.sampled_from(["leaky", "lapicque"]))
def test_a_constant_current_equals_repeating_it(seed, neuron):
    spec = spec_of(encoding="direct", neuron=neuron)
    # values and weights on a grid add up exactly, so that the shape of the product cannot matter
    generator = torch.Generator().manual_seed(seed)
    values = torch.randint(0, 17, (5, 12), generator=generator) / 16
    weights = [
        (torch.randint(-32, 40, shape, generator=generator) / 64).requires_grad_()
        for shape in ((9, 12), (4, 9))
    ]
    once = run_spec(spec, weights, values)
    gradients = torch.autograd.grad(once.counts.square().sum(), weights)
    repeated = run_spec(spec, weights, values.expand(spec.time_steps, -1, -1).contiguous())
    expected = torch.autograd.grad(repeated.counts.square().sum(), weights)
    assert torch.equal(once.counts, repeated.counts)
    assert torch.equal(once.layer_spikes, repeated.layer_spikes)
    for ours, reference in zip(gradients, expected, strict=True):
        torch.testing.assert_close(ours, reference, rtol=1e-4, atol=1e-4)


def test_leaving_out_inputs_that_are_zero_changes_nothing():
    spec = spec_of()
    inputs = inputs_of(0, (6, 5, 12))
    inputs[..., [0, 4, 11]] = 0
    columns = torch.tensor([1, 2, 3, 5, 6, 7, 8, 9, 10])
    weights = [
        (torch.randint(-32, 40, shape, generator=torch.Generator().manual_seed(1)) / 64).requires_grad_()
        for shape in ((9, 12), (4, 9))
    ]
    whole = run_spec(spec, weights, inputs)
    expected = torch.autograd.grad(whole.counts.square().sum(), weights)
    part = run_spec(spec, weights, inputs[..., columns], columns)
    gradients = torch.autograd.grad(part.counts.square().sum(), weights)
    assert whole.layer_spikes.sum(0).min() > 0
    assert torch.equal(whole.counts, part.counts)
    for ours, reference in zip(gradients, expected, strict=True):
        torch.testing.assert_close(ours, reference, rtol=1e-4, atol=1e-4)


def test_output_counts_are_the_last_layers_spikes():
    spec = spec_of()
    activity = run_spec(spec, initial_weights(spec, 0), inputs_of(0, (6, 5, 12)))
    assert activity.counts.shape == (5, 4)
    assert activity.layer_spikes.shape == (5, 2)
    assert activity.counts.sum(1).tolist() == activity.layer_spikes[:, -1].tolist()


class TestInitialWeights:
    def test_lie_within_their_bound_and_fill_it(self):
        spec = spec_of(sizes=(400, 100, 10), init_scale=2.0)
        weights = initial_weights(spec, 0)
        assert [tuple(weight.shape) for weight in weights] == [(100, 400), (10, 100)]
        assert float(weights[0].abs().max()) == pytest.approx(2 / math.sqrt(400), rel=1e-3)
        assert float(weights[0].std()) == pytest.approx(2 / math.sqrt(400) / math.sqrt(3), rel=0.02)

    def test_depend_on_the_seed_alone(self):
        spec = spec_of()
        torch.manual_seed(99)
        first = initial_weights(spec, 7)
        torch.manual_seed(11)
        assert all(torch.equal(a, b) for a, b in zip(first, initial_weights(spec, 7), strict=True))
        assert not torch.equal(first[0], initial_weights(spec, 8)[0])


def test_trained_weights_fold_the_input_gain_in():
    spec = spec_of(neuron="lapicque", beta=0.5, reset="zero")
    weights = initial_weights(spec, 0)
    network = trained_weights(spec, weights)
    layer = network.layers[0]
    assert layer.weight.dtype == np.float64
    np.testing.assert_allclose(layer.weight, weights[0].double().numpy() * math.log(2), rtol=1e-12)
    assert layer.beta == pytest.approx(1 - math.log(2))
    assert (layer.threshold, layer.reset, layer.blank_after_spike) == (0.3, "zero", True)
    assert (network.time_steps, network.encoding) == (6, "rate")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"sizes": (12,)}, r"sizes are \(12,\)"),
        ({"sizes": (12, 0, 4)}, r"sizes are \(12, 0, 4\)"),
        ({"threshold": 0.0}, "threshold is 0.0"),
        ({"threshold": float("nan")}, "threshold is nan"),
        ({"init_scale": -1.0}, "init_scale is -1.0"),
        ({"reset": "hard"}, "reset 'hard' is unknown"),
        ({"neuron": "izhikevich"}, "neuron 'izhikevich' is unknown"),
        ({"neuron": "lapicque", "beta": 0.2}, "beta of a lapicque neuron is 0.2"),
        ({"beta": 1.2}, "beta of a leaky neuron is 1.2"),
        ({"surrogate": "relu"}, "surrogate 'relu' is unknown"),
        ({"surrogate_slope": 0.0}, "slope of fast_sigmoid is 0.0"),
        ({"encoding": "phase"}, "encoding 'phase' is unknown"),
        ({"time_steps": 0}, "time_steps is 0"),
    ],
)
def test_impossible_networks(changes, sentence):
    with pytest.raises(SpecError, match=sentence):
        spec_of(**changes)
