import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from hpo.space import Categorical, Float, Integer, Ordinal, Space
from spikefront.errors import SpecError

MIXED = Space(
    {
        "beta": Float(low=0.5, high=0.99),
        "lr": Float(low=1e-4, high=1e-1, log=True),
        "width": Integer(low=16, high=256, log=True),
        "steps": Integer(low=5, high=25),
        "surrogate": Categorical(choices=("fast_sigmoid", "arctangent", "escape")),
        "slope": Float(low=1.0, high=50.0, when={"surrogate": ("fast_sigmoid",)}),
        "bits": Ordinal(values=(4, 6, 8, 16)),
        "learn": Categorical(choices=(True, False)),
        "kind": Categorical(choices=("a", "b"), when={"learn": (True,)}),
        "rank": Integer(low=1, high=3, when={"kind": ("b",), "bits": (8, 16)}),
    }
)
shares = st.lists(st.floats(0.0, 1.0), min_size=MIXED.cube_dimension, max_size=MIXED.cube_dimension)
rows = st.lists(st.floats(-0.5, 1.5), min_size=MIXED.dimension, max_size=MIXED.dimension)


@given(shares)
def test_every_cube_point_is_a_valid_configuration(point):
    config = MIXED.from_cube(np.array(point))
    MIXED.validate_config(config)
    assert tuple(config) == MIXED.active(config)


@given(shares)
def test_configuration_survives_the_unit_cube(point):
    config = MIXED.from_cube(np.array(point))
    row = MIXED.to_unit(config)
    back = MIXED.from_unit(row)
    assert ((row >= 0) & (row <= 1)).all()
    assert {k: v for k, v in back.items() if not isinstance(v, float)} == {
        k: v for k, v in config.items() if not isinstance(v, float)
    }
    assert all(back[k] == pytest.approx(v, rel=1e-9) for k, v in config.items() if isinstance(v, float))


@given(rows)
def test_snapping_is_idempotent_and_agrees_with_decoding(row):
    snapped = MIXED.round_unit(np.array(row))
    np.testing.assert_array_equal(MIXED.round_unit(snapped), snapped)
    np.testing.assert_allclose(MIXED.to_unit(MIXED.from_unit(np.array(row))), snapped, atol=1e-9)
    MIXED.validate_config(MIXED.from_unit(np.array(row)))


@given(st.lists(rows, min_size=1, max_size=5))
def test_many_rows_snap_as_each_alone(table):
    together = MIXED.round_unit(np.array(table))
    np.testing.assert_array_equal(together, [MIXED.round_unit(np.array(row)) for row in table])


@given(rows)
def test_inactive_columns_are_the_same_for_all(row):
    snapped = MIXED.round_unit(np.array([row]))
    hidden = ~MIXED.active_columns(snapped)[0]
    active = MIXED.active(MIXED.from_unit(snapped[0]))
    for name, span in MIXED.columns.items():
        assert hidden[span].all() == (name not in active)
    neutral = np.where(
        [MIXED.variables[n].width > 1 for n in MIXED.names for _ in range(MIXED.variables[n].width)], 0, 0.5
    )
    np.testing.assert_array_equal(snapped[0][hidden], neutral[hidden])


def test_log_float_is_spaced_by_ratio():
    space = Space({"lr": Float(low=1e-4, high=1e-2, log=True)})
    assert space.from_unit(np.array([0.5]))["lr"] == pytest.approx(1e-3)
    assert space.to_unit({"lr": 1e-3})[0] == pytest.approx(0.5)


def test_sobol_shares_give_each_integer_an_equal_part():
    space = Space({"n": Integer(low=1, high=4)})
    drawn = [space.from_cube(np.array([(k + 0.5) / 400]))["n"] for k in range(400)]
    assert [drawn.count(n) for n in (1, 2, 3, 4)] == [100, 100, 100, 100]


def test_conditions_chain():
    base = {"beta": 0.9, "lr": 0.01, "width": 32, "steps": 5, "surrogate": "escape", "bits": 8}
    assert "slope" not in MIXED.active(base)
    assert "rank" in MIXED.active({**base, "learn": True, "kind": "b"})
    assert "rank" not in MIXED.active({**base, "learn": True, "kind": "a"})
    # "kind" is inactive, so its stale value must not wake "rank".
    assert "rank" not in MIXED.active({**base, "learn": False, "kind": "b"})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"beta": 1.5}, r"beta = 1.5 is outside 0.5..0.99"),
        ({"beta": True}, r"beta = True is not a finite number"),
        ({"beta": math.nan}, r"beta = nan is not a finite number"),
        ({"steps": 7.0}, r"steps = 7.0 is not a whole number"),
        ({"surrogate": "relu"}, r"surrogate = 'relu' is not a choice: take one of"),
        ({"learn": 1}, r"learn = 1 is not a choice"),
        ({"bits": 5}, r"bits = 5 is not a value: take one of \[4, 6, 8, 16\]"),
        ({"slope": 2.0}, r"'slope' is given but inactive"),
        ({"speed": 2.0}, r"unknown variable 'speed'"),
    ],
)
def test_wrong_configuration_names_key_and_remedy(change, words):
    good = {
        "beta": 0.9,
        "lr": 0.01,
        "width": 32,
        "steps": 5,
        "surrogate": "escape",
        "bits": 8,
        "learn": False,
    }
    MIXED.validate_config(good)
    with pytest.raises(SpecError, match=words):
        MIXED.validate_config({**good, **change})


