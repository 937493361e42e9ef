"""Which hyperparameters matter in a campaign, for every objective and for silence.

A model of what was measured answers: for each objective the best value that a trained network reaches over
its feasible designs, and the graded constraint of silence. It says what the trials show, over the whole
space; where most of the space is silent, objectives there are extrapolated.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hpo.history import observations
from hpo.optimizer import Observation, Outcome, Problem
from hpo.pareto import HypervolumeScale
from hpo.queries import hypervolume_scale, spec_of
from hpo.store import Store
from spikefront.errors import InputError

LEAST = 12
"""Complete trials below which a model says nothing worth printing."""
MOST = 600
"""Trials that the model learns from, where there are more."""
WEAK = 0.3
"""Explained share below which a measure's indices deserve a warning."""


@dataclass(frozen=True)
class Ranking:
    """What matters for one measure.

    Attributes:
        measure: an objective, or "silence".
        first: by variable, the share of variance that it explains alone.
        total: by variable, the share that is lost without it, interactions included.
        explained: share of the measured variance that the model predicts of trials left out.
        trials: how many it learned from.
    """

    measure: str
    first: dict[str, float]
    total: dict[str, float]
    explained: float
    trials: int

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "measure": self.measure,
            "first": self.first,
            "total": self.total,
            "explained": self.explained,
            "trials": self.trials,
        }


def importance(store: Store, name: str) -> list[Ranking]:
    """Rankings of the variables for every objective, and for silence where it occurred.

    Raises:
        NotFoundError: there is no such campaign.
        InputError: fewer than ``LEAST`` of its trials gave a feasible design.
    """
    from hpo.optimizer.importance import importance as of_models
    from hpo.problem import SILENCE

    spec = spec_of(store, name)
    scale = hypervolume_scale(spec)
    history = _thinned([_reduced(o, scale) for o in observations(spec, store)])
    known = sum(o.status == "complete" for o in history)
    if known < LEAST:
        raise InputError(
            f"campaign {name!r} has {known} trials with feasible designs, too few to say what matters: wait "
            f"for {LEAST}"
        )
    problem = Problem(spec.search_space, scale.objectives, _outcomes(scale), (SILENCE,), seed=spec.seed)
    silent = any(o.constraints.get(SILENCE, 0.0) > 0 for o in history)
    return [
        ranking
        for found in of_models(problem, history)
        for column, measure in enumerate(found.names)
        if silent or measure != SILENCE
        if (ranking := _ranking(problem, found, column, measure)) is not None
    ]


def _thinned(history: Sequence[Observation]) -> list[Observation]:
    """At most ``MOST`` trials, evenly spread over the campaign."""
    places = np.linspace(0, len(history) - 1, min(len(history), MOST)).round().astype(int)
    return [history[k] for k in places]


def _outcomes(scale: HypervolumeScale) -> tuple[Outcome, ...]:
    return tuple(
        Outcome(o.name, "logit" if o.name == "accuracy" else "log" if o.scale == "log" else "identity")
        for o in scale.objectives
    )


def _reduced(seen: Observation, scale: HypervolumeScale) -> Observation:
    """A trial whose outcomes are the best values of its designs; without feasible ones they are unknown."""
    if not seen.is_feasible:
        state = "silent" if seen.status == "complete" else seen.status
        return Observation(seen.index, seen.config, state, None, seen.constraints)
    best = {
        o.name: (max if o.direction == "max" else min)(point[o.name] for point in seen.points)
        for o in scale.objectives
    }
    return Observation(seen.index, seen.config, "complete", best, seen.constraints, [best])


def _ranking(problem: Problem, found: Any, column: int, measure: str) -> Ranking | None:
    """One column of the indices by variable, best first; None where the model sees no difference at all."""
    totals = found.indices.total[:, column]
    if np.isnan(totals).any():
        return None
    order = np.argsort(-totals, kind="stable")
    names = problem.space.names
    return Ranking(
        measure,
        {names[k]: float(found.indices.first[k, column]) for k in order},
        {names[k]: float(totals[k]) for k in order},
        float(found.explained[column]),
        found.trials,
    )


def table(rankings: Sequence[Ranking]) -> tuple[list[str], list[list[str]]]:
    """Columns and rows for people: total and, in brackets, first-order index in percent."""
    columns = ["variable", *(ranking.measure for ranking in rankings)]
    names = list(dict.fromkeys(name for ranking in rankings for name in ranking.total))
    names.sort(key=lambda name: -max(ranking.total[name] for ranking in rankings))
    rows = [[name, *(_cell(ranking, name) for ranking in rankings)] for name in names]
    return columns, rows


def _cell(ranking: Ranking, name: str) -> str:
    total, first = (100 * max(values[name], 0.0) for values in (ranking.total, ranking.first))
    return f"{total:.0f} % ({first:.0f})"


def notes(rankings: Sequence[Ranking]) -> list[str]:
    """How far the table can be trusted."""
    text = [
        "share of each measure's variance that is lost without a variable (in brackets: that it explains "
        "alone)"
    ]
    for ranking in rankings:
        doubt = ": read its column with care" if ranking.explained < WEAK else ""
        text.append(
            f"{ranking.measure}: the model predicts {100 * max(ranking.explained, 0.0):.0f} % of the "
            f"variance of trials left out, from {ranking.trials} trials{doubt}"
        )
    return text
