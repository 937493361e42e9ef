"""What other processes ask of a campaign, and how a driver leaves it; on a campaign's row that is locked.

A driver that lives is asked through its row and heeds in its loop. Where none lives, the change is made here
and now, under a new token, so that a driver which only slept cannot undo it.
"""

from typing import Any

from sqlalchemy.orm import Session

from hpo.store import leases
from hpo.store.records import CampaignRecord
from hpo.store.rows import cancel, next_number, note, requeue
from hpo.store.states import CampaignState, StopRequest, check_campaign_step
from hpo.store.tables import CampaignRow, now
from spikefront.errors import ConflictError, InputError

MAX_TRIALS = 1_000_000
"""Trials that a campaign may have in all, extensions included."""
STATE_AFTER: dict[StopRequest, CampaignState] = {"pause": "paused", "cancel": "cancelled"}


def set_state(session: Session, row: CampaignRow, state: CampaignState) -> None:
    """Move the campaign to ``state``; ConflictError when its present one forbids that."""
    check_campaign_step(row.name, row.state, state)
    _set_state(session, row, state)


def ask(session: Session, row: CampaignRow, what: StopRequest, at_once: bool, dead: str | None) -> None:
    """Leave the request to the driver that lives; without one, do it."""
    check_campaign_step(row.name, row.state, STATE_AFTER[what])
    if row.request == "cancel" and what == "pause":
        raise ConflictError(f"Campaign {row.name!r} is being cancelled and cannot be paused; let it end.")
    driver = leases.holder(row)
    note(session, row.name, None, "requested", {"what": what, "now": at_once, "by": leases.process()})
    row.request, row.request_now = what, at_once
    if driver is None or driver == dead:
        leases.take(row, f"a {what} request", 0.0, dead)
        leave(session, row, STATE_AFTER[what])


def extend(session: Session, row: CampaignRow, trials: int) -> None:
    """Grant ``trials`` more; a finished campaign becomes paused, to be resumed."""
    if isinstance(trials, bool) or not isinstance(trials, int) or not 1 <= trials <= MAX_TRIALS:
        raise InputError(f"A campaign cannot be extended by {trials!r} trials; use 1 to {MAX_TRIALS}.")
    if row.extra_trials + trials > MAX_TRIALS:
        raise InputError(
            f"Campaign {row.name!r} has {row.extra_trials} extra trials and cannot get {trials} more; "
            f"{MAX_TRIALS} extra trials are the most."
        )
    if row.state == "cancelled" or row.request == "cancel":
        raise ConflictError(f"Campaign {row.name!r} is cancelled and takes no trials; start a new one.")
    row.extra_trials, row.updated_at = row.extra_trials + trials, now()
    if row.stop_reason is not None:
        row.stop_reason, row.exempt_trials = None, next_number(session, row.name) + trials
    detail = {"trials": trials, "extra": row.extra_trials, "by": leases.process()}
    note(session, row.name, None, "campaign_extended", detail)
    if row.state == "finished":
        _set_state(session, row, "paused")


def narrow(session: Session, row: CampaignRow, space: dict[str, Any], reset: bool) -> None:
    """Narrow variables from the next trial on, beside or instead of those narrowed before."""
    if row.state == "cancelled" or row.request == "cancel":
        raise ConflictError(f"Campaign {row.name!r} is cancelled and proposes nothing; start a new one.")
    first = next_number(session, row.name)
    before = [entry for entry in row.narrowings or [] if entry["from"] < first]
    kept = {} if reset or not row.narrowings else row.narrowings[-1]["space"]
    row.narrowings = [*before, {"from": first, "space": {**kept, **space}}]
    row.updated_at = now()
    detail = {"from": first, "space": row.narrowings[-1]["space"], "by": leases.process()}
    note(session, row.name, None, "campaign_narrowed", detail)


def summary(taken: dict[str, Any]) -> dict[str, Any]:
    """What an event says of a warm start: its plain values, and of each list how long it is."""
    return {key: len(value) if isinstance(value, list) else value for key, value in taken.items()}


def leave(
    session: Session,
    row: CampaignRow,
    state: CampaignState,
    seen: CampaignRecord | None = None,
    reason: str | None = None,
) -> bool:
    """End a driver's work; False, and nothing changes, when it has not ``seen`` all that was asked.

    Running trials return to the queue, or are cancelled with the campaign, queued ones too. A pending request
    to cancel turns any other state into "cancelled".
    """
    if seen is not None and _asked(seen) != _asked(row.record()):
        return False
    if row.request == "cancel":
        state = "cancelled"
    if state == "cancelled":
        cancel(session, row.name, "queued", "running")
    else:
        requeue(session, row.name)
    row.stop_reason = reason if state == "finished" else None
    set_state(session, row, state)
    row.request, row.request_now = None, False
    return True


def _asked(record: CampaignRecord) -> tuple[StopRequest | None, bool, int, dict[str, Any]]:
    return record.request, record.request_now, record.extra_trials, record.narrowed


def _set_state(session: Session, row: CampaignRow, state: CampaignState) -> None:
    why = {} if row.stop_reason is None else {"reason": row.stop_reason}
    note(session, row.name, None, "campaign_state", {"from": row.state, "to": state, **why})
    row.state, row.updated_at = state, now()
