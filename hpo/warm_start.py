"""What a campaign takes from an earlier one: its best configurations, as starting points.

The earlier campaign may have had other data, another network or other variables. What both have by name is
taken over, brought into the new ranges; the Sobol sequence gives the rest.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hpo.campaign import CampaignSpec
from hpo.history import observations
from hpo.optimizer import Observation, Problem
from hpo.pareto import HypervolumeScale, hypervolume, non_dominated
from hpo.queries import hypervolume_scale, spec_of
from hpo.space import Categorical, Config, Float, Integer, Ordinal, Space, Value, Variable
from hpo.store import Store


def starts(store: Store, spec: CampaignSpec) -> list[Config]:
    """The starting points that ``[warm_start]`` gives; chosen once, when the campaign is first driven.

    Raises:
        NotFoundError: there is no such earlier campaign.
    """
    if spec.warm_start is None:
        return []
    record = store.campaign(spec.name)
    if record.warm_start is None:
        record = store.set_warm_start(spec.name, _taken(store, spec, spec.warm_start.campaign))
    return list((record.warm_start or {}).get("starts", ()))


def _taken(store: Store, spec: CampaignSpec, earlier: str) -> dict[str, Any]:
    assert spec.warm_start is not None  # noqa: S101 - the caller looked
    old = spec_of(store, earlier)
    task = Problem(spec.search_space, hypervolume_scale(spec).objectives, n_initial=spec.budget.initial)
    count = max(1, round(spec.warm_start.share * task.initial))
    chosen = best(observations(old, store), hypervolume_scale(old), count)
    found: list[tuple[int, dict[str, Value]]] = []
    for trial in chosen:
        config = translated(old.complete(trial.config), task.space)
        if config and config not in [other for _, other in found]:
            found.append((trial.index, config))
    return {"campaign": earlier, "trials": [t for t, _ in found], "starts": [config for _, config in found]}


def best(history: Sequence[Observation], scale: HypervolumeScale, count: int) -> list[Observation]:
    """At most ``count`` feasible trials, the one that adds most hypervolume to those before it first.

    Greedy choice spreads over the front (it keeps 1 - 1/e of the best subset's volume: Guerreiro, Fonseca,
    Paquete, Greedy hypervolume subset selection, Evolutionary Computation 2016). When the front is used up,
    the front of what is left follows.
    """
    left = {o.index: scale.transform(list(o.points)) for o in history if o.is_feasible}
    trials = {o.index: o for o in history}
    chosen: list[Observation] = []
    while left and len(chosen) < count:
        layer = _front_of(left)
        chosen += [trials[index] for index in _greedy(layer, scale, count - len(chosen))]
        left = {index: points for index, points in left.items() if index not in layer}
    return chosen


def _front_of(points: Mapping[int, np.ndarray]) -> dict[int, np.ndarray]:
    """Trials with a point that no other dominates."""
    owners = np.repeat(list(points), [len(rows) for rows in points.values()])
    kept = set(owners[non_dominated(np.vstack(list(points.values())))].tolist())
    return {index: rows for index, rows in points.items() if index in kept}


def _greedy(layer: Mapping[int, np.ndarray], scale: HypervolumeScale, count: int) -> list[int]:
    every = np.vstack(list(layer.values()))
    # Also what is beyond the reference has an order: the reference moves behind all of the layer.
    reference = np.maximum(scale.reference, every.max(axis=0) + 1e-6)
    chosen: list[int] = []
    held = np.empty((0, every.shape[1]))
    while len(chosen) < min(count, len(layer)):
        volumes = {
            index: hypervolume(np.vstack([held, rows]), reference)
            for index, rows in layer.items()
            if index not in chosen
        }
        first = max(volumes, key=lambda index: (volumes[index], -index))
        chosen.append(first)
        held = np.vstack([held, layer[first]])
    return chosen


def translated(config: Mapping[str, Any], space: Space) -> dict[str, Value]:
    """The part of ``space`` that a configuration of another one fixes, values brought into its ranges."""
    found: dict[str, Value] = {}
    for name, variable in space.variables.items():
        value = nearest_value(variable, config[name]) if name in config else None
        if value is not None:
            found[name] = value
    while orphans := [name for name in found if not _has_parents(found, space.variables[name])]:
        for name in orphans:
            del found[name]
    return found


def _has_parents(found: Mapping[str, Value], variable: Variable) -> bool:
    return all(found.get(parent) in values for parent, values in (variable.when or {}).items())


def nearest_value(variable: Variable, value: Any) -> Value | None:
    """The variable's value nearest to that of another; None where they do not compare."""
    if variable.refusal(value) is None:
        return value  # type: ignore[no-any-return]
    if isinstance(variable, Categorical) or isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not math.isfinite(value):
        return None
    if isinstance(variable, Ordinal):
        return min(variable.values, key=lambda known: abs(known - value))
    if isinstance(variable, Float):
        return float(min(max(value, variable.low), variable.high))
    assert isinstance(variable, Integer)  # noqa: S101 - the last of four kinds
    return int(min(max(round(value), variable.low), variable.high))
