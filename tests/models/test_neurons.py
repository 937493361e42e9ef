"""Every neuron model against snnTorch's own class, run step by step."""

import math
from itertools import pairwise

import pytest
import snntorch
import torch
from reference_loop import step_loop
from snntorch import surrogate as theirs
from torch.nn import functional

from models.network import run
from models.neurons import NEURONS, neuron_constants
from models.scan import RESETS, Dynamics, scan
from models.surrogates import SURROGATES
from spikefront.errors import SpecError

CLASSES = {"leaky": snntorch.Leaky, "lapicque": snntorch.Lapicque}
SURROGATE_PAIRS = {
    "fast_sigmoid": (5.0, theirs.fast_sigmoid(5.0)),
    "arctangent": (2.0, theirs.atan(2.0)),
    "spike_rate_escape": (1.5, theirs.spike_rate_escape(beta=1.5, slope=25)),
}
BETA, THRESHOLD, STEPS, BATCH, SIZES = 0.85, 0.75, 12, 8, (20, 16, 5)


@pytest.fixture(autouse=True)
def forget_neurons():
    """snnTorch keeps every neuron in a list on the class."""
    yield
    snntorch.SpikingNeuron.instances.clear()


def our_dynamics(neuron, reset, surrogate):
    constants = neuron_constants(neuron, BETA)
    derivative = SURROGATES[surrogate].derivative(SURROGATE_PAIRS[surrogate][0])
    return Dynamics(
        constants.decay, constants.gain, THRESHOLD, reset, constants.blank_after_spike, derivative
    )


def their_layer(neuron, reset, surrogate, dtype):
    return CLASSES[neuron](
        beta=torch.tensor(BETA, dtype=dtype),
        threshold=THRESHOLD,
        spike_grad=SURROGATE_PAIRS[surrogate][1],
        reset_mechanism=reset,
    )


def their_run(layer, currents):
    membrane = torch.zeros_like(currents[0])
    spikes, membranes = [], []
    for current in currents:
        spike, membrane = layer(current, membrane)
        spikes.append(spike)
        membranes.append(membrane)
    return torch.stack(spikes), torch.stack(membranes)


def assert_unambiguous(membrane):
    """No membrane potential may lie so near the threshold that rounding decides about a spike."""
    assert float((membrane - THRESHOLD).abs().min()) > 1e-6