def test_missing_value_is_named():
    with pytest.raises(SpecError, match="'lr' is missing"):
        MIXED.validate_config({"beta": 0.9})


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Float(low=0.9, high=0.5), "low 0.9 is not below high 0.5: swap them"),
        (lambda: Float(low=1, high=1), "equals high"),
        (lambda: Float(low=0.0, high=1.0, log=True), "log is true: raise low or set log to false"),
        (lambda: Integer(low=0, high=8, log=True), "log is true"),
        (lambda: Float(low=-1.7e308, high=1.7e308), "too wide"),
        (lambda: Float(low=0.0, high=math.inf), "finite"),
        (lambda: Integer(low=0, high=10**13), "less than or equal"),
        (lambda: Integer(low=0.5, high=2), "valid integer"),
        (lambda: Categorical(choices=()), "choices is empty: list at least one"),
        (lambda: Categorical(choices=("a", "a")), "choices has 'a' twice: remove one"),
        (lambda: Categorical(choices=(1, math.nan)), "finite|valid"),
        (lambda: Ordinal(values=(4, 2)), r"not ascending: give \[2, 4\]"),
        (lambda: Ordinal(values=()), "values is empty"),
        (lambda: Float(low=0, high=1, step=0.1), "Extra inputs"),
        (lambda: Float(low=0, high=1, when={"a": ()}), "at least 1 item"),
    ],
)
def test_wrong_variable_says_what_to_do(make, words):
    with pytest.raises(ValidationError, match=words):
        make()


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({}, "no variables"),
        ({"a": Float(low=0, high=1, when={"b": (1,)})}, "names 'b', which is not a variable"),
        (
            {"a": Float(low=0, high=1), "b": Float(low=0, high=1, when={"a": (1,)})},
            "name a categorical or ordinal",
        ),
        ({"a": Categorical(choices=("x",)), "b": Float(low=0, high=1, when={"a": ("y",)})}, "b.when.a = 'y'"),
        (
            {
                "a": Categorical(choices=("x",), when={"b": ("x",)}),
                "b": Categorical(choices=("x",), when={"a": ("x",)}),
            },
            "run in a circle",
        ),
    ],
)
def test_wrong_space_says_what_to_do(variables, words):
    with pytest.raises(SpecError, match=words):
        Space(variables)


def test_json_round_trip():
    assert Space.from_json(MIXED.to_json()) == MIXED


def test_json_error_names_the_variable():
    with pytest.raises(SpecError, match=r"beta.*swap them"):
        Space.from_json('{"beta": {"type": "float", "low": 0.9, "high": 0.5}}')
    with pytest.raises(SpecError, match="beta"):
        Space.from_json('{"beta": {"type": "complex", "low": 0.9, "high": 0.5}}')


@settings(max_examples=30)
@given(st.integers(1, 4), st.integers(1, 4), st.booleans())
def test_cardinality_counts_the_listed_configurations(n, m, chained):
    space = Space(
        {
            "leaf": Integer(low=0, high=n, when={"kind": ("b",)}),
            "kind": Categorical(choices=("a", "b", "c"), when={"bits": (4,)} if chained else None),
            "bits": Ordinal(values=tuple(range(4, 4 + m))),
        }
    )
    listed = list(space.configurations())
    assert len(listed) == space.cardinality == len({str(config) for config in listed})
    for config in listed:
        space.validate_config(config)


def test_real_variable_makes_the_space_infinite():
    assert MIXED.cardinality == math.inf
    with pytest.raises(SpecError, match="cannot be listed"):
        next(MIXED.configurations())


@pytest.mark.parametrize("low", [1, 10**6])
def test_large_log_integers_survive(low):
    space = Space({"n": Integer(low=low, high=10**12, log=True)})
    for value in (low, low + 1, 123456789012, 10**12 - 1, 10**12):
        assert space.from_unit(space.to_unit({"n": value})) == {"n": value}
