"""The store on SQLAlchemy: SQLite or PostgreSQL.

Every write first locks its campaign's row (PostgreSQL) or the whole file (SQLite), so writes to one campaign
follow each other and what was read in a transaction still holds when it commits.
"""

import difflib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine, func, select
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from hpo.store.connect import first_line, shown, writing
from hpo.store.plain import check_name, check_seed, clean_text, floats, number, plain_dict
from hpo.store.records import (
    CampaignRecord,
    DesignRecord,
    DesignResult,
    EventRecord,
    TrialRecord,
    TrialResult,
)
from hpo.store.states import (
    FINAL_TRIAL_STATES,
    TRIAL_STATES,
    CampaignState,
    TrialState,
    check_campaign_step,
    check_trial_step,
)
from hpo.store.tables import CampaignRow, DesignRow, EventRow, TrialRow, now
from spikefront.errors import ConflictError, InputError, NotFoundError, SpikefrontError


class SqlStore:
    """Implements ``hpo.store.base.Store``; may be used by several threads at once."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._writing = writing(engine)

    def create_campaign(
        self,
        name: str,
        spec: dict[str, Any],
        seed: int,
        reference: dict[str, float],
        versions: dict[str, str],
    ) -> CampaignRecord:
        """See ``Store.create_campaign``."""
        row = CampaignRow(
            name=check_name(name),
            state="created",
            spec=plain_dict(spec, "spec"),
            seed=check_seed(seed),
            reference=floats(reference, "reference"),
            versions=plain_dict(versions, "versions"),
            created_at=now(),
            updated_at=now(),
        )
        with self._write() as session:
            session.add(row)
            try:
                session.flush()
            except IntegrityError as error:  # the key decides, also between two that create it at once
                msg = f"Campaign {name!r} exists already; resume it, or give the new one another name."
                raise ConflictError(msg) from error
            _note(session, name, None, "campaign_created")
            return row.record()

    def campaign(self, name: str) -> CampaignRecord:
        """See ``Store.campaign``."""
        with self._read() as session:
            return _campaign(session, name).record()

    def campaigns(self) -> list[CampaignRecord]:
        """See ``Store.campaigns``."""
        query = select(CampaignRow).order_by(CampaignRow.created_at.desc(), CampaignRow.name)
        with self._read() as session:
            return [row.record() for row in session.scalars(query)]

    def set_campaign_state(
        self, name: str, state: CampaignState, expected: CampaignState | None = None
    ) -> CampaignRecord:
        """See ``Store.set_campaign_state``."""
        with self._write() as session:
            row = _campaign(session, name)
            if expected is not None and row.state != expected:
                raise ConflictError(f"Campaign {name!r} is {row.state}, not {expected}; look at it again.")
            check_campaign_step(name, row.state, state)
            _note(session, name, None, "campaign_state", {"from": row.state, "to": state})
            row.state, row.updated_at = state, now()
            return row.record()

    def set_reference(self, name: str, reference: dict[str, float]) -> CampaignRecord:
        """See ``Store.set_reference``."""
        point = floats(reference, "reference")
        with self._write() as session:
            row = _campaign(session, name)
            if row.reference and row.reference != point:
                msg = f"Campaign {name!r} has the reference point {row.reference}; it stays fixed."
                raise ConflictError(msg)
            _note(session, name, None, "reference_set", {"reference": point})
            row.reference, row.updated_at = point, now()
            return row.record()

    def take_lease(self, name: str, holder: str, seconds: float) -> None:
        """See ``Store.take_lease``."""
        with self._write() as session:
            row = _campaign(session, name)
            if row.lease_until is not None and row.lease_until > now() and row.lease_holder != holder:
                until = row.lease_until.isoformat(timespec="seconds")
                msg = f"Campaign {name!r} is driven by {row.lease_holder} until {until}; stop that one first."
                raise ConflictError(msg)
            if row.lease_holder != holder:
                _note(session, name, None, "lease_taken", {"holder": holder})
            row.lease_holder, row.lease_until = holder, now() + timedelta(seconds=seconds)

    def lease_holder(self, name: str) -> str | None:
        """See ``Store.lease_holder``."""
        with self._read() as session:
            row = _campaign(session, name)
            lasts = row.lease_until is not None and row.lease_until > now()
            return row.lease_holder if lasts else None

    def drop_lease(self, name: str, holder: str) -> None:
        """See ``Store.drop_lease``."""
        with self._write() as session:
            row = _campaign(session, name)
            if row.lease_holder == holder:
                row.lease_holder = row.lease_until = None
                _note(session, name, None, "lease_dropped", {"holder": holder})

    def add_trial(
        self, campaign: str, config: dict[str, Any], seed: int, proposal: dict[str, Any]
    ) -> TrialRecord:
        """See ``Store.add_trial``."""
        with self._write() as session:
            state = _campaign(session, campaign).state
            if state in {"finished", "cancelled"}:
                raise ConflictError(f"Campaign {campaign!r} is {state} and takes no trials; start a new one.")
            last = session.scalar(select(func.max(TrialRow.number)).where(TrialRow.campaign == campaign))
            row = TrialRow(
                campaign=campaign,
                number=0 if last is None else last + 1,
                state="queued",
                config=plain_dict(config, "config"),
                seed=check_seed(seed),
                proposal=plain_dict(proposal, "proposal"),
                queued_at=now(),
            )
            session.add(row)
            session.flush()
            _note(session, campaign, row.number, "trial_queued")
            return row.record()

    def start_trial(self, campaign: str, number: int) -> TrialRecord:
        """See ``Store.start_trial``."""
        with self._write() as session:
            _campaign(session, campaign)
            row = _trial(session, campaign, number)
            check_trial_step(number, row.state, "running")
            row.state, row.started_at = "running", now()
            _note(session, campaign, number, "trial_started", {"attempts": row.attempts})
            return row.record()

    def finish_trial(self, campaign: str, number: int, result: TrialResult) -> TrialRecord:
        """See ``Store.finish_trial``."""
        _check_result(number, result)
        with self._write() as session:
            _campaign(session, campaign)
            row = _trial(session, campaign, number)
            check_trial_step(number, row.state, result.state)
            _fill(row, result)
            rows = [_design_row(row, index, design) for index, design in enumerate(result.designs)]
            session.add_all(rows)
            detail = {"state": row.state, "reason": row.reason, "designs": len(rows)}
            _note(session, campaign, number, "trial_finished", detail)
            session.flush()
            return row.record()

    def requeue_running(self, campaign: str) -> list[int]:
        """See ``Store.requeue_running``."""
        with self._write() as session:
            rows = _locked_trials(session, campaign, "running")
            for row in rows:
                row.state, row.attempts, row.started_at = "queued", row.attempts + 1, None
                _note(session, campaign, row.number, "trial_requeued", {"attempts": row.attempts})
            return [row.number for row in rows]

    def cancel_queued(self, campaign: str) -> list[int]:
        """See ``Store.cancel_queued``."""
        with self._write() as session:
            rows = _locked_trials(session, campaign, "queued")
            for row in rows:
                row.state, row.finished_at = "cancelled", now()
                _note(session, campaign, row.number, "trial_cancelled")
            return [row.number for row in rows]

    def trials(
        self,
        campaign: str,
        states: Collection[TrialState] | None = None,
        after: int = -1,
        limit: int | None = None,
    ) -> list[TrialRecord]:
        """See ``Store.trials``."""
        query = select(TrialRow).where(TrialRow.campaign == campaign, TrialRow.number > after)
        if states is not None:
            query = query.where(TrialRow.state.in_(states))
        with self._read() as session:
            _campaign(session, campaign)
            return [row.record() for row in session.scalars(query.order_by(TrialRow.number).limit(limit))]

    def trial(self, campaign: str, number: int) -> TrialRecord:
        """See ``Store.trial``."""
        with self._read() as session:
            _campaign(session, campaign)
            return _trial(session, campaign, number).record()

    def designs(
        self, campaign: str, feasible_only: bool = False, trial: int | None = None
    ) -> list[DesignRecord]:
        """See ``Store.designs``."""
        query = select(DesignRow).where(DesignRow.campaign == campaign)
        if feasible_only:
            query = query.where(DesignRow.feasible)
        if trial is not None:
            query = query.where(DesignRow.trial == trial)
        with self._read() as session:
            _campaign(session, campaign)
            return [row.record() for row in session.scalars(query.order_by(DesignRow.trial, DesignRow.index))]

    def design(self, campaign: str, name: str) -> DesignRecord:
        """See ``Store.design``."""
        with self._read() as session:
            _campaign(session, campaign)
            return _design(session, campaign, name).record()

    def set_test_measures(self, campaign: str, name: str, measures: dict[str, float]) -> DesignRecord:
        """See ``Store.set_test_measures``."""
        with self._write() as session:
            _campaign(session, campaign)
            row = _design(session, campaign, name)
            row.test_measures = floats(measures, "measures")
            _note(session, campaign, row.trial, "design_tested", {"design": name, **row.test_measures})
            return row.record()

    def events(self, campaign: str) -> list[EventRecord]:
        """See ``Store.events``."""
        query = select(EventRow).where(EventRow.campaign == campaign).order_by(EventRow.id)
        with self._read() as session:
            _campaign(session, campaign)
            return [row.record() for row in session.scalars(query)]

    def counts(self, campaign: str) -> dict[TrialState, int]:
        """See ``Store.counts``."""
        query = select(TrialRow.state, func.count()).where(TrialRow.campaign == campaign)
        with self._read() as session:
            _campaign(session, campaign)
            found = dict(session.execute(query.group_by(TrialRow.state)).all())
        return {state: found.get(state, 0) for state in TRIAL_STATES}

    def close(self) -> None:
        """See ``Store.close``."""
        self._engine.dispose()

    @contextmanager
    def _write(self) -> Iterator[Session]:
        with self._session(self._writing) as session, session.begin():
            session.info["writes"] = True
            yield session

    @contextmanager
    def _read(self) -> Iterator[Session]:
        with self._session(self._engine) as session:
            yield session

    @contextmanager
    def _session(self, engine: Engine) -> Iterator[Session]:
        try:
            with Session(engine, expire_on_commit=False) as session:
                yield session
        except DBAPIError as error:
            where, why = shown(engine.url), first_line(error)
            msg = f"The store {where} failed ({why}); check the database and try again."
            raise SpikefrontError(msg) from error


def _campaign(session: Session, name: str) -> CampaignRow:
    query = select(CampaignRow).where(CampaignRow.name == clean_text(name))
    if session.info.get("writes"):
        query = query.with_for_update()
    row = session.scalar(query)
    if row is None:
        raise NotFoundError(_no_campaign(session, name))
    return row


def _no_campaign(session: Session, name: str) -> str:
    names = list(session.scalars(select(CampaignRow.name).order_by(CampaignRow.created_at.desc())))
    near = difflib.get_close_matches(name[:64], names, n=3, cutoff=0.5) or names[:3]
    advice = f"did you mean {' or '.join(near)}?" if near else "the store holds none yet."
    return f"There is no campaign {name!r:.80}; {advice}"


def _trial(session: Session, campaign: str, number: int) -> TrialRow:
    row = session.get(TrialRow, (campaign, number)) if 0 <= number < 2**31 else None
    if row is None:
        raise NotFoundError(
            f"Campaign {campaign!r} has no trial {number}; list its trials to see the numbers."
        )
    return row


def _locked_trials(session: Session, campaign: str, state: TrialState) -> list[TrialRow]:
    _campaign(session, campaign)
    query = select(TrialRow).where(TrialRow.campaign == campaign, TrialRow.state == state)
    return list(session.scalars(query.order_by(TrialRow.number)))


def _design(session: Session, campaign: str, name: str) -> DesignRow:
    trial, _, index = name.partition("-")
    fits = all(part.isascii() and part.isdigit() and len(part) < 10 for part in (trial, index))
    row = session.get(DesignRow, (campaign, int(trial), int(index))) if fits else None
    if row is None or row.record().name != name:
        msg = f"Campaign {campaign!r} has no design {name!r:.40}; names are TRIAL-INDEX, like 12-0."
        raise NotFoundError(msg)
    return row


def _check_result(trial: int, result: TrialResult) -> None:
    if result.state not in FINAL_TRIAL_STATES:
        allowed = ", ".join(sorted(FINAL_TRIAL_STATES))
        raise InputError(f"Trial {trial} cannot end as {result.state!r}; use one of {allowed}.")
    if result.designs and result.state != "complete":
        raise InputError(
            f"Trial {trial} ended {result.state} and has designs; only a complete trial has some."
        )


def _fill(row: TrialRow, result: TrialResult) -> None:
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


def _design_row(trial: TrialRow, index: int, design: DesignResult) -> DesignRow:
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


def _note(
    session: Session, campaign: str, trial: int | None, kind: str, detail: dict[str, Any] | None = None
) -> None:
    session.add(EventRow(at=now(), campaign=campaign, trial=trial, kind=kind, detail=detail or {}))
