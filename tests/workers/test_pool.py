"""One suite for every pool, and what only Ray can show: trials that kill their worker or hang."""

import os
import signal
import sys
import time
from itertools import pairwise

import pytest
import ray

from models.records import EpochReport
from spikefront.errors import InputError
from workers.outcome import TrialOutcome, TrialRequest
from workers.pool import Resources, SerialPool
from workers.progress import deaf
from workers.ray_pool import RayPool

REPORT_S = 0.1


def request(number, **config):
    return TrialRequest(
        number=number, seed=number, config=config, designs={}, data={}, silence={}, split_seed=0,
        data_root=None, energy_model="asic_45nm",
    )  # fmt: skip


def epoch(number):
    return EpochReport(
        epoch=number, loss=1.0 / number, accuracy=0.5, validation_accuracy=number / 100.0,
        spikes_per_layer=(20.0, 3.0), firing_rates=(0.2, 0.1), silence_constraint=-0.1, learning_rate=0.01,
        seconds=0.05,
    )  # fmt: skip


def work(asked, report):
    """Answers, raises, hangs or dies, as the configuration says."""
    what = asked.config.get("what")
    if what == "raise":
        raise ValueError("broken on purpose")
    if what == "hang":
        time.sleep(600)
    if what == "stubborn":
        for number in (signal.SIGALRM, signal.SIGUSR1):
            signal.signal(number, signal.SIG_IGN)
        time.sleep(600)
    if what == "die":
        os._exit(1)
    for number in range(asked.config.get("epochs", 0)):
        report(epoch(number + 1))
        time.sleep(asked.config.get("pause", 0.05))
    return TrialOutcome(state="complete", metrics={"seed": asked.seed})


@pytest.fixture(scope="module", autouse=True)
def _work_travels_by_value():
    """Workers cannot import this module: ``work`` is sent to them whole."""
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    yield
    ray.cloudpickle.unregister_pickle_by_value(sys.modules[__name__])


@pytest.fixture(scope="module")
def ray_pool(_work_travels_by_value):
    pool = RayPool(work, Resources(workers=2, report_s=REPORT_S))
    yield pool
    pool.close()


@pytest.fixture(params=["serial", "ray"])
def pool(request):
    return (
        request.getfixturevalue("ray_pool") if request.param == "ray" else SerialPool(work, report_s=REPORT_S)
    )


def drain(pool, requests, listen=deaf):
    """Run requests through a pool, never more at once than it has room for."""
    waiting, ended, deadline = list(requests), {}, time.monotonic() + 90
    while len(ended) < len(requests):
        assert time.monotonic() < deadline
        while waiting and pool.free:
            pool.submit(waiting.pop(0))
        ended.update(pool.collect(0.2, listen))
    return ended


def drain_one(pool):
    """State and reason of the one trial that runs."""
    deadline = time.monotonic() + 60
    while not (ended := pool.collect(0.2)):
        assert time.monotonic() < deadline
    [(_, outcome)] = ended
    return outcome.state, outcome.reason


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


def test_progress_is_told_the_newest_first_seldom_and_never_twice(pool):
    heard, moments = [], []

    def listen(newest):
        for number, progress in newest.items():
            heard.append((number, progress))
            moments.append(time.monotonic())

    assert drain(pool, [request(3, epochs=40, pause=0.03)], listen)[3].state == "complete"
    epochs = [progress.epoch for _, progress in heard]
    assert {number for number, _ in heard} == {3}
    assert epochs == sorted(set(epochs))
    assert 1 < len(epochs) < 30
    assert all(b - a > 0.5 * REPORT_S for a, b in pairwise(moments))
    newest = heard[-1][1]
    assert newest.validation_accuracy == tuple((n + 1) / 100.0 for n in range(newest.epoch))
    assert newest.spikes_per_layer == (20.0, 3.0)


def test_a_trial_that_is_stopped_keeps_what_it_had_shown(pool):
    """The listener stops it at its third epoch or later; another trial of the pool is not touched."""

    def listen(newest):
        if 4 in newest and newest[4].epoch >= 3:
            pool.stop(4, "beaten by all others")

    started = time.monotonic()
    ended = drain(pool, [request(4, epochs=1000), request(5, epochs=3)], listen)
    assert time.monotonic() - started < 20
    assert (ended[4].state, ended[4].reason) == ("pruned", "beaten by all others")
    assert 3 <= len(ended[4].metrics["validation_accuracy"]) < 200
    assert ended[4].metrics["firing_rates"][0] == [0.2, 0.1]
    assert ended[5].state == "complete"
    assert drain(pool, [request(4, epochs=2)])[4].state == "complete", "the stop was of one run"


def collect_all(pool, count, listen=deaf):
    """Outcomes of so many trials, by number."""
    ended, deadline = {}, time.monotonic() + 90
    while len(ended) < count:
        assert time.monotonic() < deadline
        ended.update(pool.collect(0.2, listen))
    return ended


def test_trials_that_are_submitted_together_take_one_worker_and_are_answered_each(pool):
    room = pool.free
    pool.submit(request(0, epochs=2), request(1, what="raise"), request(2))
    assert pool.free == room - 1
    ended = collect_all(pool, 3)
    assert pool.free == room
    assert [ended[n].state for n in range(3)] == ["complete", "failed", "complete"]
    assert ended[2].metrics == {"seed": 2}


def test_one_of_several_trials_is_stopped_and_the_others_go_on(pool):
    heard = set()

    def listen(newest):
        heard.update(newest)
        if 5 in newest:
            pool.stop(5, "beaten")

    pool.submit(request(4, epochs=20), request(5, epochs=400), request(6, epochs=20))
    ended = collect_all(pool, 3, listen)
    assert {n: outcome.state for n, outcome in ended.items()} == {4: "complete", 5: "pruned", 6: "complete"}
    assert ended[5].reason == "beaten"
    assert 1 <= len(ended[5].metrics["loss"]) < 400
    assert heard == {4, 5, 6}


def test_a_trial_that_kills_its_worker_takes_none_with_it(ray_pool):
    ray_pool.submit(request(0), request(1, what="die"), request(2))
    ended = collect_all(ray_pool, 3)
    assert [ended[n].state for n in range(3)] == ["complete", "failed", "complete"]
    assert "worker died 3 times" in ended[1].reason
    assert ray_pool.free == 2


def test_stopping_what_does_not_run_does_nothing(pool):
    pool.stop(99, "not here")
    assert drain(pool, [request(99)])[99].state == "complete"


@pytest.mark.parametrize("what", ["hang", "stubborn"])
def test_a_ray_trial_is_stopped_wherever_it_is(what, ray_pool, monkeypatch):
    """One that sleeps is interrupted in its worker; one that ignores signals loses it."""
    monkeypatch.setattr("workers.ray_pool.GRACE_S", 3.0)
    ray_pool.submit(request(0, what=what))
    time.sleep(1.0)
    ray_pool.stop(0, "not wanted")
    assert [drain_one(ray_pool)] == [("pruned", "not wanted")]


def test_ray_survives_a_worker_that_dies(ray_pool):
    ended = drain(ray_pool, [request(0, what="die"), request(1)])
    assert ended[0].state == "failed"
    assert "worker died 3 times" in ended[0].reason
    assert ended[1].state == "complete"


@pytest.mark.parametrize("what", ["hang", "stubborn"])
def test_a_trial_over_its_time_limit_is_stopped(what, monkeypatch):
    """One that sleeps is stopped in its worker; one that cannot be interrupted loses it."""
    monkeypatch.setattr("workers.ray_pool.GRACE_S", 2.0)
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