@pytest.mark.parametrize("surrogate", sorted(SURROGATE_PAIRS))
@pytest.mark.parametrize("reset", RESETS)
@pytest.mark.parametrize("neuron", sorted(NEURONS))
class TestEveryNeuron:
    def test_single_precision_layer(self, neuron, reset, surrogate):
        generator = torch.Generator().manual_seed(3)
        dynamics = our_dynamics(neuron, reset, surrogate)
        currents = torch.randn(STEPS, BATCH, 16, generator=generator) * (1.5 / dynamics.gain)
        currents.requires_grad_()
        weight = torch.randn(STEPS, BATCH, 16, generator=generator)
        spikes, membrane = scan(currents, dynamics)
        (spikes * weight).sum().backward()
        gradient, currents.grad = currents.grad, None
        expected, expected_membrane = their_run(
            their_layer(neuron, reset, surrogate, torch.float32), currents
        )
        (expected * weight).sum().backward()
        assert_unambiguous(membrane)
        assert spikes.mean() > 0.05
        assert torch.equal(spikes, expected)
        torch.testing.assert_close(membrane, expected_membrane.detach(), rtol=1e-5, atol=1e-5)
        scale = float(currents.grad.abs().max())
        torch.testing.assert_close(gradient, currents.grad, rtol=1e-5, atol=1e-5 * scale)

    def test_double_precision_layer(self, neuron, reset, surrogate):
        generator = torch.Generator().manual_seed(4)
        dynamics = our_dynamics(neuron, reset, surrogate)
        currents = torch.randn(STEPS, BATCH, 16, generator=generator, dtype=torch.float64)
        currents *= 1.5 / dynamics.gain
        weight = torch.randn(STEPS, BATCH, 16, generator=generator, dtype=torch.float64)
        currents.requires_grad_()
        spikes, membrane = scan(currents, dynamics)
        (spikes * weight).sum().backward()
        gradient, currents.grad = currents.grad, None
        expected, expected_membrane = their_run(
            their_layer(neuron, reset, surrogate, torch.float64), currents
        )
        assert torch.equal(spikes, expected.to(torch.float64))
        torch.testing.assert_close(membrane, expected_membrane.detach(), rtol=1e-9, atol=1e-9)
        # snnTorch's spikes, and with them its gradients, are single precision whatever the input
        loop_spikes, _ = step_loop(currents, dynamics)
        (loop_spikes * weight).sum().backward()
        torch.testing.assert_close(gradient, currents.grad, rtol=1e-9, atol=1e-9)

    def test_two_layer_network_loss_and_weight_gradients(self, neuron, reset, surrogate):
        generator = torch.Generator().manual_seed(5)
        inputs = (torch.rand(STEPS, BATCH, SIZES[0], generator=generator) < 0.3).float()
        labels = torch.randint(0, SIZES[-1], (BATCH,), generator=generator)
        # weights on a grid of 1/64 add up exactly, so that the order of the sums cannot matter
        weights = [
            (torch.randint(-96, 160, (n_out, n_in), generator=generator) / 64).requires_grad_()
            for n_in, n_out in pairwise(SIZES)
        ]
        dynamics = our_dynamics(neuron, reset, surrogate)
        activity = run(weights, [dynamics] * 2, inputs, STEPS)
        loss = functional.cross_entropy(activity.counts, labels)
        gradients = torch.autograd.grad(loss, weights)
        hidden, _ = their_run(
            their_layer(neuron, reset, surrogate, torch.float32), functional.linear(inputs, weights[0])
        )
        output, _ = their_run(
            their_layer(neuron, reset, surrogate, torch.float32), functional.linear(hidden, weights[1])
        )
        expected_loss = functional.cross_entropy(output.sum(0), labels)
        expected = torch.autograd.grad(expected_loss, weights)
        assert torch.equal(activity.counts, output.sum(0))
        assert activity.layer_spikes.sum(0).min() > 0
        assert activity.layer_spikes.tolist() == [
            [int(h), int(o)] for h, o in zip(hidden.sum((0, 2)), output.sum((0, 2)), strict=True)
        ]
        assert loss.item() == pytest.approx(expected_loss.item(), rel=1e-6)
        for ours, reference in zip(gradients, expected, strict=True):
            scale = float(reference.abs().max())
            torch.testing.assert_close(ours, reference, rtol=1e-5, atol=1e-5 * scale)


def test_lapicque_says_which_decay_acts():
    constants = neuron_constants("lapicque", 0.5)
    assert constants.decay == pytest.approx(1 - math.log(2))
    assert constants.gain == pytest.approx(math.log(2))
    assert constants.blank_after_spike


@pytest.mark.parametrize("beta", [0.36, 0.0, -1.0, 1.0, float("nan")])
def test_lapicque_refuses_a_beta_that_would_oscillate(beta):
    with pytest.raises(
        SpecError, match=rf"lapicque neuron is {beta}.* raise beta or choose the leaky neuron"
    ):
        neuron_constants("lapicque", beta)


def test_lapicque_accepts_its_lower_bound():
    assert neuron_constants("lapicque", math.exp(-1)).decay == pytest.approx(0.0, abs=1e-15)


@pytest.mark.parametrize("beta", [-0.01, 1.01, float("nan")])
def test_leaky_refuses_a_beta_outside_its_range(beta):
    with pytest.raises(SpecError, match="give a value from 0 to 1"):
        neuron_constants("leaky", beta)


def test_unknown_neuron():
    with pytest.raises(SpecError, match="neuron 'izhikevich' is unknown; choose one of lapicque, leaky"):
        neuron_constants("izhikevich", 0.9)
