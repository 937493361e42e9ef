"""Opening a database: its URL, its driver, its tables and their version."""

import json
import time
from functools import partial
from pathlib import Path
from sqlite3 import SQLITE_BUSY, OperationalError
from sqlite3 import Connection as SqliteConnection
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, select, text
from sqlalchemy.exc import ArgumentError, DBAPIError

from hpo.store.tables import SCHEMA_VERSION, Base, SchemaRow
from spikefront.errors import ConflictError, InputError, ToolMissingError

BUSY_TIMEOUT_S = 30
MAX_OVERFLOW = 35  # with the five that stay open: one connection for each of a web server's 40 threads
_EXAMPLES = "use sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE"
_SCHEMA_LOCK = 0x5350494B  # any fixed number: it keeps two processes from creating the tables at once


def open_engine(url: str) -> Engine:
    """Connect to ``url``, create the tables in an empty database, and check their version in any other.

    Raises:
        InputError: the URL, the file or the server behind it cannot be used.
        ConflictError: the tables are of another version.
        ToolMissingError: the database's Python driver is not installed.
    """
    parsed = _parse(url)
    engine = _sqlite(parsed) if parsed.get_backend_name() == "sqlite" else _postgresql(parsed)
    try:
        with writing(engine).begin() as connection:
            _prepare_schema(connection, shown(parsed))
    except DBAPIError as error:
        engine.dispose()
        msg = f"The store {shown(parsed)} cannot be opened ({first_line(error)}); {_EXAMPLES}."
        raise InputError(msg) from error
    except ConflictError:
        engine.dispose()
        raise
    return engine


def writing(engine: Engine) -> Engine:
    """The engine whose transactions may write: on SQLite they begin by taking the write lock."""
    return engine.execution_options(spikefront_writes=True)


def shown(url: URL) -> str:
    """The URL as it may be shown, without its password."""
    return url.render_as_string(hide_password=True)


def first_line(error: DBAPIError) -> str:
    """The database's own words, first line only."""
    return str(error.orig).strip().split("\n", 1)[0] or type(error.orig).__name__


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
        except OperationalError as error:
            if error.sqlite_errorcode != SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _begin_sqlite(connection: Connection) -> None:
    # A write lock taken late fails at once when another process wrote meanwhile; taken first, it waits.
    writes = connection.get_execution_options().get("spikefront_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _postgresql(url: URL) -> Engine:
    try:
        return create_engine(
            url,
            connect_args={"connect_timeout": 10},
            pool_pre_ping=True,
            max_overflow=MAX_OVERFLOW,
            json_serializer=_dumps,
        )
    except ModuleNotFoundError as error:
        msg = (
            "PostgreSQL needs the Python package psycopg; install it with: pip install 'spikefront[service]'."
        )
        raise ToolMissingError(msg) from error


_dumps = partial(json.dumps, allow_nan=False)


def _prepare_schema(connection: Connection, where: str) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _SCHEMA_LOCK})
    present = set(inspect(connection).get_table_names()) & set(Base.metadata.tables)
    if not present:
        Base.metadata.create_all(connection)
        connection.execute(SchemaRow.__table__.insert().values(version=SCHEMA_VERSION))  # type: ignore[attr-defined]
        return
    found = _version(connection) if SchemaRow.__tablename__ in present else None
    if found != SCHEMA_VERSION:
        was = "without a version" if found is None else f"of version {found}"
        msg = (
            f"The store {where} has tables {was} and this Spikefront needs version {SCHEMA_VERSION}; "
            "use another database or the Spikefront that wrote it."
        )
        raise ConflictError(msg)


def _version(connection: Connection) -> int | None:
    return connection.execute(select(SchemaRow.version)).scalar_one_or_none()
