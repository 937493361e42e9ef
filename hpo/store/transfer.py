"""One campaign's rows out of a database and into another, as plain JSON values, without holding them all."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, Table, insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError

from hpo.store import dominance, leases
from hpo.store.batches import batched
from hpo.store.connect import first_line, open_engine, shown, writing
from hpo.store.plain import check_name
from hpo.store.tables import Base, CampaignRow, EventRow, UtcDateTime, now
from spikefront.errors import ConflictError, DataError, NotFoundError, SpikefrontError

KINDS = ("trials", "designs", "events")
"""Tables of a campaign's rows, in an order in which they can be inserted."""
BATCH = 1000
_ORDER = {"trials": ("number",), "designs": ("trial", "index"), "events": ("id",)}
_LEFT_OUT = frozenset({"campaign", "id", "lease_holder", "lease_until"})
"""What has no meaning elsewhere: keys that the other store gives, and the driver of the present moment."""

Values = dict[str, Any]


@contextmanager
def snapshot(url: str) -> Iterator[Connection]:
    """A connection that sees the store as it is at one moment, whatever drivers write meanwhile."""
    engine = open_engine(url)
    if engine.dialect.name == "postgresql":
        engine = engine.execution_options(isolation_level="REPEATABLE READ")
    try:
        with engine.connect() as connection:
            yield connection
    except DBAPIError as error:
        msg = f"The store {shown(engine.url)} failed ({first_line(error)}); check the database and try again."
        raise SpikefrontError(msg) from error
    finally:
        engine.dispose()


def campaign_values(connection: Connection, name: str) -> Values:
    """The campaign's own row; NotFoundError when there is none of that name."""
    row = connection.execute(select(CampaignRow.__table__).where(CampaignRow.name == name)).first()
    if row is None:
        raise NotFoundError(f"There is no campaign {name!r:.80}; see 'spikefront list'.")
    return _plain(row._mapping)


def rows(connection: Connection, kind: str, name: str) -> Iterator[Values]:
    """The campaign's rows in one of ``KINDS``, in their order."""
    table = _table(kind)
    query = select(table).where(table.c.campaign == name).order_by(*(table.c[key] for key in _ORDER[kind]))
    found = connection.execute(query.execution_options(yield_per=BATCH))
    return (_plain(row._mapping) for row in found)


def insert_campaign(
    url: str, campaign: Values, rows_of: Mapping[str, Iterable[Values]], came_from: str
) -> None:
    """Add a campaign with all its rows, in one transaction: all of it or nothing.

    Args:
        url: of the store; an empty database gets its tables.
        campaign: its own row, with the name that it shall have.
        rows_of: its rows by kind, each read twice at most.
        came_from: the name that it had, for its history.

    Raises:
        ConflictError: there is a campaign of that name.
        DataError: the rows are none of a campaign.
    """
    name = check_name(campaign["name"])
    engine = open_engine(url)
    try:
        marks = _marks(campaign, rows_of["designs"])
        with writing(engine).begin() as connection:
            if connection.execute(select(CampaignRow.name).where(CampaignRow.name == name)).first():
                raise ConflictError(f"Campaign {name!r} exists already; import it as another with --as.")
            connection.execute(insert(CampaignRow), [_typed(_table("campaigns"), campaign)])
            for kind in KINDS:
                _insert(connection, kind, name, rows_of[kind], marks)
                _count(connection, kind)
            event = {"at": now(), "campaign": name, "kind": "campaign_imported"}
            detail = {"name": came_from, "by": leases.process()}
            connection.execute(insert(EventRow), [{**event, "detail": detail}])
    except IntegrityError as error:
        raise DataError(f"These rows are no campaign ({first_line(error)}); export it again.") from error
    except DBAPIError as error:
        msg = f"The store {shown(engine.url)} failed ({first_line(error)}); check the database and try again."
        raise SpikefrontError(msg) from error
    except (StatementError, TypeError, ValueError, LookupError, AttributeError) as error:
        raise DataError(f"These rows are no campaign ({error!s:.200}); export it again.") from error
    finally:
        engine.dispose()


def _insert(
    connection: Connection, kind: str, name: str, found: Iterable[Values], marks: Iterator[bool]
) -> None:
    table = _table(kind)
    for batch in batched(found, BATCH):
        typed = [{**_typed(table, row), "campaign": name} for row in batch]
        if kind == "designs":
            typed = [{**row, "dominated": next(marks)} for row in typed]
        connection.execute(insert(table), typed)


def _count(connection: Connection, kind: str) -> None:
    """Tell PostgreSQL how many rows there are now.

    It plans the check of each foreign key by what it knows of the other table: where that is taken for empty,
    all trials of a campaign are read for every design, and the time grows with the square of their number.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"ANALYZE {_table(kind).name}"))


def _marks(campaign: Values, designs: Iterable[Values]) -> Iterator[bool]:
    """Whether each design is dominated, whatever its row says."""
    measured = ((design["measures"], bool(design["feasible"])) for design in designs)
    return iter(dominance.dominated(campaign["reference"], measured))


def _table(kind: str) -> Table:
    return Base.metadata.tables[kind]


def _plain(row: RowMapping) -> Values:
    """A row as JSON knows it."""
    kept = {str(key): value for key, value in row.items() if key not in _LEFT_OUT}
    return {k: v.isoformat() if isinstance(v, datetime) else v for k, v in kept.items()}


def _typed(table: Table, row: Values) -> Values:
    """A row as the table takes it; DataError when it has a column of no such table."""
    unknown = set(row) - set(table.c.keys()) | set(row) & _LEFT_OUT
    if unknown:
        raise DataError(
            f"The column {min(unknown)!r:.40} is none of {table.name}; export the campaign again."
        )
    times = {key for key in row if isinstance(table.c[key].type, UtcDateTime) and row[key] is not None}
    return {key: datetime.fromisoformat(value) if key in times else value for key, value in row.items()}
