"""The tables' version: tables in an empty database, and a clear refusal of any other version."""

from sqlalchemy import Connection, Engine, insert, inspect, select, text

from hpo.store.tables import SCHEMA_VERSION, Base, VersionRow
from spikefront.errors import ConflictError

FIRST_VERSION_TABLE = "spikefront_schema"
"""Where version 1 kept its number."""
_TABLES = frozenset(Base.metadata.tables) - {VersionRow.__tablename__}
_LOCK = 0x5350494B  # any fixed number: it keeps two processes from changing the tables at once


def prepare(reading: Engine, writing: Engine, where: str) -> None:
    """Create the tables of an empty database; ConflictError when another's are not of this version.

    It reads before it writes, so that whoever only looks waits for no other process.
    """
    with reading.begin() as connection:
        empty = is_empty(connection)
        found = None if empty else version(connection)
    if empty:
        with writing.begin() as connection:
            lock(connection)
            if is_empty(connection):
                Base.metadata.create_all(connection)
                connection.execute(insert(VersionRow).values(version_num=SCHEMA_VERSION))
            found = version(connection)
    check(found, where)


def check(found: str | None, where: str) -> None:
    """Raise ConflictError when tables of the version ``found`` are not this Spikefront's."""
    if found != SCHEMA_VERSION:
        raise ConflictError(_other_version(where, found))


def is_older(found: str) -> bool:
    """Whether the version ``found`` can be upgraded to this one."""
    return found.isdigit() and int(found) < int(SCHEMA_VERSION)


def lock(connection: Connection) -> None:
    """Keep other processes from changing the tables until the transaction ends; SQLite does so itself."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})


def is_empty(connection: Connection) -> bool:
    """Whether none of our tables is there; tables of others may be."""
    return not _TABLES & set(inspect(connection).get_table_names())


def has_version_table(connection: Connection) -> bool:
    """Whether the version stands where alembic looks for it: from version 2 on."""
    return inspect(connection).has_table(VersionRow.__tablename__)


def version(connection: Connection) -> str | None:
    """The version of the tables, None when nothing says it."""
    if has_version_table(connection):
        return connection.execute(select(VersionRow.version_num)).scalar_one_or_none()
    if inspect(connection).has_table(FIRST_VERSION_TABLE):
        found = connection.execute(text(f"SELECT version FROM {FIRST_VERSION_TABLE}"))  # noqa: S608 - a constant
        return next((str(row.version) for row in found), None)
    return None


def _other_version(where: str, found: str | None) -> str:
    if found is None:
        return f"The store {where} has tables without a version; use another database."
    if is_older(found):
        return (
            f"The store {where} has tables of version {found} and this Spikefront needs version "
            f"{SCHEMA_VERSION}; back it up and run 'spikefront db upgrade'."
        )
    return (
        f"The store {where} has tables of version {found}, which is newer than this Spikefront's "
        f"{SCHEMA_VERSION}; use the Spikefront that wrote it, or another database."
    )
