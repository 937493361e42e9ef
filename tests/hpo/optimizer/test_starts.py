"""Given starting points come first; a narrowed space is searched with all that was learned outside it."""

from dataclasses import replace

import numpy as np
import pytest

from hpo.narrowing import parse
from hpo.optimizer import Exhausted, Observation, Proposal
from hpo.optimizer.candidates import Centre, Taken, draw
from hpo.optimizer.propose import propose, random_proposal
from spikefront.errors import SpecError
from tests.hpo.optimizer.toys import MIXED, history, problem, run

GIVEN = ({"beta": 0.9, "kind": "a"}, {"width": 33}, {"kind": "c", "bits": 4})


def asked(task, count, told=()):
    found = [propose(task, told, [], index) for index in range(count)]
    assert all(isinstance(proposal, Proposal) for proposal in found)
    return found


def test_given_points_come_first_and_the_sequence_fills_them():
    task, plain = problem(start=GIVEN), problem()
    proposals = asked(task, task.initial)
    assert [p.explanation["source"] for p in proposals] == ["start"] * 3 + ["sobol"] * (task.initial - 3)
    for proposal, sobol, given in zip(proposals, asked(plain, 3), GIVEN, strict=False):
        MIXED.validate_config(proposal.config)
        assert {name: proposal.config[name] for name in given} == given
        shared = set(proposal.config) & set(sobol.config) - set(given)
        assert shared
        assert all(proposal.config[name] == sobol.config[name] for name in shared)
    assert [p.config for p in proposals[3:]] == [p.config for p in asked(plain, task.initial)[3:]]


def test_many_given_points_lengthen_the_start():
    many = tuple({"beta": 0.5 + 0.01 * k} for k in range(12))
    task = problem(start=many)
    assert task.initial == 12
    assert [p.config["beta"] for p in asked(task, 12)] == [given["beta"] for given in many]


def test_a_point_that_was_tried_gives_way_to_the_sequence():
    whole = MIXED.from_cube(np.full(MIXED.cube_dimension, 0.4))
    task = problem(start=(whole, whole))
    first = propose(task, [], [], 0)
    second = propose(task, [run(task, first)], [], 1)
    assert (first.config, first.explanation["source"]) == (whole, "start")
    assert second.explanation["source"] == "sobol"


def test_random_search_begins_with_them_too():
    assert random_proposal(problem(start=GIVEN), 1, []).config["width"] == 33


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"bta": 1}, "unknown variable 'bta'"),
        ({"beta": 2.0}, "beta = 2.0 is outside"),
        ({"slope": 2.0}, r"slope = 2.0 exists only with kind in \['a', 'b'\]: give that too"),
        ({"kind": "c", "slope": 2.0}, "slope = 2.0 exists only with kind"),
    ],
)
def test_a_start_that_cannot_be_completed_is_refused(given, words):
    with pytest.raises(SpecError, match=words):
        problem(start=(given,))


def test_a_narrowed_space_is_searched_inside_alone():
    task = problem()
    told = history(task, 24)
    kept = parse(["beta=0.6..0.7", "kind=b", "width=40..64", "bits=8"], MIXED.variables)
    narrow = replace(task, space=task.space.narrow(kept))
    outside = [o for o in told if not narrow.space.inside(MIXED.to_unit(o.config)[None])[0]]
    assert len(outside) > 20
    for index in (30, 31, 32):
        proposal = propose(narrow, told, [], index)
        assert narrow.space.inside(MIXED.to_unit(proposal.config)[None])[0]
        assert proposal == propose(narrow, told[::-1], [], index)
        assert proposal.explanation["feasible"] is not None
        told = [*told, run(task, proposal)]


def test_candidates_around_a_centre_outside_are_inside_and_differ():
    kept = parse(["beta=0.6..0.7", "kind=b"], MIXED.variables)
    space = MIXED.narrow(kept)
    middle = Centre(MIXED.to_unit({"beta": 0.95, "rate": 0.01, "width": 22, "bits": 6, "kind": "c"}), 0)
    found = draw(replace(problem(), space=space), Taken(space, []), [middle], 0.2, np.random.default_rng(0))
    local = found.rows[found.owner == 0]
    assert space.inside(found.rows).all()
    betas = local[:, MIXED.columns["beta"]]
    assert np.ptp(betas) > 0.8 * (0.7 - 0.6) / 0.49
    widths = {MIXED.from_unit(row)["width"] for row in local}
    assert widths <= set(range(8, 65))
    assert np.median(list(widths)) == pytest.approx(22, abs=8)


def test_a_narrowed_space_runs_out_whatever_was_tried_outside():
    kept = parse(["beta=0.9", "rate=0.01", "width=20", "bits=4|6", "kind=c"], MIXED.variables)
    task = replace(problem(), space=MIXED.narrow(kept))
    told: list[Observation] = [*history(problem(), 20)]
    seen = []
    while isinstance(proposal := propose(task, told, [], 40 + len(seen)), Proposal):
        seen.append(proposal.config["bits"])
        told.append(run(task, proposal))
    assert proposal == Exhausted(2)
    assert sorted(seen) == [4, 6]
    assert isinstance(propose(problem(), told, [], 60), Proposal)
