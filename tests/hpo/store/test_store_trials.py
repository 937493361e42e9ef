"""Trials and designs, on every database: from the queue to the outcome."""

from datetime import timedelta
from typing import Any

import pytest
from store_samples import DESIGN, FULL, add, drive_to

from hpo.store import (
    FINAL_TRIAL_STATES,
    TRIAL_STATES,
    DesignResult,
    Store,
    TrialResult,
)
from spikefront.errors import ConflictError, InputError, NotFoundError


def test_a_new_trial_is_queued_under_the_next_number(digits: Store) -> None:
    digits.create_campaign("other", {}, 1, {}, {})
    assert [add(digits), add(digits), add(digits, "other"), add(digits)] == [0, 1, 0, 2]
    trial = digits.trial("digits", 2)
    assert (trial.state, trial.config, trial.seed, trial.proposal) == (
        "queued",
        {"beta": 0.9},
        11,
        {"from": "sobol"},
    )
    assert (trial.attempts, trial.started_at, trial.finished_at, trial.artifact) == (0, None, None, None)
    assert trial.queued_at.utcoffset() == timedelta(0)


@pytest.mark.parametrize("state", ["finished", "cancelled"])
def test_a_campaign_that_is_over_takes_no_trials(digits: Store, state: Any) -> None:
    drive_to(digits, state)
    with pytest.raises(ConflictError, match=f"is {state} and takes no trials"):
        add(digits)


@pytest.mark.parametrize("seed", [-1, 2**63, 1.5, True, "1"])
def test_a_seed_that_no_database_could_hold_is_refused(digits: Store, seed: Any) -> None:
    with pytest.raises(InputError, match="whole number from 0 to 9223372036854775807"):
        digits.add_trial("digits", {}, seed, {})
    with pytest.raises(InputError):
        digits.create_campaign("other", {}, seed, {}, {})
    assert digits.trials("digits") == []


def test_the_largest_seed_survives(digits: Store) -> None:
    digits.add_trial("digits", {}, 2**63 - 1, {})
    assert digits.trial("digits", 0).seed == 2**63 - 1


def test_a_finished_trial_reads_back_with_its_designs(digits: Store) -> None:
    add(digits)
    started = digits.start_trial("digits", 0)
    assert started.state == "running"
    assert started.started_at is not None
    finished = digits.finish_trial("digits", 0, FULL)
    assert digits.trial("digits", 0) == finished
    assert finished.finished_at is not None
    assert finished.finished_at >= started.started_at >= finished.queued_at
    for field in (
        "state",
        "reason",
        "traceback",
        "metrics",
        "constraints",
        "timings",
        "versions",
        "artifact",
    ):
        assert getattr(finished, field) == getattr(FULL, field)
    assert finished.spikes_per_layer == [120.5, 3.25]
    first, second = digits.designs("digits")
    assert (first.campaign, first.trial, first.index, first.name) == ("digits", 0, 0, "0-0")
    assert (first.config, first.measures, first.details) == (DESIGN.config, DESIGN.measures, DESIGN.details)
    assert (first.feasible, first.test_measures, second.feasible, second.name) == (True, None, False, "0-1")
    assert digits.designs("digits", feasible_only=True) == [first]
    assert digits.design("digits", "0-1") == second


def reach(store: Store, state: Any) -> int:
    number = add(store)
    if state == "running":
        store.start_trial("digits", number)
    elif state != "queued":
        store.finish_trial("digits", number, TrialResult(state))
    return number


@pytest.mark.parametrize("current", TRIAL_STATES)
def test_a_trial_finishes_once(digits: Store, current: Any) -> None:
    for outcome in sorted(FINAL_TRIAL_STATES):
        number = reach(digits, current)
        if current in {"queued", "running"}:
            assert digits.finish_trial("digits", number, TrialResult(outcome)).state == outcome
        else:
            with pytest.raises(ConflictError, match=f"Trial {number} is {current}.*final"):
                digits.finish_trial("digits", number, TrialResult(outcome, reason="again"))
            assert digits.trial("digits", number).reason == ""


@pytest.mark.parametrize("current", sorted(set(TRIAL_STATES) - {"queued"}))
def test_only_a_queued_trial_starts(digits: Store, current: Any) -> None:
    number = reach(digits, current)
    with pytest.raises(ConflictError, match=f"is {current} and cannot become running"):
        digits.start_trial("digits", number)


def test_a_refused_outcome_leaves_the_trial_untouched(digits: Store) -> None:
    add(digits)
    before = digits.start_trial("digits", 0)
    bad = DesignResult({}, {"energy_uj": float("nan")}, {}, feasible=True)
    with pytest.raises(InputError, match=r"measures\.energy_uj is nan"):
        digits.finish_trial("digits", 0, TrialResult("complete", designs=[DESIGN, bad]))
    assert digits.trial("digits", 0) == before
    assert digits.designs("digits") == []
    assert [event.kind for event in digits.events("digits")][-1] == "trial_started"
    digits.finish_trial("digits", 0, FULL)


