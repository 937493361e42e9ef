"""The rules that end a campaign before its budget, and how their word is kept."""

from datetime import UTC, datetime, timedelta

import pytest

from hpo.campaign_search import StopSpec
from hpo.control import extend, narrow
from hpo.driver import Hooks, drive
from hpo.log import line
from hpo.optimizer import Observation
from hpo.pareto import HypervolumeScale, Objective
from hpo.queries import front, status
from hpo.remarks import remarks
from hpo.stopping import StopWatch, growth_reason
from hpo.store import TrialRecord
from tests.hpo.toy import evaluate, history, open_toy
from workers.pool import SerialPool

SCALE = HypervolumeScale((Objective("loss", "min", "linear", 1.0),))
START = datetime(2026, 1, 1, tzinfo=UTC)
GROWTH = {"growth": 0.2, "within": 6}


def trial(number, begin_h, end_h=None, gain=None):
    """A trial that ran between these hours."""
    end = None if end_h is None else START + timedelta(hours=end_h)
    begin = START + timedelta(hours=begin_h)
    return TrialRecord(
        campaign="c", number=number, state="complete", config={}, seed=0, attempts=0, reason="", traceback="",
        metrics={}, constraints={}, spikes_per_layer=[], timings={}, versions={}, proposal={"gain": gain},
        artifact=None, queued_at=START, started_at=begin, finished_at=end,
    )  # fmt: skip


def observed(number, loss=None):
    if loss is None:
        return Observation(number, {}, "silent", None, {"silence": 1.0})
    return Observation(number, {}, "complete", {"loss": loss}, {}, [{"loss": loss}])


def test_hours_count_while_something_runs_and_worker_hours_all_that_runs():
    watch = StopWatch(StopSpec(hours=10), SCALE)
    watch.ended(trial(1, 1, 2), observed(1))
    watch.ended(trial(0, 0, 3), observed(0))
    watch.ended(trial(2, 5, 6), observed(2))  # nothing ran between 3 and 5
    watch.started(trial(3, 7))
    watch.started(trial(4, 7.5))
    assert watch.hours(START + timedelta(hours=8)) == pytest.approx(3 + 1 + 1)
    assert watch.worker_hours(START + timedelta(hours=8)) == pytest.approx(1 + 3 + 1 + 1 + 0.5)
    watch.ended(trial(3, 7, 9), observed(3))
    assert watch.hours(START + timedelta(hours=9)) == pytest.approx(3 + 1 + 2)


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ({"hours": 2.5}, r"stop_when.hours: trials ran for 3.00 h, of 2.5 h"),
        ({"worker_hours": 4}, r"stop_when.worker_hours: trials took 4.00 h"),
        ({"hours": 4, "worker_hours": 5}, None),
    ],
)
def test_time_ends_a_campaign(rules, words):
    watch = StopWatch(StopSpec(**rules), SCALE)
    watch.ended(trial(0, 0, 3), observed(0))
    watch.ended(trial(1, 1, 2), observed(1))
    reason = watch.reason(START + timedelta(hours=20))
    assert reason is None if words is None else reason.startswith(words)


def test_growth_needs_both_that_nothing_came_and_that_nothing_is_expected():
    still, grown = [1.0] * 7, [*[1.0] * 6, 1.5]
    little, much = [0.001] * 7, [0.05] * 7
    assert "grew by 0 %, and the models expected 0.6 %" in str(growth_reason(still, little, 0.2, 6))
    assert growth_reason(grown, little, 0.2, 6) is None
    assert growth_reason(still, much, 0.2, 6) is None


def test_growth_waits_for_enough_trials_for_models_and_for_a_front():
    assert growth_reason([1.0] * 6, [0.0] * 6, 0.2, 6) is None
    assert growth_reason([1.0] * 7, [None, *[0.0] * 6], 0.2, 6) is not None
    assert growth_reason([1.0] * 7, [*[0.0] * 6, None], 0.2, 6) is None
    assert growth_reason([0.0] * 9, [0.0] * 9, 0.2, 6) is None


