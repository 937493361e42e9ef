"""Keeping the progress of running trials, at little cost to the driver."""

import time
from collections.abc import Callable, Mapping

from hpo.store import Store
from workers.progress import Progress

SHARE = 0.1
"""Of the driver's time, at most this is spent on progress: many running trials are noted less often."""


class Notes:
    """A pool's listener that notes the newest progress in the store.

    Args:
        store: the driver's.
        name: of the campaign.
        changed: called after every note.
    """

    def __init__(self, store: Store, name: str, changed: Callable[[], None]) -> None:
        self._store, self._name, self._changed = store, name, changed
        self._newest: dict[int, Progress] = {}
        self._after = 0.0

    def __call__(self, newest: Mapping[int, Progress]) -> None:
        """Note what came since the last note, unless that would be too soon."""
        self._newest |= newest
        began = time.monotonic()
        if began < self._after:
            return
        shown = {number: progress.as_dict() for number, progress in self._newest.items()}
        self._newest.clear()
        self._store.note_progress(self._name, shown)
        ended = time.monotonic()
        self._after = ended + (ended - began) * (1.0 / SHARE - 1.0)
        self._changed()
