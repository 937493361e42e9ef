"""The store for a driver that outlasts its database: what fails for want of an answer is tried again.

A write whose connection broke may have been made or not. So before a write that must not be made twice is
tried again, the store is looked at; nobody else writes to the driver's campaign (``Store.fenced``).
"""

import time
from collections.abc import Callable
from typing import Any, TypeVar, cast

from hpo.store.base import Store
from hpo.store.records import CampaignRecord, TrialRecord, TrialResult
from hpo.store.states import CampaignState
from spikefront.errors import StoreAwayError

PATIENCE_S = 300.0
"""A database may be away for this long."""
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 3.0

Answer = TypeVar("Answer")


Waits = Callable[[Exception], bool]
"""Told of an error before every pause; when it answers true, the waiting is called off."""


def waits(_error: Exception) -> bool:
    """Wait in silence."""
    return False


def patiently(
    action: Callable[[bool], Answer],
    away: tuple[type[Exception], ...],
    patience_s: float = PATIENCE_S,
    told: Waits = waits,
) -> Answer:
    """Do ``action`` again and again, with growing pauses, while it raises one of ``away``.

    Args:
        action: called with whether it was tried before.
        away: errors that may pass.
        patience_s: after this time the error is raised.
        told: of the error, before every pause; where it answers true the error is raised at once.
    """
    ends, pause, again = time.monotonic() + patience_s, FIRST_PAUSE_S, False
    while True:
        try:
            return action(again)
        except away as error:
            if time.monotonic() + pause > ends or told(error):
                raise
        time.sleep(pause)
        pause, again = min(2.0 * pause, LONGEST_PAUSE_S), True


class PatientStore:
    """A ``Store`` that waits for its database; what is not below is tried again as it is."""

    def __init__(self, store: Store, patience_s: float = PATIENCE_S, told: Waits = waits) -> None:
        self._store = store
        self._patience_s = patience_s
        self._told = told

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)
        return lambda *args, **kwargs: self._try(lambda _again: method(*args, **kwargs))

    def fenced(self, name: str, token: int) -> Store:
        """See ``Store.fenced``; waits as well."""
        return patient(self._store.fenced(name, token), self._patience_s, self._told)

    def add_trial(
        self, campaign: str, config: dict[str, Any], seed: int, proposal: dict[str, Any]
    ) -> TrialRecord:
        """See ``Store.add_trial``; a driver's trials differ in their seeds, by which one is found again."""

        def add(again: bool) -> TrialRecord:
            queued = self._store.trials(campaign, states={"queued"}) if again else []
            made = [trial for trial in queued if trial.seed == seed]
            return made[0] if made else self._store.add_trial(campaign, config, seed, proposal)

        return self._try(add)

    def start_trial(self, campaign: str, number: int) -> TrialRecord:
        """See ``Store.start_trial``."""

        def start(again: bool) -> TrialRecord:
            found = self._store.trial(campaign, number) if again else None
            if found is not None and found.state == "running":
                return found
            return self._store.start_trial(campaign, number)

        return self._try(start)

    def finish_trial(self, campaign: str, number: int, result: TrialResult) -> TrialRecord:
        """See ``Store.finish_trial``."""

        def finish(again: bool) -> TrialRecord:
            found = self._store.trial(campaign, number) if again else None
            if found is not None and found.state == result.state:
                return found
            return self._store.finish_trial(campaign, number, result)

        return self._try(finish)

    def leave(
        self,
        name: str,
        state: CampaignState,
        seen: CampaignRecord | None = None,
        reason: str | None = None,
    ) -> bool:
        """See ``Store.leave``."""

        def leave(again: bool) -> bool:
            if again and self._store.campaign(name).state in {state, "cancelled"}:
                return True
            return self._store.leave(name, state, seen, reason)

        return self._try(leave)

    def _try(self, action: Callable[[bool], Answer]) -> Answer:
        return patiently(action, (StoreAwayError,), self._patience_s, self._told)


def patient(store: Store, patience_s: float = PATIENCE_S, told: Waits = waits) -> Store:
    """The store, for a driver that waits for it."""
    return cast("Store", PatientStore(store, patience_s, told))
