"""Where trials in other processes leave their progress, and find out that they shall end."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from workers.progress import Progress, Reporter

Exchange = Callable[[Progress | None], str | None]
"""Hands on progress (None: there is none new) and answers why the trial shall end (None: it shall not)."""


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
def exchanging(reporter: Reporter, exchange: Exchange, period_s: float) -> Iterator[None]:
    """Call ``exchange`` every ``period_s`` from a thread of its own, and end the trial when it says so.

    A trial in the main thread is interrupted where it is (TrialStoppedError); another one ends at its next
    report. What ``exchange`` raises counts as no answer: a board that is away costs no trial.
    """
    ended = threading.Event()
    interrupt = _interruption(reporter, ended)

    def watch() -> None:
        while not ended.wait(period_s):
            try:
                reason = exchange(reporter.take())
            except Exception:  # noqa: S112 - the next call may find the board again
                continue
            if reason is not None:
                reporter.stop(reason)
                interrupt()
                return

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
