import inspect

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
    "sigmoid": theirs.sigmoid,
    "spike_rate_escape": lambda slope: theirs.spike_rate_escape(beta=slope, slope=25),
    "triangular_snntorch": theirs.triangular,
    "straight_through": lambda slope: lambda u: slope * theirs.straight_through_estimator()(u),
}
SSO = SURROGATES["stochastic_spike_operator"]


def bound(name, slope):
    generator = torch.Generator().manual_seed(0) if SURROGATES[name].random else None
    return SURROGATES[name].derivative(slope, generator)


@pytest.mark.parametrize("name", sorted(ORIGINALS))
@settings(max_examples=30, deadline=None)
@given(slope=st.floats(0.1, 50.0), seed=st.integers(0, 10**6))
def test_equals_the_gradient_of_snntorch(name, slope, seed):
    u = torch.randn(40, generator=torch.Generator().manual_seed(seed)) * 3
    u[:3] = torch.tensor([0.0, 1.0, -1.0])
    if name == "sigmoid":
        u.clamp_(min=-20 / slope)  # below about -88 / slope snnTorch's is not a number
    u.requires_grad_()
    ORIGINALS[name](slope)(u).sum().backward()
    ours = SURROGATES[name].derivative(slope)(u.detach().clone())
    torch.testing.assert_close(ours, u.grad, rtol=2e-5, atol=1e-7)


@pytest.mark.parametrize("name", sorted(SURROGATES))
class TestEverySurrogate:
    def test_is_finite_and_in_place(self, name):
        u = torch.linspace(-100, 100, 2001)
        values = bound(name, 2.0)(u)
        assert values.data_ptr() == u.data_ptr()
        assert bool(values.isfinite().all())

    def test_is_never_negative_unless_it_says_so(self, name):
        values = bound(name, 0.5)(torch.linspace(-5, 5, 101))
        says_so = name in {"triangular_snntorch", "stochastic_spike_operator"}
        assert bool((values >= 0).all()) != says_so

    def test_takes_a_slope_per_neuron(self, name):
        slopes = torch.tensor([0.5, 1.0, 4.0])
        u = torch.linspace(-2, 2, 12).reshape(4, 3)
        together = bound(name, slopes)(u.clone())
        for column, slope in enumerate(slopes.tolist()):
            alone = bound(name, slope)(u.clone())
            torch.testing.assert_close(together[:, column], alone[:, column])

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
        ("sigmoid", 4.0, 0.0, 1.0),
        ("triangular", 2.0, 0.0, 1.0),
        ("spike_rate_escape", 1.0, 1.0, 25.0),
        ("spike_rate_escape_centred", 1.0, 0.0, 1.0),
    ],
)
def test_peak(name, slope, peak_at, peak):
    u = torch.arange(-300, 301) / 100
    values = SURROGATES[name].derivative(slope)(u.clone())
    assert values.max().item() == pytest.approx(peak)
    assert u[values.argmax()].item() == pytest.approx(peak_at, abs=1e-6)


def test_triangle_by_hand():
    u = torch.tensor([-1.0, -0.5, -0.25, 0.0, 0.25, 0.5])
    assert SURROGATES["triangular"].derivative(2.0)(u).tolist() == [0.0, 0.0, 0.5, 1.0, 0.5, 0.0]


def test_sigmoid_is_exact_in_its_tails():
    u = torch.tensor([-40.0, 40.0], dtype=torch.float64)
    values = SURROGATES["sigmoid"].derivative(1.0)(u)
    torch.testing.assert_close(values, torch.tensor([-40.0, -40.0], dtype=torch.float64).exp())


def test_leaky_spike_operator_by_hand():
    u = torch.tensor([-1.0, 0.0, 1.0])
    values = SURROGATES["leaky_spike_operator"].derivative(0.25)(u)
    assert values.tolist() == [0.25, 0.25, 1.0]


class TestWhereSnnTorchIsWrong:
    """The reasons for our own forms; when one of these fails, snnTorch has been mended."""

    def test_sigmoid_is_not_a_number_far_below_the_threshold(self):
        u = torch.tensor([-4.0], requires_grad=True)
        theirs.sigmoid(25)(u).sum().backward()
        assert bool(u.grad.isnan().all())

    def test_leaky_spike_operator_raises(self):
        with pytest.raises(TypeError):
            theirs.LSO(0.1)(torch.zeros(1, requires_grad=True))


class TestStochasticSpikeOperator:
    def test_has_snntorchs_distribution(self):
        u = torch.linspace(-1, 1, 20_000)
        values = SSO.derivative(0.2, torch.Generator().manual_seed(0))(u.clone())
        below = values[u <= 0]
        assert bool((values[u > 0] == 1).all())
        assert -0.1 <= below.min() < -0.099
        assert 0.099 < below.max() <= 0.1
        assert below.mean().item() == pytest.approx(0.0, abs=0.002)
        assert below.var().item() == pytest.approx(0.2**2 / 12, rel=0.03)

    def test_the_seed_decides(self):
        u = torch.full((50,), -1.0)
        first, again, other = (
            SSO.derivative(1.0, torch.Generator().manual_seed(seed))(u.clone()) for seed in (3, 3, 4)
        )
        assert torch.equal(first, again)
        assert not torch.equal(first, other)

    def test_the_global_generator_stays_where_it_is(self):
        before = torch.get_rng_state()
        SSO.derivative(1.0, torch.Generator().manual_seed(0))(torch.zeros(9))
        assert torch.equal(torch.get_rng_state(), before)

    def test_needs_a_generator(self):
        with pytest.raises(SpecError, match="draws random numbers; give it a seeded generator"):
            SSO.derivative(0.2)


@pytest.mark.parametrize(
    ("name", "original", "parameter"),
    [
        ("fast_sigmoid", theirs.fast_sigmoid, "slope"),
        ("arctangent", theirs.atan, "alpha"),
        ("sigmoid", theirs.sigmoid, "slope"),
        ("spike_rate_escape", theirs.spike_rate_escape, "beta"),
        ("triangular_snntorch", theirs.triangular, "threshold"),
        ("leaky_spike_operator", theirs.LSO, "slope"),
        ("stochastic_spike_operator", theirs.SSO, "variance"),
    ],
)
def test_default_slope_is_snntorchs(name, original, parameter):
    assert SURROGATES[name].default_slope == inspect.signature(original).parameters[parameter].default


def test_unknown_name():
    with pytest.raises(SpecError, match="surrogate 'sigmoidal' is unknown; choose one of"):
        surrogate_named("sigmoidal")
