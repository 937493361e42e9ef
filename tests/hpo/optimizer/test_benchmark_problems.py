import numpy as np
import pytest

from benchmarks.optimizer.problems import c2dtlz2, osy, spiking
from hpo.optimizer.gp import quiet
from hpo.optimizer.propose import random_proposal

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(("ours", "name"), [(osy, "OSY"), (c2dtlz2, "C2DTLZ2")])
def test_published_problems_equal_botorchs(ours, name):
    import torch

    with quiet():
        from botorch.test_functions import multi_objective

        peer = multi_objective.OSY() if name == "OSY" else multi_objective.C2DTLZ2(dim=12, num_objectives=2)
    box = ours(0)
    for index in range(20):
        config = random_proposal(box.problem, index, []).config
        outcomes, constraints = box.run(config, RNG)
        x = torch.tensor(list(config.values()), dtype=torch.float64)[None]
        np.testing.assert_allclose(list(outcomes.values()), peer.evaluate_true(x)[0].numpy(), rtol=1e-9)
        # BoTorch's slack is feasible at or above zero, scaled by a constant.
        slack = peer.evaluate_slack_true(x)[0].numpy()
        assert (np.array(list(constraints.values())) <= 0).tolist() == (slack >= 0).tolist()


def test_the_spiking_problem_is_silent_in_about_two_thirds():
    box = spiking(0)
    trials = [box.evaluate(random_proposal(box.problem, k, []), RNG) for k in range(600)]
    assert 0.6 < np.mean([t.status == "silent" for t in trials]) < 0.7
    assert {len(t.points) for t in trials if t.status == "complete"} == {4}
    assert all(t.constraints["silence"] > 0 for t in trials if t.status == "silent")
