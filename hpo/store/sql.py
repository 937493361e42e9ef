"""The store on SQLAlchemy: SQLite or PostgreSQL.

Every write first locks its campaign's row (PostgreSQL) or the whole file (SQLite), so writes to one campaign
follow each other and what was read in a transaction still holds when it commits.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, Select, func, select
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from hpo.store import control, dominance, leases, selecting
from hpo.store.connect import first_line, is_away, shown, writing
from hpo.store.leases import Fence
from hpo.store.plain import check_name, check_seed, floats, plain_dict
from hpo.store.records import (
    CampaignRecord,
    DesignRecord,
    EventRecord,
    PointRecord,
    ProgressRecord,
    TrialRecord,
    TrialResult,
)
from hpo.store.rows import (
    campaign_row,
    cancel,
    check_result,
    design_row,
    fill,
    forget_progress,
    new_design,
    next_number,
    note,
    note_progress,
    requeue,
    trial_row,
)
from hpo.store.states import TRIAL_STATES, CampaignState, StopRequest, TrialState, check_trial_step
from hpo.store.tables import CampaignRow, DesignRow, EventRow, ProgressRow, TrialRow, now
from spikefront.errors import ConflictError, SpikefrontError, StoreAwayError


class SqlStore:
    """Implements ``hpo.store.base.Store``; may be used by several threads at once."""

    def __init__(self, engine: Engine, fence: Fence | None = None) -> None:
        self._engine = engine
        self._writing = writing(engine)
        self._fence = fence

    def fenced(self, name: str, token: int) -> "SqlStore":
        """See ``Store.fenced``."""
        return SqlStore(self._engine, Fence(name, token))

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
            note(session, name, None, "campaign_created")
            return row.record()

    def campaign(self, name: str) -> CampaignRecord:
        """See ``Store.campaign``."""
        with self._read() as session:
            return campaign_row(session, name).record()

    def campaigns(self, limit: int | None = None, offset: int = 0) -> list[CampaignRecord]:
        """See ``Store.campaigns``."""
        with self._read() as session:
            return [row.record() for row in session.scalars(selecting.campaigns(limit, offset))]

    def campaign_count(self) -> int:
        """See ``Store.campaign_count``."""
        with self._read() as session:
            return session.scalar(select(func.count()).select_from(CampaignRow)) or 0

    def set_campaign_state(
        self, name: str, state: CampaignState, expected: CampaignState | None = None
    ) -> CampaignRecord:
        """See ``Store.set_campaign_state``."""
        with self._write() as session:
            row = campaign_row(session, name)
            if expected is not None and row.state != expected:
                raise ConflictError(f"Campaign {name!r} is {row.state}, not {expected}; look at it again.")
            control.set_state(session, row, state)
            return row.record()

    def ask(
        self, name: str, what: StopRequest, at_once: bool = False, dead: str | None = None
    ) -> CampaignRecord:
        """See ``Store.ask``."""
        with self._write() as session:
            row = campaign_row(session, name)
            control.ask(session, row, what, at_once, dead)
            return row.record()

    def extend(self, name: str, trials: int) -> CampaignRecord:
        """See ``Store.extend``."""
        with self._write() as session:
            row = campaign_row(session, name)
            control.extend(session, row, trials)
            return row.record()

    def narrow(self, name: str, space: dict[str, Any], reset: bool = False) -> CampaignRecord:
        """See ``Store.narrow``."""
        with self._write() as session:
            row = campaign_row(session, name)
            control.narrow(session, row, plain_dict(space, "space"), reset)
            return row.record()

    def set_warm_start(self, name: str, taken: dict[str, Any]) -> CampaignRecord:
        """See ``Store.set_warm_start``."""
        with self._write() as session:
            row = campaign_row(session, name)
            if row.warm_start is None:
                row.warm_start = plain_dict(taken, "warm_start")
                note(session, name, None, "warm_started", control.summary(row.warm_start))
            return row.record()

    def leave(
        self,
        name: str,
        state: CampaignState,
        seen: CampaignRecord | None = None,
        reason: str | None = None,
    ) -> bool:
        """See ``Store.leave``."""
        with self._write() as session:
            return control.leave(session, campaign_row(session, name), state, seen, reason)

    def set_reference(self, name: str, reference: dict[str, float]) -> CampaignRecord:
        """See ``Store.set_reference``."""
        point = floats(reference, "reference")
        with self._write() as session:
            row = campaign_row(session, name)
            if row.reference and row.reference != point:
                msg = f"Campaign {name!r} has the reference point {row.reference}; it stays fixed."
                raise ConflictError(msg)
            note(session, name, None, "reference_set", {"reference": point})
            row.reference, row.updated_at = point, now()
            return row.record()

    def take_lease(self, name: str, holder: str, seconds: float, dead: str | None = None) -> int:
        """See ``Store.take_lease``."""
        with self._write() as session:
            row = campaign_row(session, name)
            token = leases.take(row, holder, seconds, dead)
            note(session, name, None, "lease_taken", {"holder": holder, "token": token})
            if row.request == "pause":  # asked of a driver that did not live to heed it
                row.request, row.request_now = None, False
            return token

    def renew_lease(self, name: str, token: int, seconds: float) -> None:
        """See ``Store.renew_lease``."""
        with self._write() as session:
            row = campaign_row(session, name)
            Fence(name, token).check(row)
            leases.renew(row, seconds)

    def lease_holder(self, name: str) -> str | None:
        """See ``Store.lease_holder``."""
        with self._read() as session:
            return leases.holder(campaign_row(session, name))

    def drop_lease(self, name: str, token: int) -> None:
        """See ``Store.drop_lease``."""
        with self._write() as session:
            row = campaign_row(session, name)
            if row.lease_token == token and row.lease_until is not None:
                row.lease_until = None  # the holder's name stays: it tells a late driver who came after it
                note(session, name, None, "lease_dropped", {"holder": row.lease_holder, "token": token})

    def add_trial(
        self, campaign: str, config: dict[str, Any], seed: int, proposal: dict[str, Any]
    ) -> TrialRecord:
        """See ``Store.add_trial``."""
        with self._write() as session:
            state = campaign_row(session, campaign).state
            if state in {"finished", "cancelled"}:
                raise ConflictError(f"Campaign {campaign!r} is {state} and takes no trials; start a new one.")
            row = TrialRow(
                campaign=campaign,
                number=next_number(session, campaign),
                state="queued",
                config=plain_dict(config, "config"),
                seed=check_seed(seed),
                proposal=plain_dict(proposal, "proposal"),
                queued_at=now(),
            )
            session.add(row)
            session.flush()
            note(session, campaign, row.number, "trial_queued")
            return row.record()

    def start_trial(self, campaign: str, number: int) -> TrialRecord:
        """See ``Store.start_trial``."""
        with self._write() as session:
            campaign_row(session, campaign)
            row = trial_row(session, campaign, number)
            check_trial_step(number, row.state, "running")
            row.state, row.started_at = "running", now()
            note(session, campaign, number, "trial_started", {"attempts": row.attempts})
            return row.record()

    def finish_trial(self, campaign: str, number: int, result: TrialResult) -> TrialRecord:
        """See ``Store.finish_trial``."""
        check_result(number, result)
        with self._write() as session:
            owner = campaign_row(session, campaign)
            row = trial_row(session, campaign, number)
            check_trial_step(number, row.state, result.state)
            fill(row, result)
            forget_progress(session, campaign, number)
            rows = [new_design(row, index, design) for index, design in enumerate(result.designs)]
            dominance.mark_new(session, owner, rows)
            session.add_all(rows)
            detail = {"state": row.state, "reason": row.reason, "designs": len(rows)}
            note(session, campaign, number, "trial_finished", detail)
            session.flush()
            return row.record()

    def note_progress(self, campaign: str, newest: Mapping[int, Mapping[str, Any]]) -> None:
        """See ``Store.note_progress``."""
        with self._write() as session:
            campaign_row(session, campaign)
            note_progress(session, campaign, newest)

    def progress(self, campaign: str) -> list[ProgressRecord]:
        """See ``Store.progress``."""
        query = select(ProgressRow).where(ProgressRow.campaign == campaign).order_by(ProgressRow.trial)
        with self._read() as session:
            campaign_row(session, campaign)
            return [row.record() for row in session.scalars(query)]

    def requeue_running(self, campaign: str) -> list[int]:
        """See ``Store.requeue_running``."""
        with self._write() as session:
            campaign_row(session, campaign)
            return requeue(session, campaign)

    def cancel_queued(self, campaign: str) -> list[int]:
        """See ``Store.cancel_queued``."""
        with self._write() as session:
            campaign_row(session, campaign)
            return cancel(session, campaign, "queued")

    def trials(
        self,
        campaign: str,
        states: Collection[TrialState] | None = None,
        after: int = -1,
        limit: int | None = None,
    ) -> list[TrialRecord]:
        """See ``Store.trials``."""
        query = selecting.trials(campaign, states, after, limit)
        with self._read() as session:
            campaign_row(session, campaign)
            return [row.record() for row in session.scalars(query)]

    def trial_count(self, campaign: str) -> int:
        """See ``Store.trial_count``."""
        with self._read() as session:
            campaign_row(session, campaign)
            return next_number(session, campaign)

    def trials_numbered(self, campaign: str, numbers: Collection[int]) -> list[TrialRecord]:
        """See ``Store.trials_numbered``."""
        with self._read() as session:
            campaign_row(session, campaign)
            parts = selecting.trials_numbered(campaign, numbers)
            return [row.record() for query in parts for row in session.scalars(query)]

    def trial(self, campaign: str, number: int) -> TrialRecord:
        """See ``Store.trial``."""
        with self._read() as session:
            campaign_row(session, campaign)
            return trial_row(session, campaign, number).record()

    def metric(self, campaign: str, name: str) -> list[Any]:
        """See ``Store.metric``."""
        with self._read() as session:
            campaign_row(session, campaign)
            found = session.scalars(selecting.metrics_with(campaign, name))
            return [metrics[name] for metrics in found if name in metrics]

    def designs(
        self,
        campaign: str,
        feasible_only: bool = False,
        trial: int | None = None,
        between: tuple[int, int] | None = None,
    ) -> list[DesignRecord]:
        """See ``Store.designs``."""
        asked = between if trial is None else (trial, trial)
        return self._designs(campaign, selecting.designs(campaign, asked, feasible_only))

    def unbeaten(self, campaign: str) -> list[DesignRecord]:
        """See ``Store.unbeaten``."""
        return self._designs(campaign, selecting.unbeaten(campaign))

    def _designs(self, campaign: str, query: Select[DesignRow]) -> list[DesignRecord]:
        with self._read() as session:
            campaign_row(session, campaign)
            return [row.record() for row in session.scalars(query)]

    def points(
        self,
        campaign: str,
        between: tuple[int, int] | None = None,
        newest: int | None = None,
        unbeaten_only: bool = False,
    ) -> list[PointRecord]:
        """See ``Store.points``."""
        query = selecting.points(campaign, between, newest, unbeaten_only)
        with self._read() as session:
            campaign_row(session, campaign)
            rows = session.execute(query).all()
        return [PointRecord(*row) for row in reversed(rows)]

    def feasible_count(self, campaign: str) -> int:
        """See ``Store.feasible_count``."""
        with self._read() as session:
            campaign_row(session, campaign)
            return session.scalar(selecting.feasible_count(campaign)) or 0

    def design(self, campaign: str, name: str) -> DesignRecord:
        """See ``Store.design``."""
        with self._read() as session:
            campaign_row(session, campaign)
            return design_row(session, campaign, name).record()

    def set_test_measures(self, campaign: str, name: str, measures: dict[str, float]) -> DesignRecord:
        """See ``Store.set_test_measures``."""
        with self._write() as session:
            campaign_row(session, campaign)
            row = design_row(session, campaign, name)
            row.test_measures = floats(measures, "measures")
            note(session, campaign, row.trial, "design_tested", {"design": name, **row.test_measures})
            return row.record()

    def events(self, campaign: str) -> list[EventRecord]:
        """See ``Store.events``."""
        query = select(EventRow).where(EventRow.campaign == campaign).order_by(EventRow.id)
        with self._read() as session:
            campaign_row(session, campaign)
            return [row.record() for row in session.scalars(query)]

    def artifacts(self) -> set[str]:
        """See ``Store.artifacts``."""
        query = select(TrialRow.artifact).where(TrialRow.artifact.is_not(None)).distinct()
        with self._read() as session:
            return {digest for digest in session.scalars(query) if digest is not None}

    def counts(self, campaign: str) -> dict[TrialState, int]:
        """See ``Store.counts``."""
        with self._read() as session:
            campaign_row(session, campaign)
        return self.counts_of([campaign])[campaign]

    def counts_of(self, campaigns: Sequence[str]) -> dict[str, dict[TrialState, int]]:
        """See ``Store.counts_of``."""
        found = {name: dict.fromkeys(TRIAL_STATES, 0) for name in campaigns}
        with self._read() as session:
            for name, state, count in session.execute(selecting.counts(campaigns)):
                found[name][state] = count
        return found

    def close(self) -> None:
        """See ``Store.close``."""
        self._engine.dispose()

    @contextmanager
    def _write(self) -> Iterator[Session]:
        with self._session(self._writing) as session, session.begin():
            session.info.update(writes=True, fence=self._fence)
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
            raise (StoreAwayError if is_away(error) else SpikefrontError)(msg) from error
