import numpy as np
import pytest

from hpo.optimizer import Observation, Problem
from hpo.optimizer.regions import LENGTH_MOST, LENGTH_START, centres, fold, violation
from hpo.pareto import Objective
from hpo.space import Float, Space

SPACE = Space({"x": Float(low=0.0, high=1.0), "y": Float(low=0.0, high=1.0)})
TASK = Problem(SPACE, (Objective("loss", "min", "linear", 100.0),), constraints=("silence",), n_initial=1)


def complete(index, loss, x=0.5):
    return Observation(
        index, {"x": x, "y": 0.5}, "complete", {"loss": loss}, {"silence": -1.0}, [{"loss": loss}]
    )


def silent(index, silence):
    return Observation(index, {"x": 0.1, "y": 0.1}, "silent", None, {"silence": silence})


def test_three_successes_double_the_length_up_to_a_limit():
    trials = [complete(k, 90.0 - 5 * k) for k in range(8)]
    assert fold(TASK, trials[:3]).length == LENGTH_START
    assert fold(TASK, trials[:4]).length == LENGTH_MOST
    assert fold(TASK, trials).length == LENGTH_MOST


def test_four_failures_halve_the_length_and_the_end_is_a_restart():
    trials = [complete(0, 10.0)] + [complete(k, 50.0) for k in range(1, 40)]
    assert fold(TASK, trials[:4]).length == LENGTH_START
    assert fold(TASK, trials[:5]).length == LENGTH_START / 2
    lengths = [fold(TASK, trials[: k + 1]).length for k in range(40)]
    assert min(lengths) == LENGTH_START / 64
    assert fold(TASK, trials).restarts == 1
    assert fold(TASK, trials[:29]).length == LENGTH_START


def test_tiny_gains_are_no_success():
    trials = [complete(0, 10.0)] + [complete(k, 10.0 - 1e-4 * k) for k in range(1, 5)]
    assert fold(TASK, trials).length == LENGTH_START / 2


def test_less_violation_is_success_until_something_is_feasible():
    trials = [silent(0, 0.9), silent(1, 0.8), silent(2, 0.7), silent(3, 0.6)]
    assert fold(TASK, trials).length == LENGTH_MOST
    assert fold(TASK, [*trials, complete(4, 50.0), silent(5, 0.1)]).failures == 1


def test_the_start_moves_no_length():
    task = Problem(SPACE, TASK.objectives, constraints=("silence",), n_initial=9)
    assert fold(task, [complete(k, 50.0) for k in range(9)]).length == LENGTH_START


def test_centre_is_the_least_infeasible_trial_until_one_is_feasible():
    trials = [silent(0, 0.9), silent(1, 0.3), Observation(2, {"x": 0.5, "y": 0.5}, "failed")]
    assert [o.index for o in centres(TASK, trials)] == [1]
    assert [o.index for o in centres(TASK, [*trials, complete(3, 5.0), complete(4, 9.0)])] == [3]
    assert centres(TASK, trials[2:]) == []


def test_centres_are_the_front_members_that_add_most():
    task = Problem(
        SPACE, (Objective("a", "min", "linear", 1.0), Objective("b", "min", "linear", 1.0)), n_initial=1
    )
    spots = [(0.1, 0.9), (0.4, 0.41), (0.41, 0.4), (0.9, 0.1), (0.95, 0.95)]
    trials = [
        Observation(k, {"x": a, "y": b}, "complete", {"a": a, "b": b}, {}, [{"a": a, "b": b}])
        for k, (a, b) in enumerate(spots)
    ]
    order = [o.index for o in centres(task, trials)]
    assert set(order) == {0, 1, 2, 3}
    assert set(order[:2]) == {0, 3}


@pytest.mark.parametrize(
    ("trial", "expected"),
    [
        (silent(0, 0.4), 0.4),
        (complete(0, 1.0), 0.0),
        (Observation(0, {"x": 0.1, "y": 0.1}, "failed", None, {"silence": 0.1}), np.inf),
        (Observation(0, {"x": 0.1, "y": 0.1}, "silent"), np.inf),
    ],
)
def test_violation(trial, expected):
    assert violation(TASK, trial) == expected
