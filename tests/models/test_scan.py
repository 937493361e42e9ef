from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_loop import step_loop

from hardware import neuron
from hardware.integer import IntegerLayer
from hardware.network import AcceleratorConfig
from models.scan import RESETS, Adaptation, Dynamics, scan
from models.surrogates import SURROGATES
from spikefront.errors import SpecError

FAST_SIGMOID = SURROGATES["fast_sigmoid"].derivative(5.0)


def dynamics_of(
    reset="subtract", *, decay=0.9, gain=1.0, threshold=1.0, blank=False, derivative=FAST_SIGMOID
):
    return Dynamics(decay, gain, threshold, reset, blank, derivative)


def outcome(engine, currents, dynamics, weight):
    """Spikes, membrane and gradient of a weighted sum of the spikes."""
    currents = currents.clone().requires_grad_()
    spikes, membrane = engine(currents, dynamics)
    (spikes * weight).sum().backward()
    return spikes.detach(), membrane.detach(), currents.grad


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    shape=st.tuples(st.integers(1, 12), st.integers(1, 4), st.integers(1, 5)),
    decay=st.floats(0.0, 1.0),
    gain=st.floats(0.05, 2.0),
    threshold=st.floats(0.1, 3.0),
    reset=st.sampled_from(RESETS),
    blank=st.booleans(),
    surrogate=st.sampled_from(sorted(name for name in SURROGATES if not SURROGATES[name].random)),
    slope=st.floats(0.5, 25.0),
)
def test_equals_a_step_by_step_autograd_loop(
    seed, shape, decay, gain, threshold, reset, blank, surrogate, slope
):
    generator = torch.Generator().manual_seed(seed)
    currents = torch.randn(shape, generator=generator, dtype=torch.float64) * 2
    weight = torch.randn(shape, generator=generator, dtype=torch.float64)
    dynamics = Dynamics(decay, gain, threshold, reset, blank, SURROGATES[surrogate].derivative(slope))
    ours = outcome(scan, currents, dynamics, weight)
    theirs = outcome(step_loop, currents, dynamics, weight)
    assert torch.equal(ours[0], theirs[0])
    torch.testing.assert_close(ours[1], theirs[1], rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(ours[2], theirs[2], rtol=1e-9, atol=1e-9)


def test_a_membrane_exactly_at_threshold_does_not_fire():
    spikes, membrane = scan(torch.ones(1, 1, 1), dynamics_of())
    assert membrane.item() == 1.0
    assert spikes.item() == 0.0


@pytest.mark.parametrize(
    ("reset", "blank", "membranes"),
    [
        ("subtract", False, [1.5, 1.25, 1.125]),  # 0.5 * 1.5 + 1.5 - 1, 0.5 * 1.25 + 1.5 - 1
        ("zero", False, [1.5, 1.5, 1.5]),
        ("zero", True, [1.5, 0.0, 1.5]),
        ("none", False, [1.5, 2.25, 2.625]),
    ],
)
def test_resets_by_hand(reset, blank, membranes):
    _, membrane = scan(torch.full((3, 1, 1), 1.5), dynamics_of(reset, decay=0.5, blank=blank))
    assert membrane.flatten().tolist() == membranes


def test_a_constant_current_may_be_an_expanded_view():
    current = torch.randn(2, 3, generator=torch.Generator().manual_seed(0)).requires_grad_()
    spikes, _ = scan(current.expand(5, -1, -1), dynamics_of())
    spikes.sum().backward()
    expanded_gradient, current.grad = current.grad, None
    repeated, _ = scan(current.unsqueeze(0).repeat(5, 1, 1), dynamics_of())
    repeated.sum().backward()
    assert torch.equal(spikes, repeated)
    torch.testing.assert_close(expanded_gradient, current.grad)


@pytest.mark.parametrize("reset", RESETS)
@pytest.mark.parametrize("kind", ["leaky", "synaptic", "alpha"])
@pytest.mark.parametrize("learnt", [False, True])
def test_a_current_may_be_given_once(kind, reset, learnt):
    generator = torch.Generator().manual_seed(3)
    current = (torch.randn(4, 6, generator=generator, dtype=torch.float64) * 2).requires_grad_()
    weights = torch.randn(7, 4, 6, generator=generator, dtype=torch.float64)
    decay = torch.tensor(0.6, dtype=torch.float64, requires_grad=learnt)
    dynamics = replace(
        dynamics_of(reset, gain=0.7, blank=True),
        decay=decay,
        kind=kind,
        alpha=None if kind == "leaky" else 0.9,
    )
    results = []
    for currents, steps in ((current, 7), (current.unsqueeze(0).repeat(7, 1, 1), None)):
        spikes, _ = scan(currents, dynamics, time_steps=steps)
        leaves = [current, decay] if learnt else [current]
        results.append((spikes, *torch.autograd.grad((spikes * weights).sum(), leaves)))
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


def test_the_membrane_carries_no_gradient():
    _, membrane = scan(torch.ones(2, 1, 1, requires_grad=True), dynamics_of())
    assert not membrane.requires_grad


def test_not_a_number_never_fires():
    spikes, _ = scan(torch.full((3, 1, 1), float("nan")), dynamics_of())
    assert spikes.sum() == 0


def test_many_networks_at_once_equal_each_alone():
    generator = torch.Generator().manual_seed(2)
    currents = torch.randn(9, 3, 4, 5, generator=generator)  # (T, K, B, n)
    weights = torch.randn(9, 3, 4, 5, generator=generator)
    recurrent = torch.randn(3, 5, 5, generator=generator)
    decay, threshold, slope = (torch.rand(3, 1, 1, generator=generator) + 0.3 for _ in range(3))
    derivative = SURROGATES["arctangent"].derivative
    for own in (None, recurrent):
        together = Dynamics(decay, 1.0, threshold, "subtract", False, derivative(slope))
        spikes, membrane, gradient = outcome(
            lambda currents, dynamics, own=own: scan(currents, dynamics, own), currents, together, weights
        )
        for k in range(3):
            constants = (float(decay[k]), 1.0, float(threshold[k]), "subtract", False)
            alone = Dynamics(*constants, derivative(float(slope[k])))
            weight = None if own is None else own[k]
            expected = outcome(
                lambda currents, dynamics, weight=weight: scan(currents, dynamics, weight),
                currents[:, k],
                alone,
                weights[:, k],
            )
            assert torch.equal(spikes[:, k], expected[0])
            torch.testing.assert_close(membrane[:, k], expected[1], rtol=1e-5, atol=1e-5)
            torch.testing.assert_close(gradient[:, k], expected[2], rtol=1e-5, atol=1e-5)


def test_images_keep_their_memory_layout():
    currents = torch.randn(5, 2, 3, 4, 4).transpose(2, 4)  # channels last within each step
    spikes, membrane = scan(currents, dynamics_of())
    assert spikes.stride() == membrane.stride() == currents.stride()


def test_a_membrane_that_should_carry_a_gradient_does():
    currents = torch.tensor([[[0.5]], [[0.25]]], requires_grad=True)
    _, membrane = scan(currents, dynamics_of(decay=0.5), membrane_gradient=True)
    membrane.sum().backward()
    assert currents.grad.flatten().tolist() == [1.5, 1.0]


@pytest.mark.parametrize("steps", [1, 2, 3])
@pytest.mark.parametrize("reset", RESETS)
def test_refractory_steps_are_those_of_the_hardware(steps, reset):
    weight = np.ones((1, 1), dtype=np.int64)
    layer = IntegerLayer(weight, 40, 0, reset, 16, scale=1.0, beta=1.0, refractory_steps=steps)
    config = AcceleratorConfig(lanes=(1,), leak="shift")
    drive = np.random.default_rng(steps).integers(-10, 60, size=(60, 1))
    state = neuron.initial_state(layer, (1,), drive)
    expected = []
    for current in drive:
        step = neuron.step(layer, config, state, current)
        state = step.state
        expected.append((int(step.spikes[0]), int(step.membrane[0])))
    dynamics = replace(dynamics_of(reset, decay=1.0, threshold=40.0), refractory_steps=steps)
    spikes, membrane = scan(torch.tensor(drive, dtype=torch.float64).reshape(-1, 1, 1), dynamics)
    assert list(zip(spikes.flatten().tolist(), membrane.flatten().tolist(), strict=True)) == expected
    assert spikes.sum() > 4


def test_adaptive_threshold_by_hand():
    dynamics = replace(dynamics_of(decay=0.0, reset="none"), adaptation=Adaptation(0.5, 2.0))
    currents = torch.tensor([1.5, 2.5, 3.5, 1.2, 1.6]).reshape(-1, 1, 1)
    # theta before each step: 0, 2, 1, 2.5, 1.25; the threshold is 1 higher
    assert scan(currents, dynamics)[0].flatten().tolist() == [1.0, 0.0, 1.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: replace(dynamics_of(), refractory_steps=-1), "refractory_steps is -1; give 0 or more"),
        (lambda: replace(dynamics_of(), alpha=0.5), "alpha of a neuron of kind 'leaky' is 0.5"),
        (lambda: replace(dynamics_of(), kind="synaptic"), "alpha of a neuron of kind 'synaptic' is None"),
        (
            lambda: replace(dynamics_of(), kind="alpha", alpha=0.9, refractory_steps=1),
            "has neither refractory steps nor an adaptive threshold",
        ),
        (lambda: Adaptation(1.5, 1.0), "decay of the adaptive threshold is 1.5"),
        (lambda: Adaptation(0.5, -1.0), "increment of the adaptive threshold is -1.0"),
    ],
)
def test_refuses_constants_that_do_not_fit(build, message):
    with pytest.raises(SpecError, match=message):
        build()


@pytest.mark.parametrize(
    ("shape", "weights", "extra", "message"),
    [
        ((3, 2, 4), (3, 3), {}, r"recurrent weights are \(3, 3\) and the currents of a step \(2, 4\)"),
        ((3, 2, 4, 4, 4), (4, 4), {}, "recurrent weights"),
        ((3, 5, 2, 4), (4, 4), {}, "or .K, n, n. for currents .K, B, n."),
        ((3, 2, 4), (4, 4), {"kind": "alpha", "alpha": 0.95}, "an alpha neuron has no recurrent form"),
        ((3, 2, 4), (4, 4), {"gain": torch.ones(2, 1)}, "cannot differ between samples"),
    ],
)
def test_refuses_recurrent_weights_that_do_not_fit(shape, weights, extra, message):
    with pytest.raises(SpecError, match=message):
        scan(torch.zeros(shape), replace(dynamics_of(), **extra), torch.zeros(weights))
