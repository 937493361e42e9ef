"""The driver: budget, stops, kills, failures, and one driver at a time."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from hpo.driver import Hooks, drive
from hpo.lease import hold
from hpo.queries import front, hypervolume_curve, status
from spikefront.errors import ConflictError, SpikefrontError
from tests.hpo.toy import evaluate, history, open_toy
from workers.pool import SerialPool

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The toy campaign, driven to its end without disturbance."""
    campaign = open_toy(tmp_path_factory.mktemp("home"))
    assert drive(campaign, SerialPool(evaluate), Hooks()) == "finished"
    return campaign


def test_the_whole_budget_is_spent_and_recorded(finished):
    found = status(finished.store, "toy")
    assert found.state == "finished"
    assert found.ended == found.trials_total == 14
    assert found.counts["complete"] == len(finished.store.designs("toy"))
    assert found.counts["silent"] > 0
    assert found.hypervolume > 0


def test_the_front_and_the_curve_agree(finished):
    curve = hypervolume_curve(finished.store, "toy")
    assert len(curve) == 14
    assert curve == sorted(curve)
    assert curve[-1] == pytest.approx(status(finished.store, "toy").hypervolume)
    designs = [f.design.measures for f in front(finished.store, "toy")]
    assert [m["accuracy"] for m in designs] == sorted((m["accuracy"] for m in designs), reverse=True)
    assert [m["latency_us"] for m in designs] == sorted((m["latency_us"] for m in designs), reverse=True)


def test_a_trial_that_raises_does_not_end_the_campaign(finished):
    failed = finished.store.trials("toy", states={"failed"})
    for trial in failed:
        assert trial.reason == "RuntimeError: a low beta breaks the toy"
        assert "in evaluate" in trial.traceback
        assert trial.config["beta"] < 0.45


def test_a_stopped_campaign_continues_as_if_it_had_not_stopped(finished, tmp_path):
    campaign = open_toy(tmp_path)
    for stop_after in (3, 8):
        stop = lambda limit=stop_after: status(campaign.store, "toy").ended >= limit  # noqa: E731
        assert drive(campaign, SerialPool(evaluate), Hooks(stop=stop)) == "paused"
        assert status(campaign.store, "toy").state == "paused"
    assert drive(campaign, SerialPool(evaluate), Hooks()) == "finished"
    assert history(campaign) == history(finished)


def test_kill_9_at_random_moments_loses_nothing(finished, tmp_path):
    rng = random.Random(5)
    for _ in range(6):
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.hpo.toy", str(tmp_path)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert child.stdout is not None
        assert child.stdout.readline() == "driving\n"
        time.sleep(rng.uniform(0.05, 1.5))
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        child.stdout.close()
    campaign = open_toy(tmp_path)
    if status(campaign.store, "toy").state != "finished":
        assert drive(campaign, SerialPool(evaluate), Hooks()) == "finished"
    assert history(campaign) == history(finished)
    told = Counter((event.kind, event.trial) for event in campaign.store.events("toy"))
    for trial in campaign.store.trials("toy"):
        assert told["trial_finished", trial.number] == 1
        assert told["trial_started", trial.number] == trial.attempts + 1


def test_a_second_driver_is_refused_while_the_first_lives(tmp_path):
    campaign = open_toy(tmp_path)
    with hold(campaign.store, "toy"), pytest.raises(ConflictError, match="is driven by"):
        drive(campaign, SerialPool(evaluate), Hooks())
    assert drive(campaign, SerialPool(evaluate), Hooks()) == "finished"


def test_a_finished_campaign_is_not_driven_again(finished):
    with pytest.raises(ConflictError, match="finished"):
        drive(finished, SerialPool(evaluate), Hooks())


def test_a_campaign_whose_first_trials_all_fail_is_stopped_and_can_be_mended(tmp_path):
    def broken(_request, _report):
        raise OSError("no data on this machine")

    campaign = open_toy(tmp_path)
    with pytest.raises(SpikefrontError, match=r"5 trials failed and none completed.*no data on this machine"):
        drive(campaign, SerialPool(broken), Hooks())
    assert status(campaign.store, "toy").state == "failed"
    assert drive(campaign, SerialPool(evaluate), Hooks()) == "finished"


@pytest.mark.parametrize("broken", [float("nan"), float("inf"), "0.5"])
def test_an_outcome_that_cannot_be_recorded_fails_its_trial_and_not_the_campaign(tmp_path, broken):
    def odd(request, _report):
        found = evaluate(request)
        if request.number == 1:
            design = replace(found.designs[0], measures={**found.designs[0].measures, "accuracy": broken})
            return replace(found, designs=(design,))
        return found

    campaign = open_toy(tmp_path, search="random", budget={"trials": 4, "initial": 4})
    assert drive(campaign, SerialPool(odd), Hooks()) == "finished"
    trial = campaign.store.trial("toy", 1)
    assert trial.state == "failed"
    assert "its outcome cannot be recorded: measures.accuracy" in trial.reason
    assert len(front(campaign.store, "toy")) >= 1


def test_bounds_decide_what_is_feasible(tmp_path):
    campaign = open_toy(tmp_path, constraints={"latency_us": {"max": 45.0}})
    drive(campaign, SerialPool(evaluate), Hooks())
    designs = campaign.store.designs("toy")
    assert {d.feasible for d in designs} == {True, False}
    assert all(d.feasible == (d.measures["latency_us"] <= 45.0) for d in designs)
    assert all(f.design.feasible for f in front(campaign.store, "toy"))
