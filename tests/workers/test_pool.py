"""One suite for every pool, and what only Ray can show: trials that kill their worker or hang."""

import os
import signal
import sys
import time

import pytest
import ray

from spikefront.errors import InputError
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
    if what == "stubborn":
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
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
    assert "worker died 3 times" in ended[0].reason
    assert ended[1].state == "complete"


@pytest.mark.parametrize("what", ["hang", "stubborn"])
def test_a_trial_over_its_time_limit_is_stopped(what, monkeypatch):
    """One that sleeps is stopped in its worker; one that cannot be interrupted loses it."""
    monkeypatch.setattr("workers.pool.GRACE_S", 2.0)
    pool = RayPool(work, Resources(workers=2, time_limit_s=8.0))
    try:
        ended = drain(pool, [request(0, what=what), request(1)])
        assert ended[0].state == "failed"
        assert "time limit of 8 s" in ended[0].reason
        assert ended[1].state == "complete"
        assert drain(pool, [request(2)])[2].state == "complete"
    finally:
        pool.close()


def test_the_serial_pool_keeps_the_time_limit_too():
    outcome = drain(SerialPool(work, time_limit_s=0.5), [request(0, what="hang")])[0]
    assert outcome.reason == "stopped after its time limit of 0.5 s"


def test_a_cluster_that_does_not_answer_is_one_sentence():
    with pytest.raises(InputError, match=r"no Ray cluster answers at '127\.0\.0\.1:1'"):
        RayPool(work, Resources(), address="127.0.0.1:1")


def test_an_address_in_the_environment_is_not_joined_by_accident(monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:6399")
    pool = RayPool(work, Resources(workers=1))
    try:
        assert drain(pool, [request(0)])[0].state == "complete"
    finally:
        pool.close()
