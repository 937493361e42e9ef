import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.regularisers import RateBounds
from spikefront.errors import SpecError


def test_by_hand():
    """Rates 0, 0.5 and 1 against 0.1..0.6: one is 0.1 too low, one 0.4 too high."""
    spikes = torch.tensor([[[0.0, 0.0, 1.0]], [[0.0, 1.0, 1.0]]])
    bounds = RateBounds(lower=0.1, lower_strength=2.0, upper=0.6, upper_strength=5.0)
    assert bounds.penalty([spikes]).item() == pytest.approx(2 * 0.1**2 / 3 + 5 * 0.4**2 / 3)
    assert bounds.penalty([spikes, spikes]).item() == pytest.approx(2 * bounds.penalty([spikes]).item())


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000), lower=st.floats(0, 0.5), upper=st.floats(0.5, 1))
def test_pulls_every_rate_towards_its_bounds(seed, lower, upper):
    generator = torch.Generator().manual_seed(seed)
    spikes = (torch.rand(6, 4, 2, 3, generator=generator) < 0.5).float().requires_grad_()
    RateBounds(lower, 1.0, upper, 1.0).penalty([spikes]).backward()
    rates = spikes.detach().mean((0, 1)).expand_as(spikes)
    assert torch.equal(spikes.grad < 0, rates < lower)
    assert torch.equal(spikes.grad > 0, rates > upper)


def test_bounds_without_strength_do_nothing():
    assert not RateBounds(0.2, 0.0, 0.4, 0.0).active
    assert RateBounds(0.2, 0.1).active
    assert RateBounds(upper=0.4, upper_strength=0.1).active


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"lower": 0.5, "upper": 0.4}, "firing rate bounds are 0.5 and 0.4"),
        ({"upper": 1.5}, "firing rate bounds are 0.0 and 1.5"),
        ({"lower_strength": -1.0}, "lower_strength of the firing rate bounds is -1.0"),
        ({"upper_strength": float("inf")}, "upper_strength of the firing rate bounds is inf"),
    ],
)
def test_impossible_bounds(changes, sentence):
    with pytest.raises(SpecError, match=sentence):
        RateBounds(**changes)
