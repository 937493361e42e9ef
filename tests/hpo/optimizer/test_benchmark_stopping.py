import math

import numpy as np
import pytest

from benchmarks.optimizer.stopping import (
    WORKERS,
    Campaign,
    Way,
    problem_of,
    simulate,
    summary,
    trainings,
)


@pytest.fixture(scope="module")
def problem():
    return problem_of(1)


@pytest.fixture(scope="module")
def pool(problem):
    return trainings(problem, 60)


def test_every_seed_draws_its_own_order_of_the_trainings(problem, pool):
    assert pool[0].config != trainings(problem_of(2), 1)[0].config
    assert [t.config for t in pool[:5]] == [t.config for t in trainings(problem, 5)]


def test_without_stopping_trainings_take_their_time_on_four_workers(problem, pool):
    campaign = Campaign(problem, pool, Way())
    took = simulate(campaign, 12, math.inf)
    busy = sum(pool[o.index].seconds for o in campaign.history)
    assert len(campaign.history) == 12
    assert busy / WORKERS <= took <= busy
    volumes = [volume for _, volume in campaign.counts.volumes]
    assert volumes == sorted(volumes)
    assert campaign.counts.stopped == 0


def test_a_rule_that_stops_whatever_is_unsure_ends_more_trainings_in_the_same_time(problem, pool):
    whole = Campaign(problem, pool, Way())
    took = simulate(whole, 14, math.inf)
    hasty = Campaign(problem, pool, Way(chance=0.9))
    simulate(hasty, None, took)
    assert hasty.counts.stopped > 0
    assert len(hasty.history) > len(whole.history)
    told = [o for o in hasty.history if o.status == "pruned"]
    assert len(told) == hasty.counts.stopped
    assert hasty.counts.saved_s > 0


def test_hypervolume_is_compared_at_the_same_time():
    base = {"way": "none", "seed": 0, "simulated_s": 10.0, "volumes": [(4.0, 1.0), (10.0, 2.0)]}
    row = {**base, "way": "5%", "simulated_s": 10.1, "volumes": [(4.0, 1.5), (8.0, 2.0), (10.1, 9.0)]}
    counts = {"complete": 2, "silent": 0, "stopped": 1, "wronged": 0, "lost": 0.0, "saved_s": 4.0}
    found = {r["way"]: r for r in summary([base | counts, row | counts])}
    assert found["5%"]["hypervolume"] == pytest.approx(1.0)
    assert found["5%"]["at half time"] == pytest.approx(1.5)
    assert found["5%"]["time to the same"] == pytest.approx(0.8)
    assert found["none"]["hypervolume"] == 1.0
    assert np.isclose(found["5%"]["saved %"], 100 * 4.0 / (WORKERS * 10.1))
