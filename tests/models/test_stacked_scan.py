"""The scan of several networks at once against the scan of each."""

import pytest
import torch

from models.kernel_choice import chosen
from models.neurons import neuron_constants
from models.scan import Dynamics, scan
from models.stacked_scan import stacked_scan
from models.surrogates import surrogate_named

NETWORKS, NEURONS, STEPS, SAMPLES = 3, 7, 9, 5
BETAS, THRESHOLDS, SLOPES = (0.4, 0.8, 0.95), (0.5, 1.0, 1.5), (1.0, 5.0, 25.0)


def dynamics_of(model, reset, surrogate, values):
    beta, threshold, slope = values
    constants = neuron_constants(model, beta, 0.97)
    return Dynamics(
        constants.decay,
        constants.gain,
        threshold,
        reset,
        constants.blank_after_spike,
        surrogate_named(surrogate).derivative(slope),
        constants.alpha,
        kind=constants.kind,
    )


def column(values):
    return torch.tensor(values, dtype=torch.float64).view(-1, 1, 1)


@pytest.mark.parametrize("scan_code", ["", "torch"])
@pytest.mark.parametrize("reset", ["subtract", "zero", "none"])
@pytest.mark.parametrize("model", ["leaky", "lapicque", "synaptic"])
@pytest.mark.parametrize("repeated", [False, True])
@pytest.mark.parametrize("surrogate", ["fast_sigmoid", "arctangent", "sigmoid"])
def test_equals_the_scan_of_each_network(monkeypatch, scan_code, reset, model, repeated, surrogate):
    monkeypatch.setenv("SPIKEFRONT_SCAN", scan_code)
    generator = torch.Generator().manual_seed(1)
    shape = (NETWORKS, SAMPLES, NEURONS) if repeated else (NETWORKS, STEPS, SAMPLES, NEURONS)
    currents = torch.randn(shape, generator=generator, dtype=torch.float64).mul_(2).requires_grad_()
    grads = torch.randn((NETWORKS, STEPS, SAMPLES, NEURONS), generator=generator, dtype=torch.float64)
    together = dynamics_of(model, reset, surrogate, map(column, (BETAS, THRESHOLDS, SLOPES)))
    spikes, membrane = stacked_scan(currents.clone(), together, None, time_steps=STEPS)
    (found,) = torch.autograd.grad(spikes, currents, grads)
    for place, values in enumerate(zip(BETAS, THRESHOLDS, SLOPES, strict=True)):
        own = currents[place].detach().requires_grad_()
        alone = dynamics_of(model, reset, surrogate, values)
        fired, potential = scan(own, alone, time_steps=STEPS if repeated else None)
        (expected,) = torch.autograd.grad(fired, own, grads[place])
        assert torch.equal(spikes[place], fired)
        torch.testing.assert_close(membrane[place], potential, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(found[place], expected, rtol=1e-10, atol=1e-10)


@pytest.mark.skipif(chosen().kernel is None, reason="the compiled scan cannot be had here")
@pytest.mark.parametrize("reset", ["subtract", "zero", "none"])
def test_the_compiled_rows_have_the_bits_of_the_compiled_scan(reset):
    currents = torch.randn((2, STEPS, 600, NEURONS), generator=torch.Generator().manual_seed(2)).mul_(2)
    values = (column(BETAS[:2]), column(THRESHOLDS[:2]), column(SLOPES[:2]))
    rows = currents.clone().requires_grad_()
    spikes, _ = stacked_scan(
        rows.clone(), dynamics_of("leaky", reset, "fast_sigmoid", values), None, time_steps=STEPS
    )
    spikes.square().sum().backward()
    for place in range(2):
        own = currents[place].clone().requires_grad_()
        numbers = BETAS[place], THRESHOLDS[place], SLOPES[place]
        fired, _ = scan(own.clone(), dynamics_of("leaky", reset, "fast_sigmoid", numbers))
        fired.square().sum().backward()
        assert torch.equal(spikes[place], fired)
        assert torch.equal(rows.grad[place], own.grad)


def test_a_gradient_that_is_the_same_in_every_step_is_not_written_out():
    """As that of a loss on spike counts; it gives what the same gradient of every step gives."""
    currents = torch.randn((2, STEPS, SAMPLES, NEURONS), generator=torch.Generator().manual_seed(3))
    values = (column(BETAS[:2]), column(THRESHOLDS[:2]), column(SLOPES[:2]))
    found = []
    for same in (True, False):
        own = currents.clone().requires_grad_()
        spikes, _ = stacked_scan(
            own.clone(), dynamics_of("leaky", "subtract", "fast_sigmoid", values), None, time_steps=STEPS
        )
        grad = torch.full((2, 1, SAMPLES, NEURONS), 0.3).expand(-1, STEPS, -1, -1)
        spikes.backward(grad if same else grad.contiguous())
        found.append(own.grad)
    assert torch.equal(*found)
