"""Opening a database: its URL, its driver, how its connections are set up."""

import json
import time
from functools import partial
from pathlib import Path
from sqlite3 import SQLITE_BUSY, SQLITE_CANTOPEN, SQLITE_FULL, SQLITE_IOERR, SQLITE_LOCKED
from sqlite3 import Connection as SqliteConnection
from sqlite3 import Error as SqliteError
from sqlite3 import OperationalError as SqliteOperationalError
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError

from hpo.store import schema
from spikefront.errors import ConflictError, InputError, NotFoundError, ToolMissingError

BUSY_TIMEOUT_S = 30
MAX_OVERFLOW = 35  # with the five that stay open: one connection for each of a web server's 40 threads
_PASSING = {SQLITE_BUSY, SQLITE_LOCKED, SQLITE_FULL, SQLITE_IOERR, SQLITE_CANTOPEN}
_ALIVE = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 30_000}
"""A server that vanished without a word is noticed within half a minute (libpq's parameters)."""
_EXAMPLES = "use sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE"


def open_engine(url: str) -> Engine:
    """Connect to ``url``, create the tables in an empty database, and check their version in any other.

    Raises:
        InputError: the URL, the file or the server behind it cannot be used.
        ConflictError: the tables are of another version.
        ToolMissingError: the database's Python driver is not installed.
    """
    engine = _engine(_parse(url))
    try:
        schema.prepare(engine, writing(engine), shown(engine.url))
    except DBAPIError as error:
        engine.dispose()
        raise cannot_open(engine.url, error) from error
    except ConflictError:
        engine.dispose()
        raise
    return engine


def connect_existing(url: str) -> Engine:
    """The engine of a database that is there, whatever version its tables have; nothing is created.

    Raises:
        InputError: the URL cannot be used.
        NotFoundError: an SQLite file that does not exist.
        ToolMissingError: the database's Python driver is not installed.
    """
    parsed = _parse(url)
    engine = _engine(parsed)
    if parsed.get_backend_name() == "sqlite" and not Path(str(parsed.database)).exists():
        raise NotFoundError(f"There is no store {shown(parsed)}; name its home with --home.")
    return engine


def cannot_open(url: URL, error: DBAPIError) -> InputError:
    """The sentence for a database that cannot be opened."""
    return InputError(f"The store {shown(url)} cannot be opened ({first_line(error)}); {_EXAMPLES}.")


def _engine(url: URL) -> Engine:
    return _sqlite(url) if url.get_backend_name() == "sqlite" else _postgresql(url)


def writing(engine: Engine) -> Engine:
    """The engine whose transactions may write: on SQLite they begin by taking the write lock."""
    return engine.execution_options(spikefront_writes=True)


def shown(url: URL) -> str:
    """The URL as it may be shown, without its password."""
    return url.render_as_string(hide_password=True)


def first_line(error: DBAPIError) -> str:
    """The database's own words, first line only."""
    line = str(error.orig).strip().split("\n", 1)[0] or type(error.orig).__name__
    if line == "database is locked":
        line += (
            f": another process has kept the file's write lock for {BUSY_TIMEOUT_S} s and may be suspended"
        )
    return line


def is_away(error: DBAPIError) -> bool:
    """Whether the fault is the connection's or the disk's and not the statement's."""
    if isinstance(error.orig, SqliteError):
        return getattr(error.orig, "sqlite_errorcode", 0) & 0xFF in _PASSING
    return error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        # The text may hold a password, so it is not repeated.
        raise InputError(f"The store's address is no database URL; {_EXAMPLES}.") from error
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in {"sqlite", "sqlite+pysqlite", "postgresql+psycopg"}:
        raise InputError(f"Databases of kind {parsed.drivername!r} are not supported; {_EXAMPLES}.")
    return parsed


def _sqlite(url: URL) -> Engine:
    if url.database in {None, "", ":memory:"}:
        raise InputError(f"The store {shown(url)} names no file and would be lost at exit; {_EXAMPLES}.")
    folder = Path(str(url.database)).absolute().parent
    if not folder.is_dir():
        raise InputError(f"The store's folder {folder} does not exist; create it or name another file.")
    engine = create_engine(
        url, connect_args={"timeout": BUSY_TIMEOUT_S}, max_overflow=MAX_OVERFLOW, json_serializer=_dumps
    )
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: SqliteConnection, _record: Any) -> None:
    connection.isolation_level = None  # transactions are begun by _begin_sqlite, not by the driver
    _switch_to_wal(connection)
    for pragma in ("foreign_keys = ON", "synchronous = FULL"):
        connection.execute(f"PRAGMA {pragma}").close()


def _switch_to_wal(connection: SqliteConnection) -> None:
    # The switch is kept in the file. While another process makes it, SQLite answers "locked" at once, without
    # heeding the busy timeout, so the waiting is done here.
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        try:
            connection.execute("PRAGMA journal_mode = WAL").close()
        except SqliteOperationalError as error:
            if error.sqlite_errorcode != SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _begin_sqlite(connection: Connection) -> None:
    # A write lock taken late fails at once when another process wrote meanwhile; taken first, it waits.
    writes = connection.get_execution_options().get("spikefront_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _postgresql(url: URL) -> Engine:
    try:
        engine = create_engine(
            url,
            connect_args={"connect_timeout": 10, **_ALIVE},
            pool_pre_ping=True,
            max_overflow=MAX_OVERFLOW,
            json_serializer=_dumps,
        )
        event.listen(engine, "connect", _set_up_postgresql)
        return engine
    except ModuleNotFoundError as error:
        msg = (
            "PostgreSQL needs the Python package psycopg; install it with: pip install 'spikefront[service]'."
        )
        raise ToolMissingError(msg) from error


def _set_up_postgresql(connection: Any, _record: Any) -> None:
    # A process that is suspended within a transaction would keep its locks, and its campaign, for ever.
    with connection.cursor() as cursor:
        for setting in ("lock_timeout", "idle_in_transaction_session_timeout"):
            cursor.execute(f"SET {setting} = '{BUSY_TIMEOUT_S}s'")
    connection.commit()


_dumps = partial(json.dumps, allow_nan=False)
