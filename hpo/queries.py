"""What people ask of a stored campaign: its status and its front. Every boundary answers from here."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any, Literal

from hpo.campaign import CampaignSpec, scale_of
from hpo.measures import MEASURES
from hpo.paging import trial_pages
from hpo.pareto import FloatArray, GrowingFront, HypervolumeScale, Objective
from hpo.store import DesignRecord, ProgressRecord, Store
from workers.parameters import TrialParameters


@dataclass(frozen=True)
class FrontDesign:
    """A design of the front with the configuration that trained it."""

    design: DesignRecord
    config: dict[str, Any]
    spikes_per_layer: list[float]

    @property
    def name(self) -> str:
        """The design's name within its campaign, TRIAL-INDEX."""
        return self.design.name

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values: what ``front --json``, the HTTP interface and the page show."""
        design = self.design
        return {
            "name": self.name,
            "trial": design.trial,
            "measures": design.measures,
            "test_measures": design.test_measures,
            "config": self.config,
            "accelerator": design.config,
            "spikes_per_layer": self.spikes_per_layer,
            "details": design.details,
        }


@dataclass(frozen=True)
class RunningTrial:
    """How far a running trial is, as its worker last said."""

    trial: int
    at: datetime
    epoch: int
    epochs: int
    loss: float | None
    validation_accuracy: float | None
    spikes_per_layer: list[float]
    firing_rates: list[float]

    @classmethod
    def of(cls, record: ProgressRecord, epochs: int) -> "RunningTrial":
        """From what the store keeps, without the curves."""
        names = ("epoch", "loss", "validation_accuracy", "spikes_per_layer", "firing_rates")
        return cls(record.trial, record.at, epochs=epochs, **{name: record.detail[name] for name in names})

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**asdict(self), "at": self.at.isoformat()}


@dataclass(frozen=True)
class CampaignStatus:
    """Where a campaign stands."""

    name: str
    state: str
    driver: str | None
    request: str | None
    counts: dict[str, int]
    trials_total: int
    hypervolume: float
    best: dict[str, FrontDesign]
    front_size: int
    running: list[RunningTrial]
    stop_reason: str | None
    narrowed: dict[str, Any]
    created_at: datetime
    updated_at: datetime

    @property
    def is_abandoned(self) -> bool:
        """Whether it should run but nobody drives it: its driver was killed."""
        return self.state == "running" and self.driver is None

    @property
    def ended(self) -> int:
        """Trials that need no more work."""
        return sum(n for state, n in self.counts.items() if state not in ("queued", "running"))

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "name": self.name,
            "state": self.state,
            "driver": self.driver,
            "request": self.request,
            "counts": self.counts,
            "trials_total": self.trials_total,
            "hypervolume": self.hypervolume,
            "front_size": self.front_size,
            "stop_reason": self.stop_reason,
            "narrowed": self.narrowed,
            "best": {
                objective: {"name": best.name, "value": best.design.measures[objective]}
                for objective, best in self.best.items()
            },
            "running": [trial.as_dict() for trial in self.running],
            "created_at": self.created_at.isoformat(),
            "updated_at": self.updated_at.isoformat(),
        }


def spec_of(store: Store, name: str) -> CampaignSpec:
    """The specification that a campaign was created with."""
    return CampaignSpec.from_mapping(store.campaign(name).spec)


def hypervolume_scale(spec: CampaignSpec) -> HypervolumeScale:
    """Objectives of a campaign with their directions, scales and reference point."""
    return stated_scale({name: (given.reference, given.scale) for name, given in spec.objectives.items()})


def stated_scale(objectives: Mapping[str, tuple[float, Literal["linear", "log"] | None]]) -> HypervolumeScale:
    """From each objective's reference and stated scale."""
    return HypervolumeScale(
        tuple(
            Objective(name, MEASURES[name], scale or scale_of(name), reference)
            for name, (reference, scale) in objectives.items()
        )
    )


def front(store: Store, name: str) -> list[FrontDesign]:
    """The feasible designs that no other feasible design dominates, best first in the first objective."""
    return _front(spec_of(store, name), store)


def status(store: Store, name: str) -> CampaignStatus:
    """Counts by state, hypervolume of the front, and the best design for each objective."""
    record = store.campaign(name)
    spec = CampaignSpec.from_mapping(record.spec)
    designs = _front(spec, store)
    return CampaignStatus(
        name=name,
        state=record.state,
        driver=store.lease_holder(name),
        request=record.request,
        counts=dict(store.counts(name).items()),
        trials_total=spec.budget.trials + record.extra_trials,
        hypervolume=hypervolume_scale(spec).hypervolume([d.design.measures for d in designs]),
        best={objective: _best(designs, objective) for objective in spec.objectives} if designs else {},
        front_size=len(designs),
        running=running_trials(spec, store),
        stop_reason=record.stop_reason,
        narrowed=record.narrowed,
        created_at=record.created_at,
        updated_at=record.updated_at,
    )


def running_trials(spec: CampaignSpec, store: Store) -> list[RunningTrial]:
    """Running trials that have finished an epoch, by number."""
    noted = store.progress(spec.name)
    if not noted:
        return []
    default = TrialParameters.model_fields["epochs"].default
    configs = {t.number: spec.complete(t.config) for t in store.trials(spec.name, states={"running"})}
    return [
        RunningTrial.of(record, int(configs[record.trial].get("epochs", default)))
        for record in noted
        if record.trial in configs
    ]


def hypervolume_curve(store: Store, name: str) -> list[float]:
    """Hypervolume of the front after each finished trial, in order of finishing."""
    scale = hypervolume_scale(spec_of(store, name))
    finished: list[tuple[datetime, int]] = []
    points: dict[int, FloatArray] = {}
    for page in trial_pages(store, name):
        finished += [(t.finished_at, t.number) for t in page if t.finished_at]
        measured = store.points(name, between=(page[0].number, page[-1].number))
        for trial, designs in groupby(measured, key=attrgetter("trial")):
            points[trial] = scale.transform([design.measures for design in designs])
    growing = GrowingFront(scale.reference)
    return [growing.add(points.get(number)) for _, number in sorted(finished)]


def _front(spec: CampaignSpec, store: Store) -> list[FrontDesign]:
    designs = store.unbeaten(spec.name)
    chosen = [designs[k] for k in hypervolume_scale(spec).front([d.measures for d in designs])]
    trials = {t.number: t for t in store.trials_numbered(spec.name, {d.trial for d in chosen})}
    found = [
        FrontDesign(d, spec.complete(trials[d.trial].config), list(trials[d.trial].spikes_per_layer))
        for d in chosen
    ]
    first = next(iter(spec.objectives))
    return sorted(found, key=lambda f: _goodness(f, first), reverse=True)


def _best(designs: list[FrontDesign], objective: str) -> FrontDesign:
    return max(designs, key=lambda f: _goodness(f, objective))


def _goodness(design: FrontDesign, objective: str) -> float:
    value = design.design.measures[objective]
    return value if MEASURES[objective] == "max" else -value
