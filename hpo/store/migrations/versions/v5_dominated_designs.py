"""A mark on designs that are known to be dominated; without it a front is sought among all."""

import sqlalchemy as sa
from alembic import op

revision = "5"
down_revision = "4"


def upgrade() -> None:
    """From version 4; ``hpo.store.upgrade`` marks the designs that stand."""
    op.add_column("designs", sa.Column("dominated", sa.Boolean, nullable=False, server_default=sa.false()))
    op.create_index("designs_by_front", "designs", ["campaign", "feasible", "dominated", "trial", "index"])
