import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpo.optimizer.candidates import Centre, Taken, around, draw, sobol, unvisited
from tests.hpo.optimizer.toys import MIXED, problem


def centre(kind="a"):
    config = {"beta": 0.75, "rate": 0.01, "width": 22, "bits": 6, "kind": kind}
    return MIXED.to_unit(config | ({"slope": 5.0} if kind != "c" else {}))


@settings(max_examples=20, deadline=None)
@given(st.floats(0.01, 1.6), st.integers(0, 1000), st.sampled_from("abc"))
def test_neighbours_are_representable_and_inside_the_box(length, seed, kind):
    rows = around(MIXED, centre(kind), length, 64, np.random.default_rng(seed))
    np.testing.assert_allclose(MIXED.round_unit(rows), rows)
    span = MIXED.columns["beta"]
    assert (np.abs(rows[:, span] - centre(kind)[span]) <= length / 2 + 1e-9).all()
    assert ((rows >= 0) & (rows <= 1)).all()


def test_small_regions_still_step_and_change_category():
    rows = around(MIXED, centre(), 0.01, 512, np.random.default_rng(0))
    decoded = [MIXED.from_unit(row) for row in rows]
    assert {c["bits"] for c in decoded} == {4, 6, 8}
    assert {c["kind"] for c in decoded} == {"a", "b", "c"}


def test_waking_variables_are_drawn_from_their_whole_range():
    rows = around(MIXED, centre("c"), 0.1, 1024, np.random.default_rng(0))
    slopes = [c["slope"] for c in map(MIXED.from_unit, rows) if "slope" in c]
    assert min(slopes) < 2
    assert max(slopes) > 8


def test_candidates_are_new_and_unlike_each_other():
    taken = Taken(MIXED, [MIXED.from_unit(centre())])
    found = draw(problem(), taken, [Centre(centre(), 7)], 0.2, np.random.default_rng(0))
    assert 1000 < len(found) <= 2048
    assert taken.fresh(found.rows).all()
    assert set(found.owner.tolist()) == {-1, 0}


def test_taken_knows_its_configurations_through_decoding():
    config = MIXED.from_cube(np.array([0.123, 0.456, 0.7, 0.2, 0.5, 0.9]))
    taken = Taken(MIXED, [config, config])
    assert len(taken) == 1
    again = MIXED.to_unit(MIXED.from_unit(MIXED.to_unit(config)))
    assert taken.fresh(np.stack([again, centre(), centre()])).tolist() == [False, True, False]


def test_unvisited_is_far_from_what_was_seen():
    corner = MIXED.from_cube(np.zeros(6))
    spot = unvisited(MIXED, Taken(MIXED, [corner]), 5)
    assert spot.index is None
    assert np.abs(spot.row - MIXED.to_unit(corner)).mean() > 0.4


@pytest.mark.parametrize("seed", [0, 1])
def test_sobol_is_a_prefix_of_itself(seed):
    np.testing.assert_array_equal(sobol(5, 64, seed)[:10], sobol(5, 10, seed))
