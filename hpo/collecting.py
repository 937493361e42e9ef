"""Removing trained networks that no trial names: of drivers that were killed between file and record."""

import time

from hpo.home import Home, sqlite_url
from hpo.store.artifacts import Collected
from spikefront.errors import ConflictError

GRACE_S = 3600.0
"""Younger files stay: a network is written before the record that names it."""


def collect(home: Home, sole: bool = False) -> Collected:
    """Remove what nothing in the home's store names; ``sole`` says that no other store keeps networks there.

    Raises:
        ConflictError: a driver is at work, or the home has a second store with networks in the same folder,
            or networks are elsewhere and ``sole`` was not said.
    """
    own = home.path / "store.db"
    if home.artifacts_elsewhere and not sole:
        raise ConflictError(
            f"networks are kept in {home.artifacts.where}, where other stores may keep theirs: say --sole if "
            "none does"
        )
    if not home.artifacts_elsewhere and own.exists() and home.store_url != sqlite_url(own):
        raise ConflictError(
            f"the home {home.path} has a store of its own, {own}, beside the one that SPIKEFRONT_STORE "
            "names, and their networks cannot be told apart: give the other store a home of its own"
        )
    before = time.time() - GRACE_S  # before the names are read: what is put meanwhile is younger
    store = home.open_existing()
    for record in store.campaigns():
        if driver := store.lease_holder(record.name):
            raise ConflictError(f"campaign {record.name!r} is driven by {driver}: collect when it has ended")
    return home.artifacts.collect(store.artifacts(), before)
