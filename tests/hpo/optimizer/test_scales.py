from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import yeojohnson

from hpo.optimizer import gp
from hpo.optimizer.scales import POWERS, Scale, bent, centred, likeliest, signed, stated, unbent

POWER = st.sampled_from([*POWERS, 2.0])
NUMBERS = st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), min_size=2, max_size=8)


@given(st.lists(st.floats(0.01, 0.99), min_size=1, max_size=5), st.sampled_from(["identity", "log", "logit"]))
def test_a_stated_scale_has_an_inverse(values, transform):
    table = np.array(values)
    scale = stated(table, transform)
    np.testing.assert_allclose(scale.back(scale.to_model(table)), table, rtol=1e-9)


@given(st.lists(st.floats(-100.0, 100.0), min_size=1, max_size=8), POWER, st.booleans())
def test_powers_are_those_of_yeo_and_johnson_and_have_an_inverse(values, power, even):
    table = np.array(values)
    expected = yeojohnson(table, power)
    if even:
        expected = np.sign(table) * yeojohnson(np.abs(table), power)
    np.testing.assert_allclose(bent(table, power, even), expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(unbent(bent(table, power, even), power, even), table, rtol=1e-9, atol=1e-9)


@given(st.floats(-50.0, 50.0), POWER, st.booleans())
def test_slope_is_the_derivative(value, power, even):
    at = np.array([value])
    scale = Scale("identity", shift=1.0, spread=2.0, power=power, even=even)
    rise = scale.to_model(at + 1e-5) - scale.to_model(at - 1e-5)
    assert scale.log_slope(at) - np.log(2.0) == pytest.approx(float(np.log(rise[0] / 2e-5)), abs=1e-4)


def test_extreme_values_stay_finite():
    shares, counts, zeros = np.array([0.0, 1.0]), np.array([0.0, 5.0]), np.zeros(2)
    for values, transform in ((shares, "logit"), (counts, "log"), (zeros, "log")):
        assert np.isfinite(stated(values, transform).to_model(values)).all()
    assert np.isfinite(stated(counts, "log").back(np.array([-1e9, 1e9]))).all()
    for power in POWERS:
        assert np.isfinite(Scale("identity", power=power).back(np.array([-1e9, 1e9]))).all()


@given(NUMBERS, POWER)
def test_constraints_keep_their_signs_and_order(values, power):
    column = np.array(values)
    start = signed(column)
    scaled = replace(start, power=power).to_model(column)
    # what is far below the others may round to zero
    seen = np.abs(column) > 1e-12 * start.spread
    np.testing.assert_array_equal(np.sign(scaled[seen]), np.sign(column[seen]))
    assert (np.sign(scaled) * np.sign(column) >= 0).all()
    assert (np.diff(scaled[np.argsort(column, kind="stable")]) >= -1e-9 * np.abs(scaled).max()).all()


@given(NUMBERS)
def test_half_of_the_values_lie_within_half_a_unit_or_so(values):
    column = np.array(values)
    scaled = (column - centred(column).shift) / centred(column).spread
    assert np.quantile(scaled, 0.25) <= 0 <= np.quantile(scaled, 0.75)


def test_a_function_that_was_bent_is_bent_back():
    rng = np.random.default_rng(3)
    rows = rng.random((60, 2))
    smooth = np.sin(5 * rows[:, 0]) + np.cos(4 * rows[:, 1]) + 0.02 * rng.standard_normal(60)
    both_tails = np.sign(smooth) * np.expm1(2.5 * np.abs(smooth))
    with gp.quiet():
        assert likeliest(rows, np.exp(2.5 * smooth), Scale("identity")).power == 0
        assert likeliest(rows, both_tails, Scale("identity", even=True)).power == 0
        assert likeliest(rows, smooth, Scale("identity", even=True)).power >= 0.5


def test_few_values_choose_no_power():
    rows = np.linspace(0, 1, 9)[:, None]
    assert likeliest(rows, np.exp(5 * rows[:, 0]), Scale("identity")).power == 1.0
