"""Pausing, cancelling and extending a campaign from outside: what was done, as a sentence."""

from hpo.lease import dead_holder
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
