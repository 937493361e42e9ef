"""Gradients for every constant of the recurrence, against autograd of the written equations."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_loop import step_loop

from models.scan import RESETS, Adaptation, Dynamics, scan
from models.surrogates import SURROGATES

SHAPES = {
    "number": lambda shape: None,
    "layer": lambda shape: (),
    "neuron": lambda shape: shape[-1:],
    "leading": lambda shape: (shape[0], *[1] * (len(shape) - 1)),
    "full": lambda shape: shape,
}


def constant(kind, step_shape, low, high, generator):
    shape = SHAPES[kind](step_shape)
    draw = torch.rand(shape or (), generator=generator, dtype=torch.float64) * (high - low) + low
    return float(draw) if shape is None else draw.requires_grad_()


def gradients(engine, currents, dynamics, recurrent, weights):
    leaves = [currents, dynamics.decay, dynamics.gain, dynamics.threshold, dynamics.alpha, recurrent]
    leaves = [leaf for leaf in leaves if isinstance(leaf, torch.Tensor)]
    arguments = {"membrane_gradient": True} if engine is scan else {}
    spikes, membrane = engine(currents, dynamics, recurrent, **arguments)
    loss = (spikes * weights[0]).sum() + (membrane * weights[1]).sum()
    return spikes, membrane, torch.autograd.grad(loss, leaves)


@settings(max_examples=200, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    steps=st.integers(1, 9),
    step_shape=st.sampled_from([(2, 3), (3, 2, 4), (2, 3, 2, 2)]),
    reset=st.sampled_from(RESETS),
    blank=st.booleans(),
    kinds=st.tuples(*[st.sampled_from(sorted(SHAPES))] * 4),
    neuron=st.sampled_from(["leaky", "synaptic", "alpha"]),
    refractory=st.integers(0, 3),
    adaptive=st.booleans(),
    own_spikes=st.booleans(),
)
def test_equals_autograd_of_the_equations(
    seed, steps, step_shape, reset, blank, kinds, neuron, refractory, adaptive, own_spikes
):
    generator = torch.Generator().manual_seed(seed)
    shape = (steps, *step_shape)
    currents = (torch.randn(shape, generator=generator, dtype=torch.float64) * 2).requires_grad_()
    weights = torch.randn((2, *shape), generator=generator, dtype=torch.float64)
    simple = neuron == "alpha"
    own_spikes = own_spikes and not simple and len(step_shape) < 4
    if own_spikes and (kinds[1] == "full" or len(step_shape) == 2):
        kinds = (kinds[0], "neuron", *kinds[2:])  # a gain per sample is refused
    dynamics = Dynamics(
        decay=constant(kinds[0], step_shape, 0.1, 1.0, generator),
        gain=constant(kinds[1], step_shape, 0.3, 2.0, generator),
        threshold=constant(kinds[2], step_shape, 0.3, 1.5, generator),
        reset=reset,
        blank_after_spike=blank,
        derivative=SURROGATES["fast_sigmoid"].derivative(3.0),
        alpha=None if neuron == "leaky" else constant(kinds[3], step_shape, 0.1, 1.0, generator),
        refractory_steps=0 if simple else refractory,
        adaptation=Adaptation(0.8, 0.4) if adaptive and not simple else None,
        kind=neuron,
    )
    recurrent = None
    if own_spikes:
        size = (shape[-1], shape[-1]) if len(shape) == 3 else (shape[1], shape[-1], shape[-1])
        recurrent = torch.randn(size, generator=generator, dtype=torch.float64).requires_grad_()
    ours = gradients(scan, currents, dynamics, recurrent, weights)
    theirs = gradients(step_loop, currents, dynamics, recurrent, weights)
    assert torch.equal(ours[0], theirs[0])
    torch.testing.assert_close(ours[1], theirs[1], rtol=1e-9, atol=1e-9)
    for one, other in zip(ours[2], theirs[2], strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)