def test_the_watch_follows_the_front():
    watch = StopWatch(StopSpec(growth=0.05, within=5), SCALE)
    losses = [0.9, 0.5, None, 0.6, 0.5, 0.5, 0.55]
    verdicts = []
    for number, loss in enumerate(losses):
        watch.ended(trial(number, number, number + 1, gain=0.001), observed(number, loss))
        verdicts.append(watch.reason(START) is not None)
    assert verdicts == [False] * 6 + [True]
    watch.ended(trial(7, 7, 8, gain=0.001), observed(7, 0.3))
    assert watch.reason(START) is None


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """The toy campaign under a rule of growth, driven until it stopped."""
    campaign = open_toy(
        tmp_path_factory.mktemp("home"), stop_when=GROWTH, budget={"trials": 60, "initial": 6}
    )
    assert drive(campaign, SerialPool(evaluate), Hooks()) == "finished"
    return campaign


def test_a_campaign_ends_early_and_says_why_everywhere(stopped):
    found = status(stopped.store, "toy")
    assert 12 <= found.ended < 60
    assert found.stop_reason.startswith("stop_when.growth: in the last 6 trials the hypervolume grew by ")
    assert front(stopped.store, "toy")
    assert f"the campaign stopped early: {found.stop_reason}" in remarks(stopped.store, "toy")
    assert any(f"running -> finished ({found.stop_reason})" in line(e) for e in stopped.store.events("toy"))


def test_a_campaign_that_was_stopped_in_between_decides_as_it_would_have(stopped, tmp_path):
    campaign = open_toy(tmp_path, stop_when=GROWTH, budget={"trials": 60, "initial": 6})
    for stop_after in (5, 9):
        stop = lambda limit=stop_after: status(campaign.store, "toy").ended >= limit  # noqa: E731
        assert drive(campaign, SerialPool(evaluate), Hooks(stop=stop)) == "paused"
    assert drive(campaign, SerialPool(evaluate), Hooks()) == "finished"
    assert history(campaign) == history(stopped)
    assert status(campaign.store, "toy").stop_reason == status(stopped.store, "toy").stop_reason


def test_an_extension_runs_whatever_the_rule_says_and_then_the_rule_holds_again(tmp_path):
    campaign = open_toy(tmp_path, stop_when={"hours": 1e-9}, search="random")
    assert drive(campaign, SerialPool(evaluate), Hooks()) == "finished"
    assert status(campaign.store, "toy").ended == 1
    extend(campaign.store, "toy", 4)
    assert status(campaign.store, "toy").stop_reason is None
    assert drive(campaign, SerialPool(evaluate), Hooks()) == "finished"
    found = status(campaign.store, "toy")
    assert found.ended == 5
    assert found.stop_reason.startswith("stop_when.hours")


def test_an_exhausted_narrowing_is_told_and_lifting_it_goes_on(tmp_path):
    campaign = open_toy(tmp_path, search="random", budget={"trials": 4, "initial": 2})
    said = narrow(campaign.store, "toy", ["beta=0.9", "threshold=1.0"])
    assert said == "campaign toy searches only beta=0.9 threshold=1.0 from trial 0 on"
    assert drive(campaign, SerialPool(evaluate), Hooks()) == "finished"
    found = status(campaign.store, "toy")
    assert (found.ended, found.stop_reason) == (
        2,
        "all 2 configurations of the space as it is narrowed have been tried",
    )
    assert (
        narrow(campaign.store, "toy", [], reset=True)
        == "campaign toy searches the whole space from trial 2 on"
    )
    extend(campaign.store, "toy", 1)
    assert drive(campaign, SerialPool(evaluate), Hooks()) == "finished"
    assert status(campaign.store, "toy").ended == 5


def test_a_narrowing_during_a_run_holds_from_the_next_proposal_on(tmp_path):
    campaign = open_toy(tmp_path)

    def act(request, _report):
        if request.number == 3:
            narrow(campaign.store, "toy", ["beta=0.7..0.8"])
            narrow(campaign.store, "toy", ["reset=zero"])
        return evaluate(request)

    drive(campaign, SerialPool(act), Hooks())
    trials = campaign.store.trials("toy")
    assert all(0.7 <= t.config["beta"] <= 0.8 and t.config["reset"] == "zero" for t in trials[4:])
    assert not all(0.7 <= t.config["beta"] <= 0.8 for t in trials[:4])
    assert campaign.store.campaign("toy").narrowings == (
        {"from": 4, "space": {"beta": {"low": 0.7, "high": 0.8}, "reset": {"values": ["zero"]}}},
    )
    assert status(campaign.store, "toy").as_dict()["narrowed"] == campaign.store.campaign("toy").narrowed
    assert any("from trial 4 on beta=0.7..0.8 reset=zero" in line(e) for e in campaign.store.events("toy"))
