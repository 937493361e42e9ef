import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hpo.optimizer import gp


@pytest.fixture(autouse=True)
def one_quiet_thread():
    with gp.quiet():
        yield


def data(n=25, d=3, m=2, seed=0):
    rng = np.random.default_rng(seed)
    rows = rng.random((n, d))
    values = np.stack(
        [np.sin(5 * rows[:, k]) * (k + 1) + 0.01 * rng.normal(size=n) for k in range(m)], axis=1
    )
    return rows, values


@pytest.mark.parametrize("m", [1, 2])
def test_prediction_equals_botorchs(m):
    from botorch.models import SingleTaskGP
    from botorch.models.utils.gpytorch_modules import get_covar_module_with_dim_scaled_prior

    rows, values = data(m=m)
    process = gp.fit(rows, values)
    query = np.random.default_rng(1).random((7, 3))
    mean, deviation = process.predict(query)
    for k in range(m):
        target = (values[:, k] - values[:, k].mean()) / values[:, k].std()
        kernel = get_covar_module_with_dim_scaled_prior(3, use_rbf_kernel=False)
        peer = SingleTaskGP(
            torch.tensor(rows), torch.tensor(target)[:, None], covar_module=kernel, outcome_transform=None
        )
        peer.covar_module.lengthscale = process.hyper.lengthscale[k]
        peer.likelihood.noise = process.hyper.noise[k]
        peer.mean_module.constant = process.hyper.mean[k]
        posterior = peer.posterior(torch.tensor(query))
        expected = posterior.mean[:, 0].detach().numpy() * values[:, k].std() + values[:, k].mean()
        np.testing.assert_allclose(mean[:, k], expected, rtol=1e-6, atol=1e-8)
        spread = posterior.variance[:, 0].detach().sqrt().numpy() * values[:, k].std()
        np.testing.assert_allclose(deviation[:, k], spread, rtol=1e-4)


def test_fit_finds_the_function_and_its_idle_variable():
    rows, values = data(n=40, m=1)
    process = gp.fit(rows, values)
    query = np.random.default_rng(2).random((50, 3))
    mean, _ = process.predict(query)
    assert np.corrcoef(mean[:, 0], np.sin(5 * query[:, 0]))[0, 1] > 0.99
    scales = process.hyper.lengthscale[0, 0]
    assert scales[0] < scales[1:].min()


def test_batched_fit_equals_separate_fits():
    rows, values = data()
    together = gp.fit(rows, values).predict(rows[:5] + 0.01)[0]
    alone = [gp.fit(rows, values[:, [k]]).predict(rows[:5] + 0.01)[0][:, 0] for k in range(2)]
    np.testing.assert_allclose(together, np.stack(alone, axis=1), rtol=0.02)


def test_believing_keeps_the_mean_and_narrows_the_spread():
    rows, values = data()
    process = gp.fit(rows, values)
    pending = np.array([[0.5, 0.5, 0.5], [0.9, 0.1, 0.2]])
    before, wide = process.predict(pending)
    after, narrow = process.believe(pending).predict(pending)
    np.testing.assert_allclose(after, before, atol=1e-6)
    assert (narrow < wide).all()


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 6), st.booleans(), st.floats(-1e6, 1e6))
def test_few_equal_or_constant_points_are_no_trouble(n, same_rows, value):
    rows = np.full((n, 2), 0.5) if same_rows else np.random.default_rng(n).random((n, 2))
    mean, deviation = gp.fit(rows, np.full((n, 1), value)).predict(rows)
    np.testing.assert_allclose(mean, value, rtol=1e-6, atol=1e-6)
    assert np.isfinite(deviation).all()


def test_failing_fit_leaves_the_priors(monkeypatch):
    import botorch.optim.fit

    def broken(*args, **kwargs):
        raise RuntimeError("numerics")

    monkeypatch.setattr(botorch.optim.fit, "fit_gpytorch_mll_scipy", broken)
    rows, values = data()
    process = gp.fit(rows, values)
    assert torch.isfinite(process.hyper.lengthscale).all()
    assert np.isfinite(process.predict(rows)[0]).all()


def test_quiet_restores_threads_and_random_state():
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    with gp.quiet():
        torch.rand(3)
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), state)
