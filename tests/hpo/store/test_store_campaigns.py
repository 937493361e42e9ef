"""Campaigns, on every database: their names, states and reference point."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from store_samples import FULL, drive_to

from hpo.store import (
    CAMPAIGN_STATES,
    Store,
)
from spikefront.errors import ConflictError, InputError, NotFoundError


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


UNFIT = [
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
    "a%00",
    "\u0663",
    "x" * 65,
]


def test_a_name_unfit_for_folder_or_url_is_refused(store: Store) -> None:
    for name in UNFIT:
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


@pytest.mark.parametrize(
    "verb",
    [
        lambda store, name: store.campaign(name),
        lambda store, name: store.set_campaign_state(name, "running"),
        lambda store, name: store.set_reference(name, {}),
        lambda store, name: store.take_lease(name, "me", 1),
        lambda store, name: store.renew_lease(name, 1, 1),
        lambda store, name: store.drop_lease(name, 1),
        lambda store, name: store.lease_holder(name),
        lambda store, name: store.ask(name, "pause"),
        lambda store, name: store.extend(name, 1),
        lambda store, name: store.leave(name, "paused"),
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
    digits: Store, verb: Callable[[Store, str], Any]
) -> None:
    for name in ("x" * 5000, "a\0b", "\ud800", "' OR 1=1 --", "Digits", ""):
        with pytest.raises(NotFoundError):
            verb(digits, name)


@pytest.mark.parametrize("current", CAMPAIGN_STATES)
def test_a_campaign_moves_only_along_allowed_steps(digits: Store, current: Any) -> None:
    # Written out here on purpose: the life of a campaign as a user is told of it.
    allowed: set[Any] = {
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
