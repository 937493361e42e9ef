"""Leases and fencing, on every database: one driver at a time, and only the latest may write."""

import time
from typing import Any

import pytest
from store_samples import FULL, add

from hpo.lease import Lease, hold
from hpo.store import Store
from spikefront.errors import ConflictError, TakenOverError


def test_one_holder_at_a_time_has_the_lease(digits: Store) -> None:
    token = digits.take_lease("digits", "host-a:1", 60)
    digits.renew_lease("digits", token, 60)
    with pytest.raises(ConflictError, match="is driven by host-a:1 until"):
        digits.take_lease("digits", "host-b:2", 60)
    digits.drop_lease("digits", token - 1)
    assert digits.lease_holder("digits") == "host-a:1"
    digits.drop_lease("digits", token)
    assert digits.lease_holder("digits") is None
    digits.take_lease("digits", "host-b:2", 60)


def test_a_lease_that_ran_out_can_be_taken(digits: Store) -> None:
    first = digits.take_lease("digits", "late", -1)
    digits.renew_lease("digits", first, -1)  # late, but nobody came between
    second = digits.take_lease("digits", "next", 60)
    assert second > first
    with pytest.raises(ConflictError, match="next"):
        digits.take_lease("digits", "late", 60)
    with pytest.raises(TakenOverError, match="taken over by next"):
        digits.renew_lease("digits", first, 60)


def test_the_lease_of_a_holder_known_to_be_dead_does_not_count(digits: Store) -> None:
    digits.take_lease("digits", "a", 60)
    with pytest.raises(ConflictError):
        digits.take_lease("digits", "b", 60, dead="another")
    assert digits.take_lease("digits", "b", 60, dead="a") == 2
    assert digits.lease_holder("digits") == "b"


def test_tokens_rise_also_after_a_lease_was_given_back(digits: Store) -> None:
    tokens = []
    for _ in range(3):
        tokens.append(digits.take_lease("digits", "same", 60))
        digits.drop_lease("digits", tokens[-1])
    assert tokens == [1, 2, 3]


@pytest.mark.parametrize(
    "write",
    [
        lambda store: store.add_trial("digits", {}, 1, {}),
        lambda store: store.start_trial("digits", 0),
        lambda store: store.finish_trial("digits", 1, FULL),
        lambda store: store.requeue_running("digits"),
        lambda store: store.cancel_queued("digits"),
        lambda store: store.set_campaign_state("digits", "finished"),
        lambda store: store.set_reference("digits", {"accuracy": 0.5}),
        lambda store: store.leave("digits", "paused"),
        lambda store: store.extend("digits", 3),
    ],
)
def test_every_write_under_an_earlier_token_is_refused(digits: Store, write: Any) -> None:
    def everything() -> Any:
        return digits.campaign("digits"), digits.trials("digits"), digits.events("digits")

    digits.set_campaign_state("digits", "running")
    add(digits)
    add(digits)
    digits.start_trial("digits", 1)
    late = digits.fenced("digits", digits.take_lease("digits", "late:1", -1))
    latest = digits.fenced("digits", digits.take_lease("digits", "next:2", 60))
    before = everything()
    with pytest.raises(TakenOverError, match="taken over by next:2"):
        write(late)
    assert everything() == before
    assert late.trials("digits") == latest.trials("digits")  # reading is for everybody
    write(latest)
    assert everything() != before


def test_a_fence_stands_around_one_campaign(digits: Store) -> None:
    digits.create_campaign("other", {}, 1, {}, {})
    late = digits.fenced("digits", digits.take_lease("digits", "late:1", -1))
    digits.take_lease("digits", "next:2", 60)
    assert late.add_trial("other", {}, 1, {}).number == 0


def test_a_driver_that_slept_finds_out_by_its_heartbeat(digits: Store) -> None:
    with hold(digits, "digits", seconds=0.4) as lease:
        digits.take_lease("digits", "next:2", 60, dead=digits.lease_holder("digits"))
        with pytest.raises(TakenOverError, match="next:2"):
            _await_loss(lease)
    assert digits.lease_holder("digits") == "next:2"


def _await_loss(lease: Lease) -> None:
    for _ in range(1000):
        lease.check()
        time.sleep(0.02)


def test_a_heartbeat_does_not_take_back_what_the_next_driver_gave_back(digits: Store) -> None:
    token = digits.take_lease("digits", "late:1", -1)
    digits.drop_lease("digits", digits.take_lease("digits", "next:2", 60))
    with pytest.raises(TakenOverError, match="next:2"):
        digits.renew_lease("digits", token, 60)
    assert digits.lease_holder("digits") is None
