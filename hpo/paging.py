"""Reading very many trials without holding them all."""

from collections.abc import Collection, Iterator

from hpo.store import Store, TrialRecord, TrialState

PAGE = 1000


def trial_pages(
    store: Store, name: str, states: Collection[TrialState] | None = None
) -> Iterator[list[TrialRecord]]:
    """A campaign's trials by number, ``PAGE`` at a time; each page is as the store is when it is read."""
    after = -1
    while page := store.trials(name, states, after, PAGE):
        yield page
        after = page[-1].number


def each_trial(
    store: Store, name: str, states: Collection[TrialState] | None = None
) -> Iterator[TrialRecord]:
    """The same, one by one."""
    for page in trial_pages(store, name, states):
        yield from page
