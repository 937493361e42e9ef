import numpy as np
import pytest

from hpo.optimizer import Observation, Outcome, Problem, gp
from hpo.optimizer.beliefs import constraint_table, learn
from hpo.pareto import Objective
from hpo.space import Float, Space

SPACE = Space({"x": Float(low=0.0, high=1.0)})
PROBLEM = Problem(
    SPACE, (Objective("accuracy", "max", "linear", 0.1),), (Outcome("accuracy", "logit"),), ("silence",)
)


def complete(index, x, accuracy, silence=-0.05):
    return Observation(
        index, {"x": x}, "complete", {"accuracy": accuracy}, {"silence": silence}, [{"accuracy": accuracy}]
    )


def silent(index, x, silence):
    return Observation(index, {"x": x}, "silent", None, {"silence": silence})


HISTORY = [complete(0, 0.1, 0.5), complete(1, 0.3, 0.7), silent(2, 0.8, 0.6), silent(3, 0.9, 0.9)]


def test_silent_trials_teach_the_constraint_and_nothing_else():
    with gp.quiet():
        beliefs = learn(PROBLEM, HISTORY)
        without = learn(PROBLEM, HISTORY[:2])
    assert beliefs.outcomes.rows.shape[0] == 2
    assert beliefs.constraints.rows.shape[0] == 4
    query = np.linspace(0, 1, 9)[:, None]
    np.testing.assert_array_equal(beliefs.outcomes.predict(query)[0], without.outcomes.predict(query)[0])
    odds = np.exp(beliefs.log_feasible(np.array([[0.2], [0.85]])))
    assert odds[0] > 0.7
    assert odds[1] < 0.3


def test_failed_trial_counts_as_the_largest_violation():
    failed = Observation(4, {"x": 0.5}, "failed")
    table = constraint_table(PROBLEM, [*HISTORY, failed])
    assert table[-1] == (failed, [0.9])


def test_failures_alone_make_a_constraint():
    free = Problem(SPACE, (Objective("loss", "min", "linear", 1.0),))
    good = Observation(0, {"x": 0.1}, "complete", {"loss": 0.5}, {}, [{"loss": 0.5}])
    pruned = Observation(1, {"x": 0.5}, "pruned")
    failed = Observation(2, {"x": 0.9}, "failed")
    assert constraint_table(free, [good, pruned]) == []
    assert constraint_table(free, [good, pruned, failed]) == [(good, [-1.0]), (failed, [1.0])]


def test_trials_without_numbers_teach_nothing():
    odd = Observation(5, {"x": 0.4}, "complete", {"accuracy": float("nan")}, {})
    with gp.quiet():
        assert learn(PROBLEM, [odd]).outcomes is None
        assert learn(PROBLEM, [odd]).constraints is None


def test_status_and_outcomes_must_agree():
    from spikefront.errors import SpecError

    with pytest.raises(SpecError, match="silent with outcomes"):
        Observation(0, {"x": 0.1}, "silent", {"accuracy": 0.5})
    with pytest.raises(SpecError, match="complete without outcomes"):
        Observation(0, {"x": 0.1}, "complete")


@pytest.mark.parametrize("accuracies", [[0.26], [0.26, 0.261]])
def test_one_or_two_trials_make_no_model_sure_of_the_rest(accuracies):
    history = [complete(k, 0.1 + 0.02 * k, accuracy) for k, accuracy in enumerate(accuracies)]
    with gp.quiet():
        model = learn(PROBLEM, history).outcomes
    assert model is not None
    _, deviation = model.predict(SPACE.to_unit({"x": 0.95})[None])
    assert deviation[0, 0] > 0.4
