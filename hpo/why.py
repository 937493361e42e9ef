"""Why a trial was tried: where its configuration came from, what was expected of it, what came out."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

from hpo.campaign import CampaignSpec
from hpo.queries import spec_of
from hpo.store import CampaignRecord, DesignRecord, Store, TrialRecord
from hpo.tables import UNITS, measure_text


@dataclass(frozen=True)
class Held:
    """One objective of the design that a prediction was for, in the measure's own unit.

    Attributes:
        objective: its name.
        predicted: mean and quantiles as ``hpo.optimizer.forecast`` names them.
        measured: what came out; None where there is no such design.
    """

    objective: str
    predicted: Mapping[str, float]
    measured: float | None

    @property
    def inside(self) -> bool | None:
        """Whether it came out within the 90 % interval."""
        if self.measured is None:
            return None
        return self.predicted["low"] <= self.measured <= self.predicted["high"]


@dataclass(frozen=True)
class Why:
    """Everything that is known of one proposal.

    Attributes:
        trial: its number.
        state: the trial's.
        source: which part of the optimiser proposed it (``hpo.optimizer.Proposal``), or "" in old records.
        origin: the same in words.
        feasible: predicted chance that every constraint on the training holds; None without a model.
        held: whether they did; None while that is unknown.
        design: name of the design that the prediction was for, where it was built.
        gain: hypervolume that the trial was expected to add; None where that was not foretold.
        objectives: predictions beside outcomes, empty without a model.
    """

    trial: int
    state: str
    source: str
    origin: str
    feasible: float | None
    held: bool | None
    design: str | None
    gain: float | None
    objectives: Sequence[Held]

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        held = [{**asdict(one), "inside": one.inside} for one in self.objectives]
        return {**asdict(self), "objectives": held}


def why(store: Store, name: str, number: int) -> Why:
    """Why a trial of a campaign was tried.

    Raises:
        NotFoundError: no such campaign or trial.
    """
    trial = store.trial(name, number)
    return explained(spec_of(store, name), store.campaign(name), trial, store.designs(name, trial=number))


def explained(
    spec: CampaignSpec, campaign: CampaignRecord, trial: TrialRecord, designs: Sequence[DesignRecord]
) -> Why:
    """The same for a trial and its designs that are at hand."""
    told = trial.proposal
    design = predicted_design(spec, told.get("design"), designs)
    return Why(
        trial=trial.number,
        state=trial.state,
        source=str(told.get("source", "")),
        origin=_origin(spec, campaign, trial),
        feasible=told.get("feasible"),
        held=constraints_held(trial),
        design=design.name if design else None,
        gain=told.get("gain"),
        objectives=tuple(
            Held(objective, predicted, design.measures[objective] if design else None)
            for objective, predicted in told.get("predicted", {}).items()
            if predicted
        ),
    )


def constraints_held(trial: TrialRecord) -> bool | None:
    """Whether a trial kept every graded constraint; None where that is not known."""
    if trial.state == "complete":
        return all(value <= 0 for value in trial.constraints.values())
    return False if trial.state in ("silent", "failed") else None


def predicted_design(
    spec: CampaignSpec, place: int | None, designs: Sequence[DesignRecord]
) -> DesignRecord | None:
    """The design at ``place`` of the grid of ``[designs]``; None where the trial has none like it.

    A grid of one needs no place. No layer is built with more lanes than neurons, so that of designs which
    differ in unused lanes only the one with fewest is there; it stands for the others.
    """
    grid = list(product(*spec.designs.values()))
    if place is None and len(grid) > 1:
        return None
    wanted = dict(zip(spec.designs, grid[place or 0], strict=True))
    lanes = wanted.pop("lanes", "auto")
    alike = [d for d in designs if all(d.config.get(name) == value for name, value in wanted.items())]
    if lanes == "auto":
        return alike[0] if alike else None
    fitting = [d for d in alike if _within(d.config["lanes"], lanes)]
    return max(fitting, key=lambda d: sum(d.config["lanes"]), default=None)


def _within(built: Sequence[int], wanted: int | Sequence[int]) -> bool:
    """Whether no layer has more lanes than were asked for."""
    asked = [wanted] * len(built) if isinstance(wanted, int) else list(wanted)
    return len(asked) == len(built) and all(one <= other for one, other in zip(built, asked, strict=True))


def _origin(spec: CampaignSpec, campaign: CampaignRecord, trial: TrialRecord) -> str:
    source, mate = _source(spec, campaign, trial), trial.proposal.get("mate_of")
    return source if mate is None else f"{source}; in the shape of trial {mate}, whose program it shares"


def _source(spec: CampaignSpec, campaign: CampaignRecord, trial: TrialRecord) -> str:
    told = trial.proposal
    source, centre, length = told.get("source", ""), told.get("centre"), told.get("length")
    if source == "region":
        middle = "a place not yet visited" if centre is None else f"trial {centre}"
        return f"the trust region around {middle}, side {length:.3g} of the unit cube"
    if source == "start":
        return _start_origin(spec, campaign, trial.number)
    words = {
        "sobol": "the space-filling start (Sobol sequence): no model was asked",
        "random": "a random draw: no model was asked",
        "listed": "one of the last configurations of a small space",
        "global": "a look at the whole space, outside the trust regions",
    }
    return words.get(source, str(source) or "not recorded")


def _start_origin(spec: CampaignSpec, campaign: CampaignRecord, number: int) -> str:
    if number < len(spec.start):
        return f"starting point {number} of the campaign file"
    taken = campaign.warm_start or {}
    trials = taken.get("trials", [])
    place = number - len(spec.start)
    whose = (
        f"trial {trials[place]} of campaign {taken['campaign']}" if place < len(trials) else "an earlier one"
    )
    return f"warm start: the configuration of {whose}"


def lines(found: Why) -> list[str]:
    """The same for people to read."""
    text = [f"trial {found.trial}: {found.state}", f"proposed by {found.origin}"]
    if found.feasible is not None:
        outcome = {True: "they did", False: "they did not", None: "not known yet"}[found.held]
        text.append(
            f"chance that the constraints on the training hold: {100 * found.feasible:.0f} %; {outcome}"
        )
    if found.gain is not None:
        text.append(f"expected to add {found.gain:.4g} of hypervolume")
    if found.objectives:
        of = f"design {found.design}" if found.design else "a design that was not built"
        text.append(f"predicted for {of}:")
    return text + [f"  {_compared(one)}" for one in found.objectives]


def _compared(one: Held) -> str:
    low, mean, high = (measure_text(one.objective, one.predicted[key]) for key in ("low", "mean", "high"))
    text = f"{UNITS[one.objective][0]}: {mean} expected, {low} to {high} with 90 %"
    if one.measured is None:
        return text
    verdict = "inside" if one.inside else "outside"
    return f"{text}; measured {measure_text(one.objective, one.measured)}, {verdict}"
