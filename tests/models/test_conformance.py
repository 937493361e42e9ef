"""Every neuron, reset and surrogate against snnTorch's own classes, run step by step."""

from itertools import pairwise

import pytest
import torch
from snntorch_runs import CLASSES, SURROGATES, Case, snntorch_run
from torch.nn import functional

from models.neurons import neuron_constants
from models.scan import RESETS, Dynamics, scan
from models.surrogates import surrogate_named

STEPS, BATCH, N = 12, 8, 16
TOLERANCE = {torch.float64: 1e-9, torch.float32: 1e-5}
every = pytest.mark.parametrize(
    ("neuron", "reset", "surrogate"),
    [(n, r, s) for n in CLASSES for r in RESETS for s in SURROGATES],
    ids=lambda value: value.replace(" ", "-"),
)


def make_case(neuron, reset, surrogate, dtype, per_neuron=False, seed=0):
    generator = torch.Generator().manual_seed(seed)

    def draw(low, high):
        values = torch.rand(N if per_neuron else (), generator=generator, dtype=torch.float64)
        return (values * (high - low) + low).to(dtype).requires_grad_()

    recurrent = torch.randn(N, N, generator=generator, dtype=torch.float64) * 0.15
    return Case(
        neuron,
        reset,
        surrogate,
        draw(0.6, 0.8),
        draw(0.82, 0.95),
        draw(0.6, 0.9),
        recurrent.to(dtype).requires_grad_(),
    )


def our_run(case, currents, membrane_gradient=True):
    name, recurrent = case.neuron.split()[-1], case.neuron.startswith("recurrent")
    constants = neuron_constants(name, case.beta, case.alpha, recurrent=recurrent)
    dynamics = Dynamics(
        decay=constants.decay,
        gain=constants.gain,
        threshold=case.threshold,
        reset=case.reset,
        blank_after_spike=constants.blank_after_spike,
        derivative=surrogate_named(case.surrogate).derivative(SURROGATES[case.surrogate][0]),
        alpha=constants.alpha,
        kind=constants.kind,
    )
    weights = case.recurrent if recurrent else None
    return scan(currents, dynamics, weights, membrane_gradient=membrane_gradient)


def drive(case, dtype, seed=1):
    """Currents (T, B, n) that make the neuron fire in a good share of the steps."""
    generator = torch.Generator().manual_seed(seed)
    scale = {"lapicque": 4.0, "alpha": 2.5}.get(case.neuron, 1.2)
    currents = torch.randn(STEPS, BATCH, N, generator=generator, dtype=torch.float64) * scale + 0.2
    weights = torch.randn(2, STEPS, BATCH, N, generator=generator, dtype=torch.float64)
    return currents.to(dtype).requires_grad_(), weights.to(dtype)


def assert_conforms(case, dtype):
    currents, weights = drive(case, dtype)
    results = []
    for engine in (our_run, snntorch_run):
        spikes, membrane = engine(case, currents)
        loss = (spikes * weights[0]).sum() + (membrane * weights[1]).sum()
        results.append((spikes, membrane, loss, *torch.autograd.grad(loss, [currents, *case.leaves])))
    ours, theirs = results
    assert float((ours[1] - case.threshold).detach().abs().min()) > 1e-6, (
        "rounding would decide about a spike"
    )
    assert 0.05 < ours[0].mean() < 0.95
    assert torch.equal(ours[0], theirs[0].to(dtype))
    # rounding errors of a sum, as the gradient of a constant is one, grow with the norm of its terms
    norm = float(theirs[3].norm()) if dtype == torch.float32 else 0.0
    for one, other in zip(ours[1:], theirs[1:], strict=True):
        size = max(1.0, float(other.detach().abs().max()), norm if other.ndim == 0 else 0.0)
        torch.testing.assert_close(one, other, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype] * size)


@every
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["double", "single"])
def test_one_layer(neuron, reset, surrogate, dtype):
    assert_conforms(make_case(neuron, reset, surrogate, dtype), dtype)


@pytest.mark.parametrize("reset", RESETS)
@pytest.mark.parametrize("neuron", sorted(set(CLASSES) - {"lapicque"}))  # which takes one beta only
def test_constants_of_every_neuron(neuron, reset):
    case = make_case(neuron, reset, "fast_sigmoid", torch.float64, per_neuron=True)
    assert_conforms(case, torch.float64)


@every
def test_two_layers_with_a_loss_on_counts(neuron, reset, surrogate):
    generator = torch.Generator().manual_seed(5)
    inputs = (torch.rand(STEPS, BATCH, N, generator=generator) < 0.4).double()
    labels = torch.randint(0, N, (BATCH,), generator=generator)
    scale = 3.0 if neuron == "lapicque" else 1.0
    weights = [
        (torch.randn(n_out, n_in, generator=generator, dtype=torch.float64) * scale).requires_grad_()
        for n_in, n_out in pairwise((N, N, N))
    ]
    case = make_case(neuron, reset, surrogate, torch.float64)
    results = []
    for engine in (our_run, snntorch_run):
        spikes = inputs
        for weight in weights:
            spikes, _ = engine(case, functional.linear(spikes, weight))
        loss = functional.cross_entropy(spikes.sum(0), labels)
        results.append((spikes.sum(0), loss, *torch.autograd.grad(loss, [*weights, *case.leaves])))
    ours, theirs = results
    assert torch.equal(ours[0], theirs[0])
    assert ours[0].sum() > BATCH
    for one, other in zip(ours[1:], theirs[1:], strict=True):
        torch.testing.assert_close(
            one, other, rtol=1e-9, atol=1e-9 * max(1.0, float(other.detach().abs().max()))
        )
