"""The record of what was tried: campaigns, trials, designs and events, in SQLite or PostgreSQL.

Importing this package does not import SQLAlchemy; ``open_store`` does.
"""

from hpo.store.base import Store
from hpo.store.records import (
    CampaignRecord,
    DesignRecord,
    DesignResult,
    EventRecord,
    PointRecord,
    ProgressRecord,
    TrialRecord,
    TrialResult,
)
from hpo.store.states import (
    CAMPAIGN_STATES,
    FINAL_TRIAL_STATES,
    TRIAL_STATES,
    CampaignState,
    StopRequest,
    TrialState,
)

__all__ = [
    "CAMPAIGN_STATES",
    "FINAL_TRIAL_STATES",
    "TRIAL_STATES",
    "CampaignRecord",
    "CampaignState",
    "DesignRecord",
    "DesignResult",
    "EventRecord",
    "PointRecord",
    "ProgressRecord",
    "StopRequest",
    "Store",
    "TrialRecord",
    "TrialResult",
    "TrialState",
    "open_store",
]


def open_store(url: str) -> Store:
    """Open the store at a database URL: ``sqlite:///FILE`` or ``postgresql://USER:PASSWORD@HOST/DATABASE``.

    An empty database gets its tables.

    Raises:
        InputError: the URL, the file or the server behind it cannot be used.
        ConflictError: the database was written by another version of the tables.
        ToolMissingError: the database's Python driver is not installed.
    """
    from hpo.store.connect import open_engine
    from hpo.store.sql import SqlStore

    return SqlStore(open_engine(url))
