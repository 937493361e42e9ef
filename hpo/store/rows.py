"""Finding and filling rows within a transaction, for every part of the store."""

import difflib
from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from hpo.store.leases import Fence
from hpo.store.plain import clean_text, floats, number, plain_dict
from hpo.store.records import DesignResult, TrialResult
from hpo.store.states import FINAL_TRIAL_STATES, TrialState
from hpo.store.tables import CampaignRow, DesignRow, EventRow, ProgressRow, TrialRow, now
from spikefront.errors import InputError, NotFoundError


def campaign_row(session: Session, name: str) -> CampaignRow:
    """The campaign's row: locked in a transaction that writes, and refused to a driver that lost it."""
    query = select(CampaignRow).where(CampaignRow.name == clean_text(name))
    if session.info.get("writes"):
        query = query.with_for_update()
    row = session.scalar(query)
    if row is None:
        raise NotFoundError(_no_campaign(session, name))
    fence: Fence | None = session.info.get("fence")
    if fence is not None and session.info.get("writes"):
        fence.check(row)
    return row


def _no_campaign(session: Session, name: str) -> str:
    names = list(session.scalars(select(CampaignRow.name).order_by(CampaignRow.created_at.desc())))
    near = difflib.get_close_matches(name[:64], names, n=3, cutoff=0.5) or names[:3]
    advice = f"did you mean {' or '.join(near)}?" if near else "the store holds none yet."
    return f"There is no campaign {name!r:.80}; {advice}"


def trial_row(session: Session, campaign: str, number: int) -> TrialRow:
    """One trial's row; NotFoundError when there is none of that number."""
    row = session.get(TrialRow, (campaign, number)) if 0 <= number < 2**31 else None
    if row is None:
        raise NotFoundError(
            f"Campaign {campaign!r} has no trial {number}; list its trials to see the numbers."
        )
    return row


def next_number(session: Session, campaign: str) -> int:
    """The number of the campaign's next trial, and of all it has: there are no gaps."""
    last = session.scalar(select(func.max(TrialRow.number)).where(TrialRow.campaign == campaign))
    return 0 if last is None else last + 1


def trials_in(session: Session, campaign: str, *states: TrialState) -> list[TrialRow]:
    """The campaign's trials in one of ``states``, by number."""
    query = select(TrialRow).where(TrialRow.campaign == campaign, TrialRow.state.in_(states))
    return list(session.scalars(query.order_by(TrialRow.number)))


def design_row(session: Session, campaign: str, name: str) -> DesignRow:
    """The row of the design called ``name``; NotFoundError when there is none."""
    trial, _, index = name.partition("-")
    fits = all(part.isascii() and part.isdigit() and len(part) < 10 for part in (trial, index))
    row = session.get(DesignRow, (campaign, int(trial), int(index))) if fits else None
    if row is None or row.record().name != name:
        msg = f"Campaign {campaign!r} has no design {name!r:.40}; names are TRIAL-INDEX, like 12-0."
        raise NotFoundError(msg)
    return row


def check_result(trial: int, result: TrialResult) -> None:
    """Raise InputError when a trial cannot end so."""
    if result.state not in FINAL_TRIAL_STATES:
        allowed = ", ".join(sorted(FINAL_TRIAL_STATES))
        raise InputError(f"Trial {trial} cannot end as {result.state!r}; use one of {allowed}.")
    if result.designs and result.state != "complete":
        raise InputError(
            f"Trial {trial} ended {result.state} and has designs; only a complete trial has some."
        )


def fill(row: TrialRow, result: TrialResult) -> None:
    """Write how a trial ended into its row."""
    row.state = result.state
    row.reason = clean_text(result.reason)
    row.traceback = clean_text(result.traceback)
    row.metrics = plain_dict(result.metrics, "metrics")
    row.constraints = floats(result.constraints, "constraints")
    row.spikes_per_layer = [number(spikes, "spikes_per_layer") for spikes in result.spikes_per_layer]
    row.timings = floats(result.timings, "timings")
    row.versions = plain_dict(result.versions, "versions")
    row.artifact = result.artifact
    row.finished_at = now()


def new_design(trial: TrialRow, index: int, design: DesignResult) -> DesignRow:
    """A row for one design of a trial."""
    return DesignRow(
        campaign=trial.campaign,
        trial=trial.number,
        index=index,
        config=plain_dict(design.config, "config"),
        measures=floats(design.measures, "measures"),
        details=plain_dict(design.details, "details"),
        feasible=bool(design.feasible),
        test_measures=None,
    )


def note_progress(session: Session, campaign: str, newest: Mapping[int, Mapping[str, Any]]) -> None:
    """Keep what is new of the trials that run."""
    running = select(TrialRow.number).where(
        TrialRow.campaign == campaign, TrialRow.state == "running", TrialRow.number.in_(newest)
    )
    trials, at = session.scalars(running).all(), now()
    if not trials:
        return
    forget_progress(session, campaign, *trials)
    details = (plain_dict(newest[trial], "progress") for trial in trials)
    rows = [
        {"campaign": campaign, "trial": trial, "at": at, "detail": detail}
        for trial, detail in zip(trials, details, strict=True)
    ]
    session.execute(insert(ProgressRow), rows)


def forget_progress(session: Session, campaign: str, *numbers: int) -> None:
    """Trials that no longer run have no progress."""
    session.execute(
        delete(ProgressRow).where(ProgressRow.campaign == campaign, ProgressRow.trial.in_(numbers))
    )


def requeue(session: Session, campaign: str) -> list[int]:
    """Queue running trials again, ``attempts`` one higher; their numbers."""
    rows = trials_in(session, campaign, "running")
    for row in rows:
        row.state, row.attempts, row.started_at = "queued", row.attempts + 1, None
        note(session, campaign, row.number, "trial_requeued", {"attempts": row.attempts})
    forget_progress(session, campaign, *(row.number for row in rows))
    return [row.number for row in rows]


def cancel(session: Session, campaign: str, *states: TrialState) -> list[int]:
    """Cancel the trials that are in ``states``; their numbers."""
    rows = trials_in(session, campaign, *states)
    for row in rows:
        note(session, campaign, row.number, "trial_cancelled", {"from": row.state})
        row.state, row.finished_at = "cancelled", now()
    forget_progress(session, campaign, *(row.number for row in rows))
    return [row.number for row in rows]


def note(
    session: Session, campaign: str, trial: int | None, kind: str, detail: dict[str, Any] | None = None
) -> None:
    """Add an event to the campaign's history; what a driver does carries the number of its lease."""
    fence: Fence | None = session.info.get("fence")
    detail = dict(detail or {})
    if fence is not None and fence.campaign == campaign:
        detail["lease"] = fence.token
    session.add(EventRow(at=now(), campaign=campaign, trial=trial, kind=kind, detail=detail))
