import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from snntorch import surrogate as theirs

from models.surrogates import SURROGATES, surrogate_named
from spikefront.errors import SpecError

ORIGINALS = {
    "fast_sigmoid": theirs.fast_sigmoid,
    "arctangent": theirs.atan,
    "spike_rate_escape": lambda slope: theirs.spike_rate_escape(beta=slope, slope=25),
}


@pytest.mark.parametrize("name", sorted(ORIGINALS))
@settings(max_examples=30, deadline=None)
@given(slope=st.floats(0.1, 50.0), seed=st.integers(0, 10**6))
def test_equals_the_gradient_of_snntorch(name, slope, seed):
    u = torch.randn(40, generator=torch.Generator().manual_seed(seed)) * 3
    u[:3] = torch.tensor([0.0, 1.0, -1.0])
    u.requires_grad_()
    ORIGINALS[name](slope)(u).sum().backward()
    ours = SURROGATES[name].derivative(slope)(u.detach().clone())
    torch.testing.assert_close(ours, u.grad, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", sorted(SURROGATES))
class TestEverySurrogate:
    def test_is_positive_finite_and_in_place(self, name):
        u = torch.linspace(-5, 5, 101)
        values = SURROGATES[name].derivative(2.0)(u)
        assert values.data_ptr() == u.data_ptr()
        assert bool(((values > 0) & values.isfinite()).all())

    def test_is_found_by_its_name(self, name):
        assert surrogate_named(name).name == name

    @pytest.mark.parametrize("slope", [0.0, -1.0, float("nan"), float("inf")])
    def test_refuses_a_useless_slope(self, name, slope):
        with pytest.raises(SpecError, match=r"slope .* above 0"):
            SURROGATES[name].derivative(slope)


@pytest.mark.parametrize(
    ("name", "slope", "peak_at", "peak"),
    [
        ("fast_sigmoid", 25.0, 0.0, 1.0),
        ("arctangent", 2.0, 0.0, 1.0),
        ("spike_rate_escape", 1.0, 1.0, 25.0),
        ("spike_rate_escape_centred", 1.0, 0.0, 1.0),
    ],
)
def test_peak(name, slope, peak_at, peak):
    u = torch.arange(-300, 301) / 100
    values = SURROGATES[name].derivative(slope)(u.clone())
    assert values.max().item() == pytest.approx(peak)
    assert u[values.argmax()].item() == pytest.approx(peak_at, abs=1e-6)


def test_unknown_name():
    with pytest.raises(SpecError, match="surrogate 'sigmoid' is unknown; choose one of"):
        surrogate_named("sigmoid")
