"""Tables, and their rows as records.

Keys are natural (campaign name, trial number, design index): they are what people and URLs use, and none ever
changes. JSON columns are of the database's text JSON type, so keys keep their order.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    DateTime,
    Dialect,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Text,
    TypeDecorator,
    false,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from hpo.store.records import CampaignRecord, DesignRecord, EventRecord, ProgressRecord, TrialRecord
from hpo.store.states import CAMPAIGN_STATES, TRIAL_STATES, CampaignState, StopRequest, TrialState

SCHEMA_VERSION = "5"
"""The newest revision in ``hpo.store.migrations``; the tables below are what it leads to."""


def now() -> datetime:
    """The present moment, UTC."""
    return datetime.now(UTC)


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC times on every database; SQLite itself would drop the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Aware time in any zone to UTC."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Stored time to aware UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Registry of the tables below."""

    type_annotation_map = {  # noqa: RUF012 - read by SQLAlchemy from the class
        dict[str, Any]: JSON(none_as_null=True),
        dict[str, float]: JSON(none_as_null=True),
        dict[str, str]: JSON(none_as_null=True),
        list[float]: JSON(none_as_null=True),
        list[dict[str, Any]]: JSON(none_as_null=True),
        datetime: UtcDateTime(),
    }


def _one_of(states: tuple[str, ...]) -> CheckConstraint:
    return CheckConstraint(f"state IN ({', '.join(repr(state) for state in states)})")


class VersionRow(Base):
    """The one row that says which version of these tables the database holds; alembic reads it too."""

    __tablename__ = "spikefront_version"
    __table_args__ = (PrimaryKeyConstraint("version_num", name="spikefront_version_pkc"),)
    version_num: Mapped[str] = mapped_column(String(32))


class CampaignRow(Base):
    """A campaign.

    ``lease_*`` say which driver runs it, until when that holds unless renewed, and by which token its writes
    are known; ``request*`` what other processes ask of that driver. The rest is explained in
    ``CampaignRecord``.
    """

    __tablename__ = "campaigns"
    __table_args__ = (_one_of(CAMPAIGN_STATES),)
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    state: Mapped[CampaignState] = mapped_column(String(16))
    spec: Mapped[dict[str, Any]]
    seed: Mapped[int] = mapped_column(BigInteger)
    reference: Mapped[dict[str, float]]
    versions: Mapped[dict[str, str]]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    lease_holder: Mapped[str | None] = mapped_column(Text)
    lease_until: Mapped[datetime | None]
    lease_token: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    request: Mapped[StopRequest | None] = mapped_column(String(16))
    request_now: Mapped[bool] = mapped_column(default=False, server_default=false())
    extra_trials: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    stop_reason: Mapped[str | None] = mapped_column(Text)
    exempt_trials: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    narrowings: Mapped[list[dict[str, Any]] | None]
    warm_start: Mapped[dict[str, Any] | None]

    def record(self) -> CampaignRecord:
        """The row as a record."""
        return CampaignRecord(
            name=self.name,
            state=self.state,
            spec=self.spec,
            seed=self.seed,
            reference=self.reference,
            versions=self.versions,
            created_at=self.created_at,
            updated_at=self.updated_at,
            extra_trials=self.extra_trials,
            request=self.request,
            request_now=self.request_now,
            stop_reason=self.stop_reason,
            exempt_trials=self.exempt_trials,
            narrowings=tuple(self.narrowings or ()),
            warm_start=self.warm_start,
        )


class TrialRow(Base):
    """A trial."""

    __tablename__ = "trials"
    __table_args__ = (_one_of(TRIAL_STATES), Index("trials_by_state", "campaign", "state"))
    campaign: Mapped[str] = mapped_column(ForeignKey("campaigns.name"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    state: Mapped[TrialState] = mapped_column(String(16))
    config: Mapped[dict[str, Any]]
    seed: Mapped[int] = mapped_column(BigInteger)
    attempts: Mapped[int] = mapped_column(default=0)
    reason: Mapped[str] = mapped_column(Text, default="")
    traceback: Mapped[str] = mapped_column(Text, default="")
    metrics: Mapped[dict[str, Any]] = mapped_column(default=dict)
    constraints: Mapped[dict[str, float]] = mapped_column(default=dict)
    spikes_per_layer: Mapped[list[float]] = mapped_column(default=list)
    timings: Mapped[dict[str, float]] = mapped_column(default=dict)
    versions: Mapped[dict[str, str]] = mapped_column(default=dict)
    proposal: Mapped[dict[str, Any]]
    artifact: Mapped[str | None] = mapped_column(String(64))
    queued_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    def record(self) -> TrialRecord:
        """The row as a record."""
        return TrialRecord(
            campaign=self.campaign,
            number=self.number,
            state=self.state,
            config=self.config,
            seed=self.seed,
            attempts=self.attempts,
            reason=self.reason,
            traceback=self.traceback,
            metrics=self.metrics,
            constraints=self.constraints,
            spikes_per_layer=self.spikes_per_layer,
            timings=self.timings,
            versions=self.versions,
            proposal=self.proposal,
            artifact=self.artifact,
            queued_at=self.queued_at,
            started_at=self.started_at,
            finished_at=self.finished_at,
        )


class DesignRow(Base):
    """A design; written in the transaction that finishes its trial.

    ``dominated`` is set where a design is known to be off the front, and says nothing where it is not.
    """

    __tablename__ = "designs"
    __table_args__ = (
        ForeignKeyConstraint(["campaign", "trial"], ["trials.campaign", "trials.number"]),
        Index("designs_by_front", "campaign", "feasible", "dominated", "trial", "index"),
    )
    campaign: Mapped[str] = mapped_column(String(64), primary_key=True)
    trial: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    index: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    config: Mapped[dict[str, Any]]
    measures: Mapped[dict[str, float]]
    details: Mapped[dict[str, Any]]
    feasible: Mapped[bool]
    test_measures: Mapped[dict[str, float] | None] = mapped_column(JSON(none_as_null=True))
    dominated: Mapped[bool] = mapped_column(default=False, server_default=false())

    def record(self) -> DesignRecord:
        """The row as a record."""
        return DesignRecord(
            campaign=self.campaign,
            trial=self.trial,
            index=self.index,
            config=self.config,
            measures=self.measures,
            details=self.details,
            feasible=self.feasible,
            test_measures=self.test_measures,
        )


class ProgressRow(Base):
    """How far a running trial is; the row goes when the trial ends or returns to the queue."""

    __tablename__ = "progress"
    __table_args__ = (ForeignKeyConstraint(["campaign", "trial"], ["trials.campaign", "trials.number"]),)
    campaign: Mapped[str] = mapped_column(String(64), primary_key=True)
    trial: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    detail: Mapped[dict[str, Any]]

    def record(self) -> ProgressRecord:
        """The row as a record."""
        return ProgressRecord(trial=self.trial, at=self.at, detail=self.detail)


class EventRow(Base):
    """One line of history; only ever inserted."""

    __tablename__ = "events"
    __table_args__ = (Index("events_by_campaign", "campaign", "id"),)
    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    at: Mapped[datetime]
    campaign: Mapped[str] = mapped_column(ForeignKey("campaigns.name"))
    trial: Mapped[int | None]
    kind: Mapped[str] = mapped_column(String(32))
    detail: Mapped[dict[str, Any]]

    def record(self) -> EventRecord:
        """The row as a record."""
        return EventRecord(
            at=self.at, campaign=self.campaign, trial=self.trial, kind=self.kind, detail=self.detail
        )
