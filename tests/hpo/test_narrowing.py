"""Parts of variables: written, checked, and kept by everything that makes configurations."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpo.narrowing import parse, shown
from spikefront.errors import SpecError
from tests.hpo.optimizer.toys import MIXED

KEPT = parse(["beta=0.8..0.95", "rate=0.001..0.01", "width=16..20", "bits=6|8", "kind=a|c"], MIXED.variables)
NARROW = MIXED.narrow(KEPT)
points = st.lists(st.floats(0.0, 1.0), min_size=MIXED.cube_dimension, max_size=MIXED.cube_dimension)
rows = st.lists(st.floats(0.0, 1.0), min_size=MIXED.dimension, max_size=MIXED.dimension)


def is_kept(config):
    return (
        0.8 <= config["beta"] <= 0.95
        and 0.001 <= config["rate"] <= 0.01
        and 16 <= config["width"] <= 20
        and config["bits"] in (6, 8)
        and config["kind"] in ("a", "c")
    )


@given(points)
def test_every_point_of_the_cube_is_a_configuration_of_what_is_kept(point):
    config = NARROW.from_cube(np.array(point))
    MIXED.validate_config(config)
    assert is_kept(config)
    row = NARROW.to_unit(config)
    np.testing.assert_array_equal(row, MIXED.to_unit(config))
    assert NARROW.inside(row[None]).all()


@given(rows)
def test_rounding_leads_into_what_is_kept_and_stays_there(row):
    snapped = NARROW.round_unit(np.array(row))
    assert is_kept(NARROW.from_unit(snapped))
    np.testing.assert_allclose(NARROW.round_unit(snapped), snapped, atol=1e-12)


@settings(max_examples=50)
@given(points)
def test_a_configuration_is_inside_where_its_values_are(point):
    config = MIXED.from_cube(np.array(point))
    assert NARROW.inside(MIXED.to_unit(config)[None])[0] == is_kept(config)


def test_evenly_spread_shares_reach_all_that_is_kept_evenly():
    shares = np.random.default_rng(0).random((4000, MIXED.cube_dimension))
    found = [NARROW.from_unit(row) for row in NARROW.spread(shares)]
    widths = np.bincount([c["width"] for c in found])[16:]
    assert len(widths) == 5
    assert widths.min() > 500
    assert np.mean([c["kind"] == "c" for c in found]) == pytest.approx(0.5, abs=0.03)
    assert np.mean([c["beta"] for c in found]) == pytest.approx(0.875, abs=0.003)
    assert np.mean([np.log10(c["rate"]) for c in found]) == pytest.approx(-2.5, abs=0.02)


def test_a_variable_may_be_kept_to_one_value():
    space = MIXED.narrow(parse(["beta=0.9", "width=17", "kind=c", "bits=4"], MIXED.variables))
    config = space.from_cube(np.full(MIXED.cube_dimension, 0.3))
    assert (config["beta"], config["width"], config["kind"], config["bits"]) == (0.9, 17, "c", 4)
    assert "slope" not in config


def test_the_ends_are_met_exactly():
    space = MIXED.narrow(parse(["beta=0.7..0.9", "rate=0.0003..0.07"], MIXED.variables))
    for share, beta, rate in [(0.0, 0.7, 0.0003), (1.0, 0.9, 0.07)]:
        config = space.from_cube(np.full(MIXED.cube_dimension, share))
        assert (config["beta"], config["rate"]) == (beta, rate)


def test_what_is_kept_counts_and_is_listed():
    few = parse(
        ["beta=0.9", "rate=0.01", "width=16..17", "bits=6..8", "kind=b|c", "slope=2"], MIXED.variables
    )
    space = MIXED.narrow(few)
    assert space.cardinality == len(list(space.configurations())) == 8
    assert MIXED.cardinality == np.inf


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("beta=0.8..0.95", {"beta": {"low": 0.8, "high": 0.95}}),
        ("rate=1e-3", {"rate": {"low": 0.001, "high": 0.001}}),
        ("width=8..64", {"width": {"low": 8, "high": 64}}),
        ("bits=4..6", {"bits": {"values": [4, 6]}}),
        ("kind=a|b", {"kind": {"values": ["a", "b"]}}),
    ],
)
def test_what_people_write_is_read_and_shown_again(text, kept):
    assert parse([text], MIXED.variables) == kept
    assert parse([shown(kept)], MIXED.variables) == kept


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("beta", "keeps nothing: write VARIABLE=LOW..HIGH"),
        ("beta=", "keeps nothing"),
        ("bta=0.5", "unknown variable 'bta': the space has beta, rate"),
        ("beta=0.3..0.9", r"beta = 0.3 is outside 0.5..0.99"),
        ("beta=0.9..0.8", "beta: 0.9 is above 0.8"),
        ("beta=low", "beta = 'low' is not a number"),
        ("beta=nan", "beta = nan is not a finite number"),
        ("width=8.5", "width = '8.5' is not a whole number"),
        ("width=4..8", "width = 4 is outside 8..64"),
        ("kind=d", "kind = 'd' is not a value: take of"),
        ("bits=5", "bits = '5' is not a value"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_name(text, words):
    with pytest.raises(SpecError, match=words):
        parse([text], MIXED.variables)


@pytest.mark.parametrize("kept", [{"beta": {"values": [0.6]}}, {"kind": {"values": []}}, {"kind": {}}])
def test_a_space_refuses_what_is_no_part_of_it(kept):
    with pytest.raises(SpecError, match="keeps nothing"):
        MIXED.narrow(kept)
