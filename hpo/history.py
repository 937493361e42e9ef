"""Stored trials as the optimiser sees them: observations in the order in which they finished."""

from collections import defaultdict
from collections.abc import Sequence
from typing import cast

from hpo.campaign import CampaignSpec
from hpo.optimizer import Observation
from hpo.optimizer.problem import Status
from hpo.store import DesignRecord, Store, TrialRecord

CANCELLED = "cancelled"


def observe(spec: CampaignSpec, trial: TrialRecord, designs: Sequence[DesignRecord]) -> Observation:
    """One trial that ended (not by cancelling) with its designs; outcomes are known when complete."""
    status = cast("Status", trial.state)
    outcomes = None
    if status == "complete":
        spikes = {f"spikes_{k}": count for k, count in enumerate(trial.spikes_per_layer)}
        outcomes = {"accuracy": float(trial.metrics["accuracy"]), **spikes}
    points = [
        {name: design.measures[name] for name in spec.objectives} for design in designs if design.feasible
    ]
    return Observation(
        index=trial.number,
        config=trial.config,
        status=status,
        outcomes=outcomes,
        constraints=dict(trial.constraints),
        points=points,
    )


def observations(spec: CampaignSpec, store: Store) -> list[Observation]:
    """Every finished trial of the campaign, in the order of finishing."""
    designs: dict[int, list[DesignRecord]] = defaultdict(list)
    for design in store.designs(spec.name):
        designs[design.trial].append(design)
    finished = [t for t in store.trials(spec.name) if t.finished_at and t.state != CANCELLED]
    finished.sort(key=lambda t: (t.finished_at, t.number))
    return [observe(spec, trial, designs[trial.number]) for trial in finished]
