"""A campaign outlasts its database: one that is stopped, one that fails now and then, a disk that is full."""

import os
import random
import resource
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from private_server import CannotRunError, PrivateServer

from hpo.driver import Campaign, Hooks, drive
from hpo.queries import status
from hpo.store.patient import patient, patiently
from spikefront.errors import SpikefrontError, StoreAwayError
from tests.hpo.toy import evaluate, history, open_toy
from workers.outcome import TrialOutcome
from workers.pool import SerialPool

RANDOM = {"search": "random", "budget": {"trials": 8, "initial": 8}}


def undisturbed(home: Path) -> list[Any]:
    campaign = open_toy(home, **RANDOM)
    assert drive(campaign, SerialPool(evaluate), Hooks()) == "finished"
    return history(campaign)


def acting(number: int, act: Callable[[], None]) -> SerialPool:
    """The toy, which acts from outside while that trial runs."""

    def evaluated(request: Any, _report: Any) -> TrialOutcome:
        if request.number == number:
            act()
        return evaluate(request)

    return SerialPool(evaluated)


@pytest.mark.parametrize("ended_by", [signal.SIGINT, signal.SIGQUIT])
def test_a_server_that_is_stopped_and_started_again_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ended_by: int
) -> None:
    expected = undisturbed(tmp_path / "whole")
    try:
        server = PrivateServer()
    except CannotRunError as error:
        pytest.skip(str(error))
    told: list[Exception] = []
    restart = threading.Timer(2.0, server.start)

    def stop() -> None:
        server.stop(ended_by)
        restart.start()

    try:
        server.start()
        monkeypatch.setenv("SPIKEFRONT_STORE", f"{server.url}/postgres")
        campaign = open_toy(tmp_path / "home", **RANDOM)
        assert drive(campaign, acting(3, stop), Hooks(waits=told.append)) == "finished"
        assert history(campaign) == expected
        assert told
        assert all(isinstance(error, StoreAwayError) for error in told)
        campaign.store.close()
    finally:
        restart.join()
        server.remove()


def test_a_database_that_stays_away_ends_the_driver_and_resume_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = undisturbed(tmp_path / "whole")
    try:
        server = PrivateServer()
    except CannotRunError as error:
        pytest.skip(str(error))
    try:
        server.start()
        monkeypatch.setenv("SPIKEFRONT_STORE", f"{server.url}/postgres")
        campaign = open_toy(tmp_path / "home", **RANDOM)
        with pytest.raises(SpikefrontError, match="check the database and try again"):
            drive(campaign, acting(3, server.stop), Hooks(patience_s=1.0))
        server.start()
        assert status(campaign.store, "toy").counts["running"] == 1
        # The dead driver was this very process, so its lease has to run out.
        campaign.store.drop_lease("toy", 1)
        assert drive(campaign, SerialPool(evaluate), Hooks()) == "finished"
        assert history(campaign) == expected
        campaign.store.close()
    finally:
        server.remove()


class Flaky:
    """A store whose connection breaks now and then, before a call or after it was carried out."""

    def __init__(self, store: Any, rng: random.Random, share: float) -> None:
        self._store, self._rng, self._share = store, rng, share

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            if self._rng.random() < self._share:
                raise StoreAwayError("the connection broke before")
            answer = method(*args, **kwargs)
            if self._rng.random() < self._share:
                raise StoreAwayError("the connection broke behind")
            return answer

        return call


class Leased:
    """A store whose drivers' connections are flaky."""

    def __init__(self, store: Any, rng: random.Random) -> None:
        self._store, self._rng = store, rng

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def fenced(self, name: str, token: int) -> Any:
        return Flaky(self._store.fenced(name, token), self._rng, 0.15)


@pytest.mark.parametrize("seed", range(6))
def test_no_write_is_lost_or_made_twice_whenever_a_connection_breaks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr("hpo.store.patient.FIRST_PAUSE_S", 0.001)
    campaign = open_toy(tmp_path / "home", **RANDOM)
    flaky = Campaign(
        campaign.spec,
        campaign.problem,
        Leased(campaign.store, random.Random(seed)),  # type: ignore[arg-type]
        campaign.home,
        None,
    )
    assert drive(flaky, SerialPool(evaluate), Hooks()) == "finished"
    assert history(campaign) == undisturbed(tmp_path / "whole")
    kinds = [event.kind for event in campaign.store.events("toy")]
    assert [kinds.count(f"trial_{what}") for what in ("queued", "started", "finished", "requeued")] == [
        8,
        8,
        8,
        0,
    ]


def test_a_trial_that_may_have_been_added_is_found_again_among_others(tmp_path: Path) -> None:
    class Once:
        """Its first addition is made, and its answer lost."""

        def __init__(self, store: Any) -> None:
            self.trials, self._store, self._lost = store.trials, store, False

        def add_trial(self, *what: Any) -> Any:
            answer = self._store.add_trial(*what)
            if not self._lost:
                self._lost = True
                raise StoreAwayError("the connection broke behind")
            return answer

    store = open_toy(tmp_path, **RANDOM).store
    store.add_trial("toy", {"beta": 0.5}, 1, {})
    added = patient(Once(store)).add_trial("toy", {"beta": 0.5}, 2, {})  # type: ignore[arg-type]
    assert (added.number, added.seed) == (1, 2)
    assert [trial.seed for trial in store.trials("toy")] == [1, 2]


def test_a_full_disk_is_waited_for(tmp_path: Path) -> None:
    """Files may not grow for two seconds; what was found then is written after."""
    expected = undisturbed(tmp_path / "whole")
    campaign = open_toy(tmp_path / "home", **RANDOM)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    told: list[Exception] = []
    free = threading.Timer(2.0, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, before))

    def fill() -> None:
        log = tmp_path / "home" / "store.db-wal"
        resource.setrlimit(resource.RLIMIT_FSIZE, (os.path.getsize(log) // 2, before[1]))
        free.start()

    try:
        assert drive(campaign, acting(3, fill), Hooks(waits=told.append)) == "finished"
    finally:
        free.join()
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert told
    assert history(campaign) == expected


def test_a_stop_calls_the_waiting_off(tmp_path: Path) -> None:
    def away(_again: bool) -> None:
        raise StoreAwayError("away")

    with pytest.raises(StoreAwayError):
        patiently(away, (StoreAwayError,), patience_s=1000.0, told=lambda _error: True)
    with pytest.raises(ZeroDivisionError):
        patiently(lambda _again: 1 // 0, (StoreAwayError,))
