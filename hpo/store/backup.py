"""A copy of an SQLite store while it is in use."""

import os
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from hpo.store.connect import connect_existing, shown
from spikefront.errors import ConflictError, InputError


def backup(url: str, target: Path) -> None:
    """Copy the store at ``url`` to the new file ``target``, as it is at one moment; drivers go on meanwhile.

    Raises:
        InputError: the store is not an SQLite file, or the target's folder does not exist.
        ConflictError: ``target`` exists.
        NotFoundError: there is no store.
    """
    engine = connect_existing(url)
    where, source = shown(engine.url), engine.url.database
    kind = engine.dialect.name
    engine.dispose()
    if kind != "sqlite" or source is None:
        raise InputError(f"The store {where} is no SQLite file; copy it with pg_dump (docs/store.md).")
    if target.exists():
        raise ConflictError(f"The backup {target} exists already; name another file.")
    if not target.absolute().parent.is_dir():
        raise InputError(f"The backup's folder {target.absolute().parent} does not exist; create it.")
    _copy(source, target)


def _copy(source: str, target: Path) -> None:
    """Copy through a file of another name, so that what is called ``target`` is always whole."""
    handle, temporary = tempfile.mkstemp(prefix=".backup-", dir=target.absolute().parent)
    os.close(handle)
    try:
        with closing(sqlite3.connect(source)) as store, closing(sqlite3.connect(temporary)) as copy:
            store.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")  # one file that needs none beside it
        with Path(temporary).open("rb") as written:
            os.fsync(written.fileno())
        Path(temporary).replace(target)
    except sqlite3.Error as error:
        msg = f"The store {source} cannot be copied ({error}); check the file and the disk."
        raise InputError(msg) from error
    finally:
        Path(temporary).unlink(missing_ok=True)
