"""Pausing, cancelling and extending a campaign from outside: what was done, as a sentence."""

from collections.abc import Sequence
from typing import Any

from hpo.lease import dead_holder
from hpo.narrowing import parse, shown
from hpo.queries import spec_of
from hpo.store import StopRequest, Store
from spikefront.errors import ConflictError


def ask(store: Store, name: str, what: StopRequest, at_once: bool = False) -> str:
    """Ask the campaign's driver to pause or cancel; without one that lives it is done at once.

    Raises:
        ConflictError: the campaign's state forbids it, or it is being cancelled already.
    """
    record = store.ask(name, what, at_once, dead_holder(store, name))
    if record.request is None:
        return f"campaign {name} is {record.state}" + (
            f"; continue it with 'spikefront resume {name}'" if record.state == "paused" else ""
        )
    trials = "stops its running trials" if at_once else "lets its running trials end"
    return f"asked the driver {store.lease_holder(name)} to {what} campaign {name}: it {trials} first"


def extend(store: Store, name: str, trials: int) -> str:
    """Give the campaign ``trials`` more.

    Raises:
        ConflictError: it is cancelled.
        InputError: ``trials`` is no number from 1 to a million.
    """
    record = store.extend(name, trials)
    total = spec_of(store, name).budget.trials + record.extra_trials
    goes_on = store.lease_holder(name) is not None and dead_holder(store, name) is None
    then = "its driver goes on" if goes_on else f"continue it with 'spikefront resume {name}'"
    return f"campaign {name} has {total} trials now: {then}"


def narrow(store: Store, name: str, assignments: Sequence[str], reset: bool = False) -> str:
    """Keep variables to part of their values from the next proposal on.

    Args:
        store: the campaign's.
        name: the campaign.
        assignments: ``beta=0.8..0.95``, ``reset=zero|none``, ``width=64``.
        reset: forget what was narrowed before.

    Raises:
        SpecError: an assignment does not fit the space.
        ConflictError: the campaign is cancelled.
    """
    if not assignments and not reset:
        now = store.campaign(name).narrowed
        return f"campaign {name} searches {_searched(now)}"
    space = parse(assignments, spec_of(store, name).space)
    record = store.narrow(name, space, reset)
    return (
        f"campaign {name} searches {_searched(record.narrowed)} from trial {record.narrowings[-1]['from']} on"
    )


def _searched(narrowed: dict[str, Any]) -> str:
    return f"only {shown(narrowed)}" if narrowed else "the whole space"


def check_resumable(store: Store, name: str) -> None:
    """Raise ConflictError when the campaign has nothing left to do, or a driver that lives."""
    record = store.campaign(name)
    if record.state == "finished":
        raise ConflictError(
            f"campaign {name!r} is finished: give it more trials with 'spikefront extend {name} --trials N'"
        )
    if record.state == "cancelled":
        raise ConflictError(f"campaign {name!r} is cancelled for good: run it under a new name with --name")
    driver = store.lease_holder(name)
    if driver is not None and dead_holder(store, name) is None:
        raise ConflictError(f"campaign {name!r} is driven by {driver}: it needs no other")
