"""What goes into the store and what comes out: frozen records, no database objects."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hpo.store.states import CampaignState, StopRequest, TrialState


@dataclass(frozen=True)
class CampaignRecord:
    """One campaign as stored.

    Attributes:
        name: its name.
        state: one of ``hpo.store.states.CAMPAIGN_STATES``.
        spec: the specification as created.
        seed: of the campaign.
        reference: its fixed reference point, one number per objective.
        versions: libraries, and the data's fingerprint.
        created_at: UTC, like the next.
        updated_at: of its last change of state or budget.
        extra_trials: trials granted beyond the specification's budget.
        request: what its driver is asked to do and has not done yet.
        request_now: whether the driver shall stop running trials instead of letting them end.
        stop_reason: why it finished before its budget was spent; None where it did not.
        exempt_trials: trials numbered below run whatever the specification's stop rules say.
        narrowings: how the space was narrowed while it ran, oldest first: {"from": number of the first trial
            that it holds for, "space": {variable: {"low", "high"} or {"values"}}}.
        warm_start: what was taken from an earlier campaign; None where nothing was.
    """

    name: str
    state: CampaignState
    spec: dict[str, Any]
    seed: int
    reference: dict[str, float]
    versions: dict[str, str]
    created_at: datetime
    updated_at: datetime
    extra_trials: int
    request: StopRequest | None
    request_now: bool
    stop_reason: str | None = None
    exempt_trials: int = 0
    narrowings: Sequence[dict[str, Any]] = ()
    warm_start: dict[str, Any] | None = None

    @property
    def narrowed(self) -> dict[str, Any]:
        """What the variables are narrowed to now; empty where they are not."""
        return dict(self.narrowings[-1]["space"]) if self.narrowings else {}


@dataclass(frozen=True)
class TrialRecord:
    """One trial as stored.

    Attributes:
        campaign: the campaign's name.
        number: counts from 0 within the campaign.
        state: one of ``hpo.store.states.TRIAL_STATES``.
        config: hyperparameters as proposed.
        seed: seed of the training.
        attempts: runs that were lost with their driver and queued again; 0 for a trial that ran once.
        reason: one sentence on why it ended as it did, empty when there is nothing to say.
        traceback: of a failed trial, else empty.
        metrics: measures of the training, independent of any accelerator.
        constraints: graded constraint values; feasible means <= 0.
        spikes_per_layer: mean spikes per inference, inputs first, output layer last.
        timings: seconds per phase.
        versions: libraries that trained it.
        proposal: what the optimiser noted when it proposed the configuration.
        artifact: sha256 of the trained network in the artifact folder.
        queued_at: when it was added; UTC like the two below.
        started_at: when its last run began.
        finished_at: when its outcome was written.
    """

    campaign: str
    number: int
    state: TrialState
    config: dict[str, Any]
    seed: int
    attempts: int
    reason: str
    traceback: str
    metrics: dict[str, Any]
    constraints: dict[str, float]
    spikes_per_layer: list[float]
    timings: dict[str, float]
    versions: dict[str, str]
    proposal: dict[str, Any]
    artifact: str | None
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True)
class DesignRecord:
    """A trained network on one accelerator configuration, as stored.

    Attributes:
        campaign: the campaign's name.
        trial: number of the trial that trained the network.
        index: counts from 0 within the trial.
        config: the accelerator's configuration.
        measures: by name with unit (accuracy, latency_us, energy_uj, luts, bram36 ...).
        details: cycles per layer, energy by part and the like.
        feasible: whether every constraint holds.
        test_measures: measures on the test split, None until they were taken.
    """

    campaign: str
    trial: int
    index: int
    config: dict[str, Any]
    measures: dict[str, float]
    details: dict[str, Any]
    feasible: bool
    test_measures: dict[str, float] | None

    @property
    def name(self) -> str:
        """How people call the design within its campaign: "TRIAL-INDEX", like "12-0"."""
        return f"{self.trial}-{self.index}"


@dataclass(frozen=True)
class ProgressRecord:
    """The newest of a running trial: its number, when it was noted (UTC), and what it showed."""

    trial: int
    at: datetime
    detail: dict[str, Any]


@dataclass(frozen=True)
class PointRecord:
    """What a feasible design is measured by, without how it came about; fields as in ``DesignRecord``."""

    trial: int
    index: int
    measures: dict[str, float]

    @property
    def name(self) -> str:
        """As ``DesignRecord.name``."""
        return f"{self.trial}-{self.index}"


@dataclass(frozen=True)
class EventRecord:
    """One line of a campaign's history; ``trial`` is None for what concerns the whole campaign."""

    at: datetime
    campaign: str
    trial: int | None
    kind: str
    detail: dict[str, Any]


@dataclass(frozen=True)
class DesignResult:
    """A design to be stored with its trial; fields as in ``DesignRecord``."""

    config: dict[str, Any]
    measures: dict[str, float]
    details: dict[str, Any]
    feasible: bool


@dataclass(frozen=True)
class TrialResult:
    """How a trial ended; fields as in ``TrialRecord``. Only a complete trial has designs."""

    state: TrialState
    reason: str = ""
    traceback: str = ""
    metrics: dict[str, Any] = field(default_factory=dict)
    constraints: dict[str, float] = field(default_factory=dict)
    spikes_per_layer: Sequence[float] = ()
    timings: dict[str, float] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    artifact: str | None = None
    designs: Sequence[DesignResult] = ()
