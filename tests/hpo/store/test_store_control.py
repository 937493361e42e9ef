"""Requests of other processes, on every database: left to the driver that lives, else done at once."""

from typing import Any

import pytest
from store_samples import FULL, Start, add, drive_to, until

from hpo.control import ask, extend
from hpo.store import Store, open_store
from spikefront.errors import ConflictError, InputError, TakenOverError


@pytest.fixture
def running(digits: Store) -> Store:
    """The campaign "digits", running, with a complete, a running and a queued trial, and no driver."""
    digits.set_campaign_state("digits", "running")
    for _ in range(3):
        add(digits)
    digits.finish_trial("digits", 0, FULL)
    digits.start_trial("digits", 1)
    return digits


def states(store: Store) -> list[str]:
    return [trial.state for trial in store.trials("digits")]


@pytest.mark.parametrize("what", ["pause", "cancel"])
@pytest.mark.parametrize("now", [False, True])
def test_a_driver_that_lives_is_asked(running: Store, what: Any, now: bool) -> None:
    token = running.take_lease("digits", "host-a:1", 60)
    before = states(running)
    record = running.ask("digits", what, now)
    assert (record.state, record.request, record.request_now) == ("running", what, now)
    assert states(running) == before
    running.fenced("digits", token).leave("digits", "paused", record)
    after = running.campaign("digits")
    assert (after.state, after.request, after.request_now) == (
        {"pause": "paused", "cancel": "cancelled"}[what],
        None,
        False,
    )


def test_a_pause_without_a_driver_is_done_at_once(running: Store) -> None:
    assert running.ask("digits", "pause").state == "paused"
    assert states(running) == ["complete", "queued", "queued"]
    assert running.trial("digits", 1).attempts == 1
    assert running.lease_holder("digits") is None


@pytest.mark.parametrize("state", ["created", "paused", "failed"])
def test_a_campaign_that_nobody_drives_is_cancelled_at_once(digits: Store, state: Any) -> None:
    drive_to(digits, state)
    add(digits)
    digits.finish_trial("digits", 0, FULL)
    add(digits)
    assert digits.ask("digits", "cancel").state == "cancelled"
    assert states(digits) == ["complete", "cancelled"]
    assert len(digits.designs("digits")) == 2


def test_a_driver_that_was_thought_dead_is_fenced_off(running: Store) -> None:
    late = running.fenced("digits", running.take_lease("digits", "late:1", -1))
    running.ask("digits", "pause")
    with pytest.raises(TakenOverError, match="by a pause request"):
        late.finish_trial("digits", 1, FULL)
    assert states(running) == ["complete", "queued", "queued"]


def test_a_driver_known_to_be_dead_is_not_waited_for(running: Store) -> None:
    running.take_lease("digits", "dead:1", 60)
    assert running.ask("digits", "cancel", dead="dead:1").state == "cancelled"


@pytest.mark.parametrize(
    ("what", "state"),
    [("pause", s) for s in ("created", "paused", "failed", "finished", "cancelled")]
    + [("cancel", "finished"), ("cancel", "cancelled")],
)
def test_what_the_state_forbids_is_refused(digits: Store, what: Any, state: Any) -> None:
    drive_to(digits, state)
    before = digits.campaign("digits"), digits.events("digits")
    with pytest.raises(ConflictError, match=f"'digits' is {state}"):
        digits.ask("digits", what)
    assert (digits.campaign("digits"), digits.events("digits")) == before


def test_a_later_request_takes_the_place_of_an_earlier_one(running: Store) -> None:
    running.take_lease("digits", "host-a:1", 60)
    running.ask("digits", "pause")
    assert running.ask("digits", "pause", at_once=True).request_now
    record = running.ask("digits", "cancel")
    assert (record.request, record.request_now) == ("cancel", False)
    with pytest.raises(ConflictError, match="is being cancelled"):
        running.ask("digits", "pause")


def test_the_next_driver_forgets_a_pause_and_heeds_a_cancel(running: Store) -> None:
    running.take_lease("digits", "first:1", 60)
    running.ask("digits", "pause", at_once=True)
    running.take_lease("digits", "next:2", 60, dead="first:1")
    record = running.campaign("digits")
    assert (record.request, record.request_now) == (None, False)
    running.ask("digits", "cancel")
    running.take_lease("digits", "third:3", 60, dead="next:2")
    assert running.campaign("digits").request == "cancel"


@pytest.mark.parametrize("meanwhile", ["pause", "cancel", "extend"])
def test_nobody_leaves_without_having_seen_what_was_asked(running: Store, meanwhile: Any) -> None:
    running.take_lease("digits", "host-a:1", 60)
    seen = running.campaign("digits")
    if meanwhile == "extend":
        running.extend("digits", 5)
    else:
        running.ask("digits", meanwhile)
    before = running.campaign("digits"), running.trials("digits"), running.events("digits")
    assert not running.leave("digits", "finished", seen)
    assert (running.campaign("digits"), running.trials("digits"), running.events("digits")) == before
    assert running.leave("digits", "paused", running.campaign("digits"))


def test_extensions_add_up_and_reopen_a_finished_campaign(digits: Store) -> None:
    assert digits.extend("digits", 5).extra_trials == 5
    drive_to(digits, "finished")
    record = digits.extend("digits", 7)
    assert (record.extra_trials, record.state) == (12, "paused")
    digits.set_campaign_state("digits", "running")


def test_a_cancelled_campaign_is_not_extended(running: Store) -> None:
    running.take_lease("digits", "host-a:1", 60)
    running.ask("digits", "cancel")
    with pytest.raises(ConflictError, match="is cancelled and takes no trials"):
        running.extend("digits", 1)
    running.leave("digits", "paused")
    with pytest.raises(ConflictError, match="is cancelled and takes no trials"):
        running.extend("digits", 1)


@pytest.mark.parametrize("trials", [0, -1, 1.5, True, 10**6 + 1, "3"])
def test_an_extension_is_a_number_of_trials(digits: Store, trials: Any) -> None:
    with pytest.raises(InputError, match="cannot be extended by"):
        digits.extend("digits", trials)
    assert digits.campaign("digits").extra_trials == 0


def test_extensions_have_a_limit_together(digits: Store) -> None:
    digits.extend("digits", 10**6)
    with pytest.raises(InputError, match="1000000 extra trials are the most"):
        digits.extend("digits", 1)


def test_a_driver_in_another_process_heeds(store_url: str, start: Start) -> None:
    """Pause it, extend it, continue it, cancel it: by the store alone."""
    store = open_store(store_url)
    first = start()
    until(store, 3)
    assert ask(store, "toy", "pause").startswith("asked the driver ")
    assert extend(store, "toy", 86) == "campaign toy has 100 trials now: its driver goes on"
    assert first.communicate(timeout=60)[0] == "driving\npaused\n"
    ended = sum(store.counts("toy")[state] for state in ("complete", "silent", "failed"))
    assert 3 <= ended < 14
    assert sum(store.counts("toy").values()) == ended
    second = start()
    until(store, 16)
    ask(store, "toy", "cancel", at_once=True)
    assert second.communicate(timeout=60)[0] == "driving\ncancelled\n"
    assert store.counts("toy")["complete"] > 0
    assert store.counts("toy")["queued"] == store.counts("toy")["running"] == 0
    store.close()
