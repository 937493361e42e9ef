"""The driver under requests: what runs ends or stops as asked, what was found stays, budgets grow."""

import pytest

from hpo.control import ask, check_resumable, extend
from hpo.driver import Hooks, drive
from hpo.queries import front, status
from spikefront.errors import ConflictError
from tests.hpo.toy import evaluate, history, open_toy
from workers.pool import SerialPool

RANDOM = {"search": "random"}


class Endless:
    """A pool of two workers whose trials never end; ``during`` is called whenever the driver waits."""

    def __init__(self, during):
        self.running = []
        self._during = during

    @property
    def free(self):
        return 2 - len(self.running)

    def submit(self, request):
        self.running.append(request.number)

    def collect(self, timeout_s, listen=None):
        self._during()
        return []

    def close(self):
        self.running.clear()


def during_trial(number, act):
    """The toy's evaluation, which acts from outside while that trial runs."""

    def evaluated(request, _report):
        if request.number == number:
            act()
        return evaluate(request)

    return SerialPool(evaluated)


@pytest.mark.parametrize(("what", "state"), [("pause", "paused"), ("cancel", "cancelled")])
def test_a_running_trial_ends_and_counts(tmp_path, what, state):
    campaign = open_toy(tmp_path, **RANDOM)
    pool = during_trial(5, lambda: ask(campaign.store, "toy", what))
    assert drive(campaign, pool, Hooks()) == state
    found = status(campaign.store, "toy")
    assert (found.state, found.request, found.ended) == (state, None, 6)
    assert campaign.store.trial("toy", 5).finished_at is not None
    assert front(campaign.store, "toy")


@pytest.mark.parametrize(
    ("what", "state", "trials"), [("pause", "paused", "queued"), ("cancel", "cancelled", "cancelled")]
)
def test_running_trials_are_left_when_that_is_asked(tmp_path, what, state, trials):
    campaign = open_toy(tmp_path, **RANDOM)
    pool = Endless(lambda: ask(campaign.store, "toy", what, at_once=True))
    assert drive(campaign, pool, Hooks()) == state
    assert [t.state for t in campaign.store.trials("toy")] == [trials, trials]
    assert pool.running == [0, 1]  # still there: the caller closes the pool


def test_a_patient_request_can_be_made_urgent(tmp_path):
    campaign = open_toy(tmp_path, **RANDOM)
    asked = iter([False, False, True])
    pool = Endless(lambda: ask(campaign.store, "toy", "pause", at_once=next(asked)))
    assert drive(campaign, pool, Hooks()) == "paused"
    assert next(asked, "all asked") == "all asked"


def test_a_paused_campaign_continues_as_if_it_had_not_paused(tmp_path):
    whole = open_toy(tmp_path / "whole")
    drive(whole, SerialPool(evaluate), Hooks())
    campaign = open_toy(tmp_path / "paused")
    assert drive(campaign, during_trial(8, lambda: ask(campaign.store, "toy", "pause")), Hooks()) == "paused"
    assert drive(campaign, SerialPool(evaluate), Hooks()) == "finished"
    assert history(campaign) == history(whole)


def test_an_extended_campaign_goes_on_as_if_its_budget_had_always_been_larger(tmp_path):
    whole = open_toy(tmp_path / "whole", budget={"trials": 11, "initial": 6})
    drive(whole, SerialPool(evaluate), Hooks())
    campaign = open_toy(tmp_path / "extended", budget={"trials": 8, "initial": 6})
    drive(campaign, SerialPool(evaluate), Hooks())
    assert "11 trials now: continue it with 'spikefront resume toy'" in extend(campaign.store, "toy", 3)
    assert status(campaign.store, "toy").trials_total == 11
    assert drive(campaign, SerialPool(evaluate), Hooks()) == "finished"
    assert history(campaign) == history(whole)


def test_an_extension_during_the_last_trial_is_heeded(tmp_path):
    campaign = open_toy(tmp_path, **RANDOM)
    pool = during_trial(13, lambda: extend(campaign.store, "toy", 2))
    assert drive(campaign, pool, Hooks()) == "finished"
    assert status(campaign.store, "toy").ended == 16


def test_a_stop_before_the_first_trial_finishes_nothing(tmp_path):
    campaign = open_toy(tmp_path, **RANDOM)
    answers = iter([False, True, True])
    assert drive(campaign, SerialPool(evaluate), Hooks(stop=lambda: next(answers))) == "paused"
    assert campaign.store.trials("toy") == []


def test_a_driver_that_follows_one_that_died_cancels_as_was_asked_of_that_one(tmp_path):
    campaign = open_toy(tmp_path, **RANDOM)
    store = campaign.store
    store.take_lease("toy", "elsewhere:1:x", 60)
    store.set_campaign_state("toy", "running")
    assert "asked the driver elsewhere:1:x to cancel" in ask(store, "toy", "cancel")
    store.drop_lease("toy", 1)
    assert drive(campaign, SerialPool(evaluate), Hooks()) == "cancelled"
    assert store.trials("toy") == []


def test_what_can_be_resumed_and_what_cannot(tmp_path):
    campaign = open_toy(tmp_path, **RANDOM)
    store = campaign.store
    check_resumable(store, "toy")
    token = store.take_lease("toy", "elsewhere:1:x", 60)
    with pytest.raises(ConflictError, match="driven by elsewhere:1:x"):
        check_resumable(store, "toy")
    store.drop_lease("toy", token)
    drive(campaign, SerialPool(evaluate), Hooks())
    with pytest.raises(ConflictError, match="spikefront extend toy --trials N"):
        check_resumable(store, "toy")
    extend(store, "toy", 1)
    check_resumable(store, "toy")
    assert ask(store, "toy", "cancel") == "campaign toy is cancelled"
    with pytest.raises(ConflictError, match="cancelled for good"):
        check_resumable(store, "toy")
