"""Stored trials as the optimiser sees them: observations in the order in which they finished."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from operator import itemgetter
from typing import cast

from hpo.campaign import CampaignSpec
from hpo.optimizer import Observation
from hpo.optimizer.problem import Status
from hpo.paging import trial_pages
from hpo.store import PointRecord, Store, TrialRecord

CANCELLED = "cancelled"
FORETOLD = "foretold"
"""Metric of a trial that was stopped as hopeless: the outcomes that it most likely would have had."""
AUDIT = "stopping_audit"
"""Metric of a trial that was found hopeless and ran on: epoch, chance, and whether it improved the front."""


def observe(spec: CampaignSpec, trial: TrialRecord, designs: Sequence[PointRecord]) -> Observation:
    """One trial that ended (not by cancelling) and its feasible designs; outcomes are known when complete."""
    status = cast("Status", trial.state)
    outcomes = None
    if status == "complete":
        spikes = {f"spikes_{k}": count for k, count in enumerate(trial.spikes_per_layer)}
        outcomes = {"accuracy": float(trial.metrics["accuracy"]), **spikes}
    elif status == "pruned":
        outcomes = trial.metrics.get(FORETOLD)
    points = [{name: design.measures[name] for name in spec.objectives} for design in designs]
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
    seen: list[tuple[datetime, int, Observation]] = []
    for page in trial_pages(store, spec.name):
        designs: dict[int, list[PointRecord]] = defaultdict(list)
        for point in store.points(spec.name, between=(page[0].number, page[-1].number)):
            designs[point.trial].append(point)
        seen += [
            (trial.finished_at, trial.number, observe(spec, trial, designs[trial.number]))
            for trial in page
            if trial.finished_at and trial.state != CANCELLED
        ]
    return [observation for *_, observation in sorted(seen, key=itemgetter(0, 1))]
