"""Bringing an older database to this version's tables, in one transaction."""

from pathlib import Path

from sqlalchemy import Connection, String, column, select, table
from sqlalchemy.exc import DBAPIError

from hpo.store import schema
from hpo.store.connect import cannot_open, connect_existing, shown, writing
from hpo.store.dominance import mark_all
from hpo.store.tables import SCHEMA_VERSION, CampaignRow, UtcDateTime, now
from spikefront.errors import ConflictError

MIGRATIONS = Path(__file__).parent / "migrations"


def found_version(url: str) -> str | None:
    """The version of the tables at ``url``; None when they have none.

    Raises:
        InputError, NotFoundError: the database cannot be opened, or is not there.
    """
    engine = connect_existing(url)
    try:
        with engine.begin() as connection:
            return schema.version(connection)
    except DBAPIError as error:
        raise cannot_open(engine.url, error) from error
    finally:
        engine.dispose()


def upgrade(url: str) -> str:
    """Bring the tables at ``url`` to this version and return the one that they had.

    All steps are one transaction: a failure or a kill leaves the database as it was.

    Raises:
        InputError, NotFoundError: the database cannot be opened, or is not there.
        ConflictError: its tables have no version or a newer one, or a driver is at work.
    """
    engine = connect_existing(url)
    try:
        with writing(engine).begin() as connection:
            schema.lock(connection)
            before = schema.version(connection)
            if before is None or not schema.is_older(before):
                schema.check(before, shown(engine.url))
                return SCHEMA_VERSION
            _check_idle(connection)
            migrate(connection, stamped=schema.has_version_table(connection))
            for name, reference in connection.execute(select(CampaignRow.name, CampaignRow.reference)).all():
                mark_all(connection, name, reference)
            return before
    except DBAPIError as error:
        raise cannot_open(engine.url, error) from error
    finally:
        engine.dispose()


def migrate(connection: Connection, stamped: bool = True, to: str = SCHEMA_VERSION) -> None:
    """Run the revisions up to ``to``; tables that are not ``stamped`` are version 1's, unknown to alembic."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    if not stamped:
        command.stamp(config, "1")
    command.upgrade(config, to)


def _check_idle(connection: Connection) -> None:
    """Raise ConflictError while a driver, which knows the older tables alone, may write."""
    campaigns = table(
        "campaigns",
        column("name", String),
        column("lease_holder", String),
        column("lease_until", UtcDateTime()),
    )
    driven = connection.execute(select(campaigns).where(campaigns.c.lease_until > now())).first()
    if driven is not None:
        until = driven.lease_until.isoformat(timespec="seconds")
        raise ConflictError(
            f"Campaign {driven.name!r} is driven by {driven.lease_holder} until {until}; stop that driver, "
            "or wait until then if it is dead, and upgrade again."
        )
