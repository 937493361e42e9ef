"""One suite for every pool, and what only Ray can show: trials that kill their worker or hang."""

import os
import sys
import time

import pytest
import ray

from workers.outcome import TrialOutcome, TrialRequest
from workers.pool import RayPool, Resources, SerialPool


def request(number, **config):
    return TrialRequest(
        number=number, seed=number, config=config, designs={}, data={}, silence={}, split_seed=0,
        data_root=None, energy_model="asic_45nm",
    )  # fmt: skip


def work(asked):
    """Answers, raises, hangs or dies, as the configuration says."""
    what = asked.config.get("what")
    if what == "raise":
        raise ValueError("broken on purpose")
    if what == "hang":
        time.sleep(600)
    if what == "die":
        os._exit(1)
    return TrialOutcome(state="complete", metrics={"seed": asked.seed})


@pytest.fixture(scope="module", autouse=True)
def _work_travels_by_value():
    """Workers cannot import this module: ``work`` is sent to them whole."""
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    yield
    ray.cloudpickle.unregister_pickle_by_value(sys.modules[__name__])


@pytest.fixture(scope="module")
def ray_pool(_work_travels_by_value):
    pool = RayPool(work, Resources(workers=2))
    yield pool
    pool.close()


@pytest.fixture(params=["serial", "ray"])
def pool(request):
    return request.getfixturevalue("ray_pool") if request.param == "ray" else SerialPool(work)


def drain(pool, requests):
    """Run requests through a pool, never more at once than it has room for."""
    waiting, ended, deadline = list(requests), {}, time.monotonic() + 90
    while len(ended) < len(requests):
        assert time.monotonic() < deadline
        while waiting and pool.free:
            pool.submit(waiting.pop(0))
        ended.update(pool.collect(0.2))
    return ended


def test_every_request_is_answered_once(pool):
    ended = drain(pool, [request(n) for n in range(5)])
    assert {n: outcome.metrics["seed"] for n, outcome in ended.items()} == {n: n for n in range(5)}
    assert pool.collect(0.0) == []


def test_a_trial_that_raises_fails_with_its_traceback(pool):
    ended = drain(pool, [request(0, what="raise"), request(1)])
    assert ended[0].state == "failed"
    assert ended[0].reason == "ValueError: broken on purpose"
    assert "in work" in ended[0].traceback
    assert ended[1].state == "complete"


def test_free_counts_down_and_up(pool):
    room = pool.free
    pool.submit(request(7))
    assert pool.free == room - 1
    while not pool.collect(0.2):
        pass
    assert pool.free == room


def test_ray_survives_a_worker_that_dies(ray_pool):
    ended = drain(ray_pool, [request(0, what="die"), request(1)])
    assert ended[0].state == "failed"
    assert "worker died" in ended[0].reason
    assert ended[1].state == "complete"


def test_a_trial_over_its_time_limit_is_stopped():
    pool = RayPool(work, Resources(workers=2, time_limit_s=3.0))
    try:
        ended = drain(pool, [request(0, what="hang"), request(1)])
        assert ended[0].state == "failed"
        assert "time limit of 3 s" in ended[0].reason
        assert ended[1].state == "complete"
        assert drain(pool, [request(2)])[2].state == "complete"
    finally:
        pool.close()
