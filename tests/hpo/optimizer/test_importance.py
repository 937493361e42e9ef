"""Sobol indices against functions whose indices are known."""

import numpy as np
import pytest

from hpo.optimizer import Observation, Problem
from hpo.optimizer.candidates import sobol
from hpo.optimizer.gp import fit
from hpo.optimizer.importance import explained, importance, sobol_indices
from hpo.pareto import Objective
from hpo.space import Categorical, Float, Space

# Ishigami & Homma 1990 with a = 7, b = 0.1; the indices are those of Sobol & Levitan 1999.
FIRST = np.array([0.3139, 0.4424, 0.0])
TOTAL = np.array([0.5576, 0.4424, 0.2437])
CUBE = Space({name: Float(low=-np.pi, high=np.pi) for name in ("x1", "x2", "x3")})


def ishigami(shares):
    x = np.pi * (2 * shares - 1)
    value = np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])
    return value[:, None]


def told(space, function, count):
    """Observations of a function of shares, at Sobol points."""
    shares = sobol(space.cube_dimension, count, 5)
    values = function(shares)[:, 0]
    return [
        Observation(k, space.from_cube(row), "complete", {"y": float(value)}, {}, [{"y": float(value)}])
        for k, (row, value) in enumerate(zip(shares, values, strict=True))
    ]


def test_the_estimators_find_the_known_indices():
    found = sobol_indices(ishigami, 3, samples=4096)
    np.testing.assert_allclose(found.first[:, 0], FIRST, atol=0.02)
    np.testing.assert_allclose(found.total[:, 0], TOTAL, atol=0.02)


def test_additive_functions_have_equal_first_and_total_indices():
    weights = np.array([3.0, 2.0, 1.0, 0.0])
    found = sobol_indices(lambda u: np.stack([u @ weights, 100 + 0 * u[:, 0]], axis=1), 4)
    np.testing.assert_allclose(found.first[:, 0], weights**2 / 14, atol=0.01)
    np.testing.assert_allclose(found.total[:, 0], weights**2 / 14, atol=0.01)
    assert np.isnan(found.total[:, 1]).all()


def test_a_model_of_few_trials_finds_them_too():
    task = Problem(CUBE, (Objective("y", "min", "linear", 30.0),))
    (found,) = importance(task, told(CUBE, ishigami, 220))
    assert found.names == ("y",)
    assert found.explained[0] > 0.9
    np.testing.assert_allclose(found.indices.first[:, 0], FIRST, atol=0.06)
    np.testing.assert_allclose(found.indices.total[:, 0], TOTAL, atol=0.06)


def test_categories_and_sleeping_variables_count_by_what_they_change():
    space = Space(
        {
            "kind": Categorical(choices=("a", "b")),
            "slope": Float(low=0.0, high=1.0, when={"kind": ("a",)}),
            "idle": Float(low=0.0, high=1.0),
        }
    )

    def function(shares):
        """0 or 1 by kind, and with kind a the slope on top of it."""
        a = shares[:, 0] < 0.5
        return (np.where(a, shares[:, 1], 1.0))[:, None]

    task = Problem(space, (Objective("y", "min", "linear", 30.0),))
    (found,) = importance(task, told(space, function, 120))
    # E[y | a] = 1/2, E[y | b] = 1: Var by kind 1/16; of the slope, awake half the time, 1/24 in all.
    variance = 1 / 16 + 1 / 24
    total = dict(zip(space.names, found.indices.total[:, 0], strict=True))
    assert total["slope"] == pytest.approx((1 / 24) / variance, abs=0.06)
    assert total["idle"] == pytest.approx(0.0, abs=0.02)
    assert total["kind"] > total["slope"]


def test_silence_has_indices_of_its_own():
    rng = np.random.default_rng(0)
    history = []
    for k, row in enumerate(rng.random((60, 3))):
        config = CUBE.from_cube(row)
        silence = {"silence": float(row[1] - 0.5)}
        done = {"y": float(row[0])}
        silent = row[1] > 0.5
        history.append(
            Observation(k, config, "silent", None, silence)
            if silent
            else Observation(k, config, "complete", done, silence, [done])
        )
    task = Problem(CUBE, (Objective("y", "min", "linear", 30.0),), constraints=("silence",))
    outcome, constraint = importance(task, history)
    assert constraint.names == ("silence",)
    assert (outcome.trials, constraint.trials) == (sum(o.status == "complete" for o in history), 60)
    assert outcome.indices.total[:, 0].argmax() == 0
    assert constraint.indices.total[:, 0].argmax() == 1
    assert constraint.indices.total[1, 0] > 0.95


def test_the_explained_share_is_that_of_models_fitted_without_each_trial():
    rng = np.random.default_rng(1)
    rows = rng.random((30, 2))
    values = np.stack([np.sin(5 * rows[:, 0]), rng.standard_normal(30)], axis=1)
    process = fit(rows, values)
    signal, noise = explained(process)
    assert signal > 0.95
    assert noise < 0.2
    # By hand for the first output: drop one row, keep the hyperparameters.
    mean, scale = float(process.hyper.mean[0]), float(process.hyper.noise.reshape(-1)[0])
    from hpo.optimizer.gp import matern52

    every = matern52(process.rows, process.rows, process.hyper.lengthscale)[0].numpy()
    targets = process.targets[0].numpy()
    left = []
    for k in range(30):
        kept = np.arange(30) != k
        weights = np.linalg.solve(every[np.ix_(kept, kept)] + scale * np.eye(29), targets[kept] - mean)
        left.append(targets[k] - mean - every[k, kept] @ weights)
    share = 1 - np.square(left).sum() / np.square(targets - targets.mean()).sum()
    assert signal == pytest.approx(share, abs=1e-6)
