"""Which designs count: those that are not silent and keep every bound of their campaign."""

from typing import Any

from hpo.campaign import CampaignSpec
from workers.outcome import TrialOutcome


def is_feasible(spec: CampaignSpec, measures: dict[str, Any]) -> bool:
    """Whether a design keeps every bound of the campaign; a silent one never does."""
    if measures["silent_fraction"] > spec.silence.beta_silent:
        return False
    for name, bound in spec.bounds:
        if bound.min is not None and measures[name] < bound.min:
            return False
        if bound.max is not None and measures[name] > bound.max:
            return False
    return True


def feasible_points(spec: CampaignSpec, outcome: TrialOutcome) -> list[dict[str, float]]:
    """Objectives of a trial's feasible designs."""
    kept = (design.measures for design in outcome.designs if is_feasible(spec, design.measures))
    return [{name: measures[name] for name in spec.objectives} for measures in kept]
