import numpy as np
import pytest
import torch
from scipy.optimize import approx_fprime

from hpo.optimizer import gp
from hpo.optimizer.likelihood import _Posterior, fit_one


def sample(count, columns, seed):
    rng = np.random.default_rng(seed)
    rows = rng.random((count, columns))
    values = np.sin(3 * rows[:, 0]) + rows[:, 1] ** 2 + 0.1 * rng.standard_normal(count)
    return rows, (values - values.mean()) / values.std()


@pytest.mark.parametrize(("count", "columns"), [(12, 2), (40, 6), (60, 15)])
def test_gradient_is_that_of_the_value(count, columns):
    posterior = _Posterior(*sample(count, columns, count))
    theta = posterior.modes() + 0.3 * np.random.default_rng(1).standard_normal(columns + 1)
    numeric = approx_fprime(theta, lambda t: posterior(t)[0], 1e-6)
    np.testing.assert_allclose(posterior(theta)[1], numeric, atol=2e-6)


@pytest.mark.parametrize(("count", "columns"), [(25, 2), (50, 8)])
def test_value_and_its_differences_are_those_of_botorch(count, columns):
    rows, targets = sample(count, columns, 7)
    with gp.quiet():
        # imported here, where its warnings are silenced
        from botorch.models import SingleTaskGP
        from botorch.models.utils.gpytorch_modules import get_covar_module_with_dim_scaled_prior
        from gpytorch.mlls import ExactMarginalLogLikelihood

        table, column = torch.as_tensor(rows), torch.as_tensor(targets)[:, None]
        kernel = get_covar_module_with_dim_scaled_prior(columns, use_rbf_kernel=False)
        model = SingleTaskGP(table, column, covar_module=kernel, outcome_transform=None)
        found = fit_one(rows, targets)
        model.mean_module.constant = torch.tensor(found.mean, dtype=torch.float64)
        model.covar_module.lengthscale = torch.as_tensor(found.lengthscale)
        model.likelihood.noise = torch.tensor([found.noise], dtype=torch.float64)
        model.train()
        mll = ExactMarginalLogLikelihood(model.likelihood, model)
        theirs = float(mll(model(table), column[:, 0]).detach()) * count
    # constants of the priors' densities, which ours leaves out
    constants = -0.5 * np.log(2 * np.pi) * (columns + 1) - columns * np.log(3**0.5)
    assert found.log_posterior + constants == pytest.approx(theirs, abs=1e-6 * count)


def test_noise_and_length_are_recovered():
    rng = np.random.default_rng(0)
    rows = rng.random((150, 1))
    covariance = gp.matern52(*[torch.as_tensor(rows)] * 2, torch.tensor([[[0.2]]]))[0].numpy()
    values = np.linalg.cholesky(covariance + 1e-9 * np.eye(150)) @ rng.standard_normal(150)
    values += 0.2 * rng.standard_normal(150)
    found = fit_one(rows, (values - values.mean()) / values.std())
    assert 0.1 < found.lengthscale[0] < 0.45
    assert found.noise == pytest.approx(0.04 / values.var(), rel=0.5)


def test_what_cannot_be_fitted_keeps_the_priors_modes():
    rows = np.full((5, 3), 0.5)
    found = fit_one(rows, np.full(5, np.nan))
    assert np.isfinite(found.lengthscale).all()
    assert np.isfinite(found.noise)
