"""Where trials in other processes leave their progress, and find out that they shall end."""

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress

from workers.progress import Progress, Reporter

Exchange = Callable[[int, Progress | None], str | None]
"""Hands on a trial's progress (None: there is none new); answers why it shall end (None: it shall not)."""


class Board:
    """The newest progress of running trials, and which of them shall end; keys are of single runs."""

    def __init__(self) -> None:
        self._newest: dict[int, Progress] = {}
        self._stops: dict[int, str] = {}

    def exchange(self, key: int, progress: Progress | None) -> str | None:
        """Note a run's progress; the reason why it shall end, if it shall."""
        if progress is not None:
            self._newest[key] = progress
        return self._stops.get(key)

    def stop(self, key: int, reason: str) -> None:
        """Let a run end."""
        self._stops[key] = reason

    def take(self) -> dict[int, Progress]:
        """The newest progress of every run that made some since the last call."""
        newest, self._newest = self._newest, {}
        return newest

    def forget(self, key: int) -> None:
        """A run has ended."""
        self._newest.pop(key, None)
        self._stops.pop(key, None)


@contextmanager
def exchanging(reporters: Mapping[int, Reporter], exchange: Exchange, period_s: float) -> Iterator[None]:
    """Call ``exchange`` every ``period_s`` from a thread of its own, and end the trials of which it says so.

    A trial alone in the main thread is interrupted where it is (TrialStoppedError); one of several, or in
    another thread, ends at its next report. What ``exchange`` raises counts as no answer: a board that is
    away costs no trial.

    Args:
        reporters: of the trials that run here, by their keys on the board.
        exchange: with the board.
        period_s: between two calls.
    """
    ended = threading.Event()
    interrupt = _interruption(next(iter(reporters.values())), ended) if len(reporters) == 1 else lambda: None
    left = dict(reporters)

    def look(key: int, reporter: Reporter) -> None:
        reason = exchange(key, reporter.take())
        if reason is not None:
            del left[key]
            reporter.stop(reason)
            interrupt()

    def watch() -> None:
        while left and not ended.wait(period_s):
            for key, reporter in list(left.items()):
                with suppress(Exception):  # the next call may find the board again
                    look(key, reporter)

    threading.Thread(target=watch, name="progress", daemon=True).start()
    try:
        yield
    finally:
        ended.set()


def _interruption(reporter: Reporter, ended: threading.Event) -> Callable[[], None]:
    """A function that raises TrialStoppedError in this thread, if it is the main one, until ``ended``.

    The handler stays when the trial has ended: a signal that is still on its way must find one that does
    nothing, not the default, which would end the process.
    """
    main = threading.main_thread()
    if threading.current_thread() is not main:
        return lambda: None

    def stop(_number: int, _frame: object) -> None:
        if not ended.is_set():
            reporter.check()

    signal.signal(signal.SIGUSR1, stop)
    return lambda: signal.pthread_kill(main.ident or 0, signal.SIGUSR1)
