"""One driver per campaign: a lease in the store, renewed by a heartbeat for as long as the driver lives."""

import os
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from hpo.store import Store
from spikefront.errors import SpikefrontError, TakenOverError

LEASE_S = 30.0
"""A driver that has not renewed for this long is taken for dead."""


class Lease:
    """A campaign held: ``store`` writes to it for as long as nobody else has taken it."""

    def __init__(self, store: Store, name: str, token: int, seconds: float) -> None:
        self.store = store.fenced(name, token)
        self._open, self._name, self._token, self._seconds = store, name, token, seconds
        self._ended = threading.Event()
        self._lost: TakenOverError | None = None
        self._beating = threading.Thread(target=self._beat, daemon=True)
        self._beating.start()

    def check(self) -> None:
        """Raise TakenOverError once a heartbeat has found another driver in possession."""
        if self._lost is not None:
            raise self._lost

    def end(self) -> None:
        """Stop the heartbeat and give the campaign back."""
        self._ended.set()
        self._beating.join()
        self._open.drop_lease(self._name, self._token)

    def _beat(self) -> None:
        while not self._ended.wait(self._seconds / 4):
            try:
                self._open.renew_lease(self._name, self._token, self._seconds)
            except TakenOverError as error:
                self._lost = error
                return
            except SpikefrontError:
                continue  # a database that does not answer now may answer at the next beat, within the lease


@contextmanager
def hold(store: Store, name: str, seconds: float = LEASE_S) -> Iterator[Lease]:
    """Drive the campaign alone, by a lease that lasts ``seconds`` beyond each heartbeat.

    Raises:
        ConflictError: another driver holds the campaign and is not known to be dead.
    """
    holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"  # the last against reused numbers
    token = store.take_lease(name, holder, seconds, dead_holder(store, name))
    lease = Lease(store, name, token, seconds)
    try:
        yield lease
    finally:
        lease.end()


def dead_holder(store: Store, name: str) -> str | None:
    """The campaign's holder if it ran on this machine and its process is gone, else None."""
    holder = store.lease_holder(name)
    return holder if holder is not None and _is_dead(holder) else None


def _is_dead(holder: str) -> bool:
    host, process, _ = holder.rsplit(":", 2)
    if host != socket.gethostname():
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
