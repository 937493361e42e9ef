"""One driver per campaign: a lease in the store, renewed by a heartbeat for as long as the driver lives."""

import os
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from hpo.store import Store
from spikefront.errors import ConflictError, SpikefrontError

LEASE_S = 30.0
"""A driver that has not renewed for this long is taken for dead."""


@contextmanager
def hold(store: Store, name: str) -> Iterator[threading.Event]:
    """Drive the campaign alone; the event is set when another driver has taken the lease after all.

    Raises:
        ConflictError: another driver holds the campaign and is not known to be dead.
    """
    holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
    _take(store, name, holder)
    lost, ended = threading.Event(), threading.Event()
    beat = threading.Thread(target=_heartbeat, args=(store, name, holder, lost, ended), daemon=True)
    beat.start()
    try:
        yield lost
    finally:
        ended.set()
        beat.join()
        store.drop_lease(name, holder)


def _take(store: Store, name: str, holder: str) -> None:
    """Take the lease; one whose process on this machine is gone is ended first."""
    before = store.lease_holder(name)
    if before is not None and _is_dead(before):
        store.drop_lease(name, before)
    store.take_lease(name, holder, LEASE_S)


def _is_dead(holder: str) -> bool:
    """Whether a holder ran on this machine and its process is gone."""
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


def _heartbeat(store: Store, name: str, holder: str, lost: threading.Event, ended: threading.Event) -> None:
    while not ended.wait(LEASE_S / 4):
        try:
            store.take_lease(name, holder, LEASE_S)
        except ConflictError:
            lost.set()
            return
        except SpikefrontError:
            continue  # a database that does not answer now may answer at the next beat, within the lease
