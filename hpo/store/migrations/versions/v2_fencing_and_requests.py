"""Numbered leases, requests to drivers, extended budgets; the version moves to alembic's table."""

import sqlalchemy as sa
from alembic import op

revision = "2"
down_revision = "1"


def upgrade() -> None:
    """From version 1."""
    for column in (
        sa.Column("lease_token", sa.Integer, nullable=False, server_default="0"),
        sa.Column("request", sa.String(16)),
        sa.Column("request_now", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("extra_trials", sa.Integer, nullable=False, server_default="0"),
    ):
        op.add_column("campaigns", column)
    op.drop_table("spikefront_schema")
