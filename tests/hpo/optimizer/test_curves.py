import numpy as np
import pytest

from hpo.optimizer.curves import PRIOR_SPREAD, foretell

RNG = np.random.default_rng(0)


def trainings(count, rng, noise=0.2):
    """Trainings that move by 0.7 and a third of the way back to 1, with noise that both outputs share."""
    stood = rng.normal(1.0, 1.0, (count, 2))
    shared = rng.normal(0.0, noise, (count, 1))
    return stood, 0.7 + stood + (1.0 - stood) / 3 + shared


def test_without_finished_trainings_one_ends_where_it_stands():
    found = foretell(np.empty((0, 2)), np.empty((0, 2)), np.array([1.5, -2.0]))
    assert found.mean == pytest.approx([1.5, -2.0])
    assert found.variance.min() > PRIOR_SPREAD**2


def test_many_finished_trainings_give_the_regression_itself():
    stood, ended = trainings(4000, RNG)
    found = foretell(stood, ended, np.array([0.1, 2.5]))
    assert found.mean == pytest.approx([0.7 + 0.1 + 0.3, 0.7 + 2.5 - 0.5], abs=0.03)
    assert np.sqrt(found.variance) == pytest.approx([0.2, 0.2], rel=0.05)


def test_outputs_that_err_together_are_drawn_together():
    stood, ended = trainings(500, RNG)
    drawn = foretell(stood, ended, np.zeros(2)).draw(RNG, 4000)
    assert np.corrcoef(drawn.T)[0, 1] > 0.9


def test_draws_have_the_stated_mean_and_variance():
    stood, ended = trainings(12, RNG)
    found = foretell(stood, ended, np.array([0.0, 1.0]))
    drawn = found.draw(RNG, 200_000)
    assert drawn.mean(axis=0) == pytest.approx(found.mean, abs=0.01)
    assert drawn.var(axis=0) == pytest.approx(found.variance, rel=0.05)


@pytest.mark.parametrize("count", [2, 5, 12, 60])
def test_intervals_are_calibrated_with_few_and_with_many_finished_trainings(count):
    """A central 90 % interval holds what comes at least about as often as it says."""
    inside = []
    for seed in range(300):
        rng = np.random.default_rng([count, seed])
        stood, ended = trainings(count + 1, rng, noise=0.4)
        drawn = foretell(stood[:count], ended[:count], stood[count]).draw(rng, 400)
        low, high = np.quantile(drawn, [0.05, 0.95], axis=0)
        inside.append(((low < ended[count]) & (ended[count] < high)).mean())
    assert 0.85 < np.mean(inside) <= 0.995
