import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpo.optimizer import Limit, Problem, gp
from hpo.optimizer.beliefs import Beliefs
from hpo.optimizer.forecast import forecast
from hpo.optimizer.improvement import Front, antithetic, score
from hpo.optimizer.scales import Scale
from hpo.pareto import Objective, hypervolume
from hpo.space import Float, Space


@pytest.fixture(autouse=True)
def one_quiet_thread():
    with gp.quiet():
        yield


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 4), st.integers(0, 7), st.integers(0, 10**6))
def test_improvement_equals_the_difference_of_two_hypervolumes(m, n, seed):
    rng = np.random.default_rng(seed)
    values, reference = rng.random((n, m)), np.full(m, 0.9)
    with gp.quiet():
        front = Front.of(values, reference)
    points = rng.random((5, m)) * 1.2 - 0.1
    before = hypervolume(values, reference)
    expected = [hypervolume(np.vstack([values, point[None]]), reference) - before for point in points]
    np.testing.assert_allclose(front.improvement(points), expected, atol=1e-9)


def test_shortfall_orders_what_does_not_improve():
    front = Front.of(np.array([[0.2, 0.6], [0.6, 0.2]]), np.array([1.0, 1.0]))
    points = np.array([[0.1, 0.1], [0.25, 0.65], [0.5, 0.9], [0.5, 2.0]])
    shortfall = front.shortfall(points)
    assert shortfall[0] == 0
    assert 0 < shortfall[1] < shortfall[2] < shortfall[3]


def line(direction="min", limits=(), compose=None):
    objective = Objective("y", direction, "linear", 0.0 if direction == "max" else 10.0)
    return Problem(Space({"x": Float(low=0.0, high=1.0)}), (objective,), limits=limits, compose=compose)


def beliefs(slope=1.0):
    rows = np.linspace(0, 1, 9)[:, None]
    return Beliefs((Scale("identity"),), gp.fit(rows, slope * rows), None)


def test_one_objective_score_is_the_expected_improvement():
    rows = np.array([[0.25], [0.5], [0.95]])
    normals = antithetic(np.random.default_rng(0), 20_000, 1)
    models = beliefs()
    front = Front.of(np.array([[0.5]]), np.array([10.0]))
    mean, deviation = (a[:, 0] for a in models.outcomes.predict(rows))
    from scipy.stats import norm

    z = (0.5 - mean) / deviation
    closed_form = (0.5 - mean) * norm.cdf(z) + deviation * norm.pdf(z)
    scores = score(line(), models, front, rows, normals)
    np.testing.assert_allclose(np.exp(scores[:2]), closed_form[:2], rtol=0.03)
    assert scores[2] < scores[1] < scores[0]


def test_candidates_that_cannot_improve_still_rank():
    front = Front.of(np.array([[-5.0]]), np.array([10.0]))
    rows = np.array([[0.9], [0.5], [0.1]])
    scores = score(line(), beliefs(), front, rows, antithetic(np.random.default_rng(0), 8, 1))
    assert scores[0] < scores[1] < scores[2]
    assert np.isfinite(scores).all()


def test_best_design_within_the_limits_counts():
    def twice(configs, outcomes):
        y = outcomes[..., :1]
        return {
            "y": np.concatenate([y + 5, y], axis=2),
            "luts": np.broadcast_to([100.0, 900.0], (*y.shape[:2], 2)),
        }

    rows, normals = np.array([[0.5]]), antithetic(np.random.default_rng(0), 64, 1)
    front = Front.of(np.array([[8.0]]), np.array([10.0]))
    free, tight = line(compose=twice), line(compose=twice, limits=(Limit("luts", at_most=500),))
    assert np.exp(score(free, beliefs(), front, rows, normals)[0]) == pytest.approx(7.5, abs=0.05)
    assert forecast(free, beliefs(), front, rows)["design"] == 1
    assert np.exp(score(tight, beliefs(), front, rows, normals)[0]) == pytest.approx(2.5, abs=0.05)
    assert forecast(tight, beliefs(), front, rows)["design"] == 0


def test_without_a_front_the_limits_decide():
    problem = line(limits=(Limit("y", at_most=0.5),))
    rows = np.array([[0.2], [0.8]])
    scores = score(problem, beliefs(), None, rows, antithetic(np.random.default_rng(0), 64, 1))
    assert scores[0] > scores[1]
