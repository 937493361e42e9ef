import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_loop import step_loop

from models.scan import RESETS, Dynamics, scan
from models.surrogates import SURROGATES

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


def test_the_membrane_carries_no_gradient():
    _, membrane = scan(torch.ones(2, 1, 1, requires_grad=True), dynamics_of())
    assert not membrane.requires_grad


def test_not_a_number_never_fires():
    spikes, _ = scan(torch.full((3, 1, 1), float("nan")), dynamics_of())
    assert spikes.sum() == 0
