"""What a store does, whatever database is behind it."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from hpo.store.records import (
    CampaignRecord,
    DesignRecord,
    EventRecord,
    PointRecord,
    ProgressRecord,
    TrialRecord,
    TrialResult,
)
from hpo.store.states import CampaignState, StopRequest, TrialState


class Store(Protocol):
    """The record of every campaign. Each method that changes something is one transaction.

    Every method that takes a campaign's name raises NotFoundError when there is none of that name (the
    sentence lists near ones). Numbers that are not finite are refused with InputError. A database that
    cannot be reached raises SpikefrontError.
    """

    def create_campaign(
        self,
        name: str,
        spec: dict[str, Any],
        seed: int,
        reference: dict[str, float],
        versions: dict[str, str],
    ) -> CampaignRecord:
        """Add a campaign in state "created"; ConflictError when the name is taken, InputError when unfit."""

    def campaign(self, name: str) -> CampaignRecord:
        """One campaign."""

    def campaigns(self, limit: int | None = None, offset: int = 0) -> list[CampaignRecord]:
        """Campaigns, newest first: at most ``limit``, leaving out the first ``offset``."""

    def campaign_count(self) -> int:
        """Number of campaigns."""

    def set_campaign_state(
        self, name: str, state: CampaignState, expected: CampaignState | None = None
    ) -> CampaignRecord:
        """Move a campaign to ``state``.

        Raises ConflictError when its present state forbids the step, or is not ``expected`` where given.
        """

    def set_reference(self, name: str, reference: dict[str, float]) -> CampaignRecord:
        """Fix the reference point; ConflictError when another one was fixed before."""

    def ask(
        self, name: str, what: StopRequest, at_once: bool = False, dead: str | None = None
    ) -> CampaignRecord:
        """Ask the campaign's driver to pause or cancel, ``at_once`` or after its running trials.

        Without a driver that lives (``dead`` names a holder known to be dead) it is done before this returns,
        and a driver that was thought dead is fenced off. A later request takes the place of an earlier one.

        Raises ConflictError when the campaign's state forbids it, or it is being cancelled already.
        """

    def extend(self, name: str, trials: int) -> CampaignRecord:
        """Grant ``trials`` more than the specification's budget and earlier extensions.

        A finished campaign becomes "paused"; where a stop rule had ended it, the next ``trials`` are exempt
        from such rules. Raises ConflictError when it is cancelled, InputError when ``trials`` is no number
        from 1 to a million.
        """

    def narrow(self, name: str, space: dict[str, Any], reset: bool = False) -> CampaignRecord:
        """Narrow variables from the next trial on, beside those narrowed before (``reset``: instead of them).

        ``space`` maps a variable to {"low", "high"} or {"values"}; whether that fits is the caller's to see.
        Raises ConflictError when the campaign is cancelled.
        """

    def set_warm_start(self, name: str, taken: dict[str, Any]) -> CampaignRecord:
        """Record what was taken from an earlier campaign, unless something was recorded before."""

    def leave(
        self,
        name: str,
        state: CampaignState,
        seen: CampaignRecord | None = None,
        reason: str | None = None,
    ) -> bool:
        """End a driver's work in ``state``; running trials return to the queue.

        ``reason`` says why a campaign finished before its budget was spent. Where the campaign is cancelled,
        now or by a request that waits, queued and running trials are too. Returns False and changes nothing
        when the requests, the budget and the narrowing are not those of ``seen``.
        """

    def take_lease(self, name: str, holder: str, seconds: float, dead: str | None = None) -> int:
        """Make ``holder`` the campaign's driver for ``seconds``; returns a token larger than all before.

        The lease of the holder ``dead`` does not count. A request to pause that waited is forgotten.

        Raises ConflictError while another holder's lease lasts. Time is the caller's UTC clock; a wrong one
        can cost a driver its lease, but never lets two of them write.
        """

    def renew_lease(self, name: str, token: int, seconds: float) -> None:
        """Let the lease of ``token`` last ``seconds`` from now; TakenOverError when it is not the latest."""

    def lease_holder(self, name: str) -> str | None:
        """Who drives the campaign now; None when no lease lasts."""

    def drop_lease(self, name: str, token: int) -> None:
        """End the lease of ``token`` if it is the latest; nothing happens otherwise."""

    def fenced(self, name: str, token: int) -> "Store":
        """This store for the driver with ``token``: every write to campaign ``name`` is compared with it.

        The comparison is part of the write's transaction; once another driver has taken the lease, the write
        raises TakenOverError, whose sentence says who.
        """

    def add_trial(
        self, campaign: str, config: dict[str, Any], seed: int, proposal: dict[str, Any]
    ) -> TrialRecord:
        """Queue a trial under the next number, counted from 0; ConflictError when the campaign is over."""

    def start_trial(self, campaign: str, number: int) -> TrialRecord:
        """Move a queued trial to "running"; ConflictError when it is not queued."""

    def finish_trial(self, campaign: str, number: int, result: TrialResult) -> TrialRecord:
        """Write a trial's outcome and its designs together; ConflictError when it is finished already."""

    def note_progress(self, campaign: str, newest: Mapping[int, Mapping[str, Any]]) -> None:
        """Keep the newest of each running trial, by number; of trials that do not run nothing is kept.

        It goes when the trial ends or returns to the queue, and leaves no trace in the history.
        """

    def progress(self, campaign: str) -> list[ProgressRecord]:
        """What is kept of running trials, by number."""

    def requeue_running(self, campaign: str) -> list[int]:
        """Queue every running trial again, ``attempts`` one higher; for a driver that follows a dead one.

        Returns the numbers, ascending.
        """

    def cancel_queued(self, campaign: str) -> list[int]:
        """Cancel every queued trial; returns the numbers, ascending."""

    def trials(
        self,
        campaign: str,
        states: Collection[TrialState] | None = None,
        after: int = -1,
        limit: int | None = None,
    ) -> list[TrialRecord]:
        """Trials by ascending number: those in ``states``, numbered above ``after``, at most ``limit``."""

    def trial(self, campaign: str, number: int) -> TrialRecord:
        """One trial; NotFoundError when there is none of that number."""

    def trial_count(self, campaign: str) -> int:
        """Number of trials in any state, which is the next trial's number; as quick with many as with few."""

    def trials_numbered(self, campaign: str, numbers: Collection[int]) -> list[TrialRecord]:
        """The trials with these numbers, ascending; those that there are."""

    def metric(self, campaign: str, name: str) -> list[Any]:
        """The metric of that name of every trial that has it, by number; quick where few of many have."""

    def designs(
        self,
        campaign: str,
        feasible_only: bool = False,
        trial: int | None = None,
        between: tuple[int, int] | None = None,
    ) -> list[DesignRecord]:
        """Designs by trial and index, of one ``trial`` or of those ``between`` two numbers, both included."""

    def unbeaten(self, campaign: str) -> list[DesignRecord]:
        """Designs that may be on the front, by trial and index: feasible and not known to be dominated.

        All designs of the front are among them. Others may be, in campaigns whose reference point names no
        objectives; few are.
        """

    def points(
        self,
        campaign: str,
        between: tuple[int, int] | None = None,
        newest: int | None = None,
        unbeaten_only: bool = False,
    ) -> list[PointRecord]:
        """Measures of feasible designs by trial and index: of the trials ``between``, of the ``newest``.

        ``unbeaten_only`` leaves those of ``unbeaten``.
        """

    def feasible_count(self, campaign: str) -> int:
        """Number of feasible designs."""

    def design(self, campaign: str, name: str) -> DesignRecord:
        """The design called ``name`` ("12-0"); NotFoundError when there is none."""

    def set_test_measures(self, campaign: str, name: str, measures: dict[str, float]) -> DesignRecord:
        """Record a design's measures on the test split, replacing earlier ones."""

    def events(self, campaign: str) -> Sequence[EventRecord]:
        """The campaign's history, oldest first."""

    def artifacts(self) -> set[str]:
        """The sha256 of every trained network that a trial of any campaign names."""

    def counts(self, campaign: str) -> dict[TrialState, int]:
        """Number of trials in every state, zeros included."""

    def counts_of(self, campaigns: Sequence[str]) -> dict[str, dict[TrialState, int]]:
        """``counts`` of several campaigns at once; zeros where there is none of that name."""

    def close(self) -> None:
        """Let go of the database's connections."""
