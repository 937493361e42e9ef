"""What every store must do, on every database it supports."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hpo.store import (
    CAMPAIGN_STATES,
    FINAL_TRIAL_STATES,
    TRIAL_STATES,
    DesignResult,
    Store,
    TrialResult,
    open_store,
)
from spikefront.errors import ConflictError, InputError, NotFoundError

DESIGN = DesignResult(
    config={"lanes": [4, 2], "weight_bits": 6},
    measures={"accuracy": 0.9375, "latency_us": 12.5, "energy_uj": 0.1, "luts": 812},
    details={"cycles": [700, 550]},
    feasible=True,
)
FULL = TrialResult(
    state="complete",
    reason="trained to the end",
    metrics={"accuracy_float": 0.95, "epochs": 4},
    constraints={"silence": -0.25},
    spikes_per_layer=[120.5, 3.25],
    timings={"train_s": 2.5},
    versions={"torch": "2.13.0"},
    artifact="ab" * 32,
    designs=[DESIGN, DesignResult({"lanes": [1, 1]}, {"accuracy": 0.5}, {}, feasible=False)],
)


def add(store: Store, campaign: str = "digits") -> int:
    return store.add_trial(campaign, {"beta": 0.9}, 11, {"from": "sobol"}).number


def test_a_new_campaign_reads_back_as_given(store: Store) -> None:
    before = datetime.now(UTC)
    made = store.create_campaign(
        "digits-1", {"space": {"beta": [0, 1]}}, 3, {"accuracy": 0.1}, {"torch": "2"}
    )
    assert store.campaign("digits-1") == made
    assert (made.state, made.seed, made.reference) == ("created", 3, {"accuracy": 0.1})
    assert made.spec == {"space": {"beta": [0, 1]}}
    assert made.versions == {"torch": "2"}
    assert before <= made.created_at <= made.updated_at <= datetime.now(UTC)
    assert made.created_at.utcoffset() == timedelta(0)


def test_a_taken_name_is_refused_with_a_remedy(digits: Store) -> None:
    with pytest.raises(ConflictError, match="'digits' exists already; resume it, or"):
        digits.create_campaign("digits", {}, 1, {}, {})
    assert digits.campaign("digits").seed == 7


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        ".hidden",
        "-x",
        "a/b",
        "a\\b",
        "a b",
        "a\n",
        "a\0",
        "ü",
        "%2e",
        "x" * 65,
        "a%00",
        "\u0663",
    ],
)
def test_a_name_unfit_for_folder_or_url_is_refused(store: Store, name: str) -> None:
    with pytest.raises(InputError, match="cannot name a campaign"):
        store.create_campaign(name, {}, 1, {}, {})
    assert store.campaigns() == []


@pytest.mark.parametrize("name", ["a", "0", "A.b_c-d", "x" * 64])
def test_the_longest_and_oddest_fit_names_are_taken(store: Store, name: str) -> None:
    store.create_campaign(name, {}, 1, {}, {})
    assert store.campaign(name).name == name


def test_campaigns_are_listed_newest_first(store: Store) -> None:
    for name in ("one", "two", "three"):
        store.create_campaign(name, {}, 1, {}, {})
    assert [campaign.name for campaign in store.campaigns()] == ["three", "two", "one"]


def test_an_unknown_campaign_is_answered_with_near_names(digits: Store) -> None:
    with pytest.raises(NotFoundError, match=r"no campaign 'digit'; did you mean digits\?"):
        digits.campaign("digit")


def test_an_empty_store_says_that_it_is_empty(store: Store) -> None:
    with pytest.raises(NotFoundError, match="holds none yet"):
        store.campaign("digits")


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b", "\ud800", "' OR 1=1 --"])
@pytest.mark.parametrize(
    "verb",
    [
        lambda store, name: store.campaign(name),
        lambda store, name: store.set_campaign_state(name, "running"),
        lambda store, name: store.set_reference(name, {}),
        lambda store, name: store.take_lease(name, "me", 1),
        lambda store, name: store.drop_lease(name, "me"),
        lambda store, name: store.add_trial(name, {}, 0, {}),
        lambda store, name: store.start_trial(name, 0),
        lambda store, name: store.finish_trial(name, 0, FULL),
        lambda store, name: store.requeue_running(name),
        lambda store, name: store.cancel_queued(name),
        lambda store, name: store.trials(name),
        lambda store, name: store.trial(name, 0),
        lambda store, name: store.designs(name),
        lambda store, name: store.design(name, "0-0"),
        lambda store, name: store.set_test_measures(name, "0-0", {}),
        lambda store, name: store.events(name),
        lambda store, name: store.counts(name),
    ],
)
def test_every_verb_answers_not_found_for_any_unknown_name(
    digits: Store, verb: Callable[[Store, str], Any], name: str
) -> None:
    with pytest.raises(NotFoundError):
        verb(digits, name)


def drive_to(store: Store, state: Any, name: str = "digits") -> None:
    path: list[Any] = {"created": [], "running": ["running"]}.get(state, ["running", state])
    for step in path:
        store.set_campaign_state(name, step)


@pytest.mark.parametrize("current", CAMPAIGN_STATES)
def test_a_campaign_moves_only_along_allowed_steps(digits: Store, current: Any) -> None:
    # Written out here on purpose: the life of a campaign as a user is told of it.
    allowed = {
        "created": {"running", "cancelled", "failed"},
        "running": {"running", "paused", "finished", "cancelled", "failed"},
        "paused": {"running", "cancelled", "failed"},
        "failed": {"running", "cancelled"},
        "finished": set(),
        "cancelled": set(),
    }[current]
    drive_to(digits, current)
    for new in set(CAMPAIGN_STATES) - allowed:
        with pytest.raises(ConflictError, match=f"'digits' is {current} and cannot become {new}"):
            digits.set_campaign_state("digits", new)
        assert digits.campaign("digits").state == current
    for index, target in enumerate(sorted(allowed)):
        name = f"copy{index}"
        digits.create_campaign(name, {}, 1, {}, {})
        drive_to(digits, current, name)
        assert digits.set_campaign_state(name, target).state == target


def test_an_unknown_state_is_refused(digits: Store) -> None:
    with pytest.raises(InputError, match="no state 'done'; use one of created"):
        digits.set_campaign_state("digits", "done")  # type: ignore[arg-type]


def test_a_state_is_set_only_from_the_expected_one(digits: Store) -> None:
    with pytest.raises(ConflictError, match="is created, not paused"):
        digits.set_campaign_state("digits", "running", expected="paused")
    assert digits.set_campaign_state("digits", "running", expected="created").state == "running"
    changed = digits.campaign("digits")
    assert changed.updated_at > changed.created_at


def test_the_reference_point_is_fixed_once(digits: Store) -> None:
    digits.set_reference("digits", {"accuracy": 0.1, "latency_us": 100})
    assert (
        digits.set_reference("digits", {"accuracy": 0.1, "latency_us": 100.0}).reference["latency_us"] == 100
    )
    with pytest.raises(ConflictError, match="it stays fixed"):
        digits.set_reference("digits", {"accuracy": 0.2, "latency_us": 100})
    assert digits.campaign("digits").reference == {"accuracy": 0.1, "latency_us": 100}


def test_one_holder_at_a_time_has_the_lease(digits: Store) -> None:
    digits.take_lease("digits", "host-a:1", 60)
    digits.take_lease("digits", "host-a:1", 60)
    with pytest.raises(ConflictError, match="is driven by host-a:1 until"):
        digits.take_lease("digits", "host-b:2", 60)
    digits.drop_lease("digits", "host-b:2")
    with pytest.raises(ConflictError):
        digits.take_lease("digits", "host-b:2", 60)
    digits.drop_lease("digits", "host-a:1")
    digits.take_lease("digits", "host-b:2", 60)


def test_a_lease_that_ran_out_can_be_taken(digits: Store) -> None:
    digits.take_lease("digits", "dead", -1)
    digits.take_lease("digits", "next", 60)
    with pytest.raises(ConflictError, match="next"):
        digits.take_lease("digits", "dead", 60)


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


@pytest.mark.parametrize(
    "name",
    [
        "",
        "0",
        "0-",
        "-0",
        "0-2",
        "1-0",
        "00-0",
        "0-0 ",
        "0--0",
        "\u0660-\u0660",
        "0-99999999999",
        "a-b",
        "0-0-0",
    ],
)
def test_an_unknown_design_is_not_found(digits: Store, name: str) -> None:
    digits.finish_trial("digits", add(digits), FULL)
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


def test_history_tells_every_change_in_order(digits: Store) -> None:
    digits.set_campaign_state("digits", "running")
    add(digits)
    add(digits)
    digits.start_trial("digits", 0)
    digits.requeue_running("digits")
    digits.finish_trial("digits", 0, FULL)
    digits.cancel_queued("digits")
    digits.set_campaign_state("digits", "finished")
    history = digits.events("digits")
    assert [(event.kind, event.trial) for event in history] == [
        ("campaign_created", None),
        ("campaign_state", None),
        ("trial_queued", 0),
        ("trial_queued", 1),
        ("trial_started", 0),
        ("trial_requeued", 0),
        ("trial_finished", 0),
        ("trial_cancelled", 1),
        ("campaign_state", None),
    ]
    assert history[-1].detail == {"from": "running", "to": "finished"}
    assert history[6].detail == {"state": "complete", "reason": "trained to the end", "designs": 2}
    assert [event.at for event in history] == sorted(event.at for event in history)


def test_a_second_handle_sees_what_the_first_wrote(digits: Store, store_url: str) -> None:
    add(digits)
    second = open_store(store_url)
    second.start_trial("digits", 0)
    assert digits.trial("digits", 0).state == "running"
    digits.finish_trial("digits", 0, FULL)
    with pytest.raises(ConflictError):
        second.finish_trial("digits", 0, FULL)
    second.close()


def test_numpy_values_are_stored_as_plain_numbers(digits: Store) -> None:
    seed: Any = np.int64(1)
    digits.add_trial("digits", {"n": np.int64(3), "b": np.float32(0.5), "on": np.bool_(True)}, seed, {})
    spikes: Any = np.ones(2)
    result = TrialResult("complete", metrics={"curve": np.array([0.5, 0.25])}, spikes_per_layer=spikes)
    digits.finish_trial("digits", 0, result)
    trial = digits.trial("digits", 0)
    assert json.dumps(trial.config) == '{"n": 3, "b": 0.5, "on": true}'
    assert (trial.metrics, trial.spikes_per_layer) == ({"curve": [0.5, 0.25]}, [1.0, 1.0])


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), {1: 2}, {3}, object(), np.float64("-inf"), b"x"])
def test_what_json_cannot_say_is_refused_by_name(digits: Store, bad: Any) -> None:
    with pytest.raises(InputError, match=r"config\.deep\[1\]"):
        digits.add_trial("digits", {"deep": [0, bad]}, 1, {})
    assert digits.trials("digits") == []


def test_text_that_a_database_cannot_hold_is_escaped(digits: Store) -> None:
    add(digits)
    result = TrialResult("failed", reason="a\0b", traceback="lone \ud800", metrics={"k\0": "v\udfff"})
    digits.finish_trial("digits", 0, result)
    trial = digits.trial("digits", 0)
    assert (trial.reason, trial.traceback) == ("a\\x00b", "lone \\ud800")
    assert trial.metrics == {"k\\x00": "v\\udfff"}


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(config=st.dictionaries(TEXT, VALUES, max_size=4))
def test_any_json_survives_with_the_order_of_its_keys(digits: Store, config: dict[str, Any]) -> None:
    number = digits.add_trial("digits", config, 1, {}).number
    assert json.dumps(digits.trial("digits", number).config) == json.dumps(config)
