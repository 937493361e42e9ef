"""Progress of running trials, on every database: the newest, of those that run, under the driver's lease."""

from typing import Any

import pytest
from store_samples import FULL, add

from hpo.store import Store
from spikefront.errors import NotFoundError, TakenOverError


def running(store: Store, count: int) -> None:
    store.set_campaign_state("digits", "running")
    for _ in range(count):
        store.start_trial("digits", add(store))


def noted(store: Store) -> dict[int, Any]:
    return {record.trial: record.detail for record in store.progress("digits")}


def test_the_newest_of_each_running_trial_is_kept(digits: Store) -> None:
    running(digits, 2)
    digits.note_progress("digits", {1: {"epoch": 1}, 0: {"epoch": 3, "loss": None}})
    digits.note_progress("digits", {1: {"epoch": 2}})
    assert noted(digits) == {0: {"epoch": 3, "loss": None}, 1: {"epoch": 2}}
    assert [event.kind for event in digits.events("digits")].count("trial_started") == 2
    assert len(digits.events("digits")) == 6, "progress leaves no events"


def test_of_trials_that_do_not_run_nothing_is_kept(digits: Store) -> None:
    running(digits, 1)
    add(digits)
    digits.note_progress("digits", {0: {"epoch": 1}, 1: {"epoch": 1}, 7: {"epoch": 1}})
    assert noted(digits) == {0: {"epoch": 1}}
    digits.note_progress("digits", {})
    with pytest.raises(NotFoundError):
        digits.note_progress("other", {})


@pytest.mark.parametrize("end", ["finish", "requeue", "cancel", "leave"])
def test_it_goes_when_the_trial_no_longer_runs(digits: Store, end: str) -> None:
    running(digits, 2)
    digits.note_progress("digits", {0: {"epoch": 1}, 1: {"epoch": 4}})
    if end == "finish":
        digits.finish_trial("digits", 0, FULL)
        assert noted(digits) == {1: {"epoch": 4}}
    elif end == "requeue":
        digits.requeue_running("digits")
    elif end == "cancel":
        digits.ask("digits", "cancel", at_once=True)
    else:
        digits.leave("digits", "paused")
    assert end == "finish" or noted(digits) == {}


def test_a_driver_that_lost_its_lease_notes_nothing(digits: Store) -> None:
    running(digits, 1)
    former = digits.fenced("digits", digits.take_lease("digits", "host:1:a", 0.0))
    digits.take_lease("digits", "host:2:b", 60.0)
    with pytest.raises(TakenOverError):
        former.note_progress("digits", {0: {"epoch": 9}})
    assert noted(digits) == {}