@pytest.mark.parametrize("state", ["running", "queued", "done"])
def test_an_outcome_must_be_final(digits: Store, state: Any) -> None:
    add(digits)
    with pytest.raises(InputError, match="cannot end as"):
        digits.finish_trial("digits", 0, TrialResult(state))


def test_only_a_complete_trial_has_designs(digits: Store) -> None:
    add(digits)
    with pytest.raises(InputError, match="only a complete trial"):
        digits.finish_trial("digits", 0, TrialResult("silent", designs=[DESIGN]))


def test_trials_of_a_dead_driver_return_to_the_queue(digits: Store) -> None:
    for _ in range(4):
        add(digits)
    digits.start_trial("digits", 1)
    digits.start_trial("digits", 3)
    digits.finish_trial("digits", 0, FULL)
    assert digits.requeue_running("digits") == [1, 3]
    assert [(trial.state, trial.attempts) for trial in digits.trials("digits")] == [
        ("complete", 0),
        ("queued", 1),
        ("queued", 0),
        ("queued", 1),
    ]
    assert digits.trial("digits", 1).started_at is None
    assert digits.requeue_running("digits") == []
    digits.start_trial("digits", 1)
    assert digits.requeue_running("digits") == [1]
    assert digits.trial("digits", 1).attempts == 2


def test_cancelling_the_queue_spares_running_and_finished_trials(digits: Store) -> None:
    numbers = [reach(digits, state) for state in ("queued", "running", "silent", "queued")]
    assert digits.cancel_queued("digits") == [numbers[0], numbers[3]]
    assert [trial.state for trial in digits.trials("digits")] == [
        "cancelled",
        "running",
        "silent",
        "cancelled",
    ]


def test_trials_are_filtered_and_paged(digits: Store) -> None:
    for state in ("complete", "silent", "queued", "complete", "running", "complete"):
        reach(digits, state)
    assert [trial.number for trial in digits.trials("digits", {"complete"})] == [0, 3, 5]
    assert [trial.number for trial in digits.trials("digits", {"complete", "running"}, after=0, limit=2)] == [
        3,
        4,
    ]
    assert [trial.number for trial in digits.trials("digits", after=4)] == [5]
    assert digits.trials("digits", []) == []


def test_counts_name_every_state(digits: Store) -> None:
    assert digits.counts("digits") == dict.fromkeys(TRIAL_STATES, 0)
    for state in ("complete", "silent", "silent", "queued"):
        reach(digits, state)
    expected = {**dict.fromkeys(TRIAL_STATES, 0), "complete": 1, "silent": 2, "queued": 1}
    assert digits.counts("digits") == expected


@pytest.mark.parametrize("number", [-1, 1, 2**31, 2**70])
def test_an_unknown_trial_is_not_found(digits: Store, number: int) -> None:
    add(digits)
    for verb in (digits.trial, digits.start_trial):
        with pytest.raises(NotFoundError, match=f"no trial {number}"):
            verb("digits", number)


NO_DESIGNS = ["", "0", "0-", "-0", "0-2", "1-0", "00-0", "0-0 ", "0--0", "a-b", "0-0-0", "0-99999999999"]
NO_DESIGNS.append("\u0660-\u0660")  # digits to Python, not to us


def test_an_unknown_design_is_not_found(digits: Store) -> None:
    digits.finish_trial("digits", add(digits), FULL)
    for name in NO_DESIGNS:
        with pytest.raises(NotFoundError, match="names are TRIAL-INDEX"):
            digits.design("digits", name)


def test_designs_come_by_trial_and_index(digits: Store) -> None:
    for _ in range(11):
        add(digits)
    for number in (10, 2):
        digits.finish_trial("digits", number, FULL)
    assert [design.name for design in digits.designs("digits")] == ["2-0", "2-1", "10-0", "10-1"]
    assert [design.name for design in digits.designs("digits", trial=10)] == ["10-0", "10-1"]


def test_test_measures_are_kept_beside_the_validation_measures(digits: Store) -> None:
    digits.finish_trial("digits", add(digits), FULL)
    digits.set_test_measures("digits", "0-0", {"accuracy": 0.25})
    changed = digits.set_test_measures("digits", "0-0", {"accuracy": 0.5})
    assert digits.design("digits", "0-0") == changed
    assert (changed.test_measures, changed.measures) == ({"accuracy": 0.5}, DESIGN.measures)
    assert digits.design("digits", "0-1").test_measures is None
