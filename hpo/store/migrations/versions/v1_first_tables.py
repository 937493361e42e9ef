"""Campaigns, trials, designs and events."""

import sqlalchemy as sa
from alembic import op

revision = "1"
down_revision = None

_TIME = sa.DateTime(timezone=True)
_CAMPAIGN_STATES = ("created", "running", "paused", "finished", "cancelled", "failed")
_TRIAL_STATES = ("queued", "running", "complete", "silent", "pruned", "failed", "cancelled")


def upgrade() -> None:
    """From an empty database; the number stood in a table of its own then."""
    op.create_table(
        "spikefront_schema", sa.Column("version", sa.Integer, primary_key=True, autoincrement=False)
    )
    op.execute("INSERT INTO spikefront_schema (version) VALUES (1)")
    _create_campaigns()
    _create_trials()
    _create_designs()
    _create_events()


def _create_campaigns() -> None:
    op.create_table(
        "campaigns",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("state", sa.String(16), nullable=False),
        *_required(sa.JSON, "spec"),
        sa.Column("seed", sa.BigInteger, nullable=False),
        *_required(sa.JSON, "reference", "versions"),
        *_required(_TIME, "created_at", "updated_at"),
        sa.Column("lease_holder", sa.Text),
        sa.Column("lease_until", _TIME),
        _one_of(_CAMPAIGN_STATES),
    )


def _create_trials() -> None:
    op.create_table(
        "trials",
        sa.Column("campaign", sa.String(64), sa.ForeignKey("campaigns.name"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("state", sa.String(16), nullable=False),
        *_required(sa.JSON, "config"),
        sa.Column("seed", sa.BigInteger, nullable=False),
        *_required(sa.Integer, "attempts"),
        *_required(sa.Text, "reason", "traceback"),
        *_required(sa.JSON, "metrics", "constraints", "spikes_per_layer", "timings", "versions", "proposal"),
        sa.Column("artifact", sa.String(64)),
        sa.Column("queued_at", _TIME, nullable=False),
        sa.Column("started_at", _TIME),
        sa.Column("finished_at", _TIME),
        _one_of(_TRIAL_STATES),
    )
    op.create_index("trials_by_state", "trials", ["campaign", "state"])


def _create_designs() -> None:
    op.create_table(
        "designs",
        sa.Column("campaign", sa.String(64), primary_key=True),
        sa.Column("trial", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("index", sa.Integer, primary_key=True, autoincrement=False),
        *_required(sa.JSON, "config", "measures", "details"),
        *_required(sa.Boolean, "feasible"),
        sa.Column("test_measures", sa.JSON),
        sa.ForeignKeyConstraint(["campaign", "trial"], ["trials.campaign", "trials.number"]),
    )


def _create_events() -> None:
    op.create_table(
        "events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        *_required(_TIME, "at"),
        sa.Column("campaign", sa.String(64), sa.ForeignKey("campaigns.name"), nullable=False),
        sa.Column("trial", sa.Integer),
        sa.Column("kind", sa.String(32), nullable=False),
        *_required(sa.JSON, "detail"),
    )
    op.create_index("events_by_campaign", "events", ["campaign", "id"])


def _required(kind: sa.types.TypeEngine | type[sa.types.TypeEngine], *names: str) -> list[sa.Column]:  # type: ignore[type-arg]
    return [sa.Column(name, kind, nullable=False) for name in names]


def _one_of(states: tuple[str, ...]) -> sa.CheckConstraint:
    return sa.CheckConstraint(f"state IN ({', '.join(repr(state) for state in states)})")
