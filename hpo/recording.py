"""What a worker answered, as the store takes it."""

import platform

from hpo.campaign import CampaignSpec
from hpo.feasible import is_feasible
from hpo.store import DesignResult, TrialResult
from workers.outcome import DesignOutcome, TrialOutcome


def result_of(spec: CampaignSpec, outcome: TrialOutcome, artifact: str | None) -> TrialResult:
    """A trial's result.

    Args:
        spec: of its campaign, whose bounds decide which designs are feasible.
        outcome: what the worker answered.
        artifact: name of the trained network on disk, if there is one.
    """
    return TrialResult(
        state=outcome.state,
        reason=outcome.reason or "",
        traceback=outcome.traceback or "",
        metrics=outcome.metrics,
        constraints=outcome.constraints,
        spikes_per_layer=outcome.spikes_per_layer,
        timings=outcome.timings,
        versions={**outcome.versions, "machine": platform.machine()},
        artifact=artifact,
        designs=[_design(spec, design) for design in outcome.designs],
    )


def _design(spec: CampaignSpec, design: DesignOutcome) -> DesignResult:
    return DesignResult(
        config=design.config,
        measures=design.measures,
        details=design.details,
        feasible=is_feasible(spec, design.measures),
    )
