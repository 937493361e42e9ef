"""Why a campaign stopped early, what its space was narrowed to, what it took from an earlier one."""

import sqlalchemy as sa
from alembic import op

revision = "4"
down_revision = "3"


def upgrade() -> None:
    """From version 3."""
    for column in (
        sa.Column("stop_reason", sa.Text),
        sa.Column("exempt_trials", sa.Integer, nullable=False, server_default="0"),
        sa.Column("narrowings", sa.JSON),
        sa.Column("warm_start", sa.JSON),
    ):
        op.add_column("campaigns", column)
