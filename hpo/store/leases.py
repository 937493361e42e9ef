"""Leases and their tokens, on a campaign's row that is locked.

Whoever takes a lease gets a token larger than every earlier one. A driver that slept through the end of its
lease cannot know that it lost it, so not its clock but the token decides: each of its writes is compared with
the row in the same transaction (a fencing token; Kleppmann, Designing Data-Intensive Applications, ch. 8).
"""

import os
import socket
from dataclasses import dataclass
from datetime import timedelta

from hpo.store.tables import CampaignRow, now
from spikefront.errors import ConflictError, TakenOverError


@dataclass(frozen=True)
class Fence:
    """The lease under which a driver writes to its campaign."""

    campaign: str
    token: int

    def check(self, row: CampaignRow) -> None:
        """Raise TakenOverError when the row is of that campaign and of a later lease."""
        if row.name == self.campaign and row.lease_token != self.token:
            raise TakenOverError(
                f"Campaign {row.name!r} was taken over by {row.lease_holder} (lease {row.lease_token}, this "
                f"driver had {self.token}); this driver writes nothing more, leave the campaign to the other."
            )


def process() -> str:
    """This process, as HOST:NUMBER."""
    return f"{socket.gethostname()}:{os.getpid()}"


def holder(row: CampaignRow) -> str | None:
    """Whose lease lasts now; None when nobody's does."""
    lasts = row.lease_until is not None and row.lease_until > now()
    return row.lease_holder if lasts else None


def take(row: CampaignRow, by: str, seconds: float, dead: str | None = None) -> int:
    """Give ``by`` the lease and return its token; the lease of the holder ``dead`` does not count.

    Raises ConflictError while another holder's lease lasts.
    """
    held = holder(row)
    if held is not None and held not in {by, dead}:
        until = row.lease_until.isoformat(timespec="seconds") if row.lease_until else ""
        raise ConflictError(f"Campaign {row.name!r} is driven by {held} until {until}; stop that one first.")
    row.lease_holder, row.lease_token = by, row.lease_token + 1
    row.lease_until = now() + timedelta(seconds=seconds)
    return row.lease_token


def renew(row: CampaignRow, seconds: float) -> None:
    """Let the present lease last ``seconds`` from now."""
    row.lease_until = now() + timedelta(seconds=seconds)
