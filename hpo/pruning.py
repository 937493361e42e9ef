"""Stopping hopeless trials of a campaign while they run: the rule of ``[stopping]``.

A verdict depends on what is stored, on the specification and on what the trial showed; it is recorded as the
trial's outcome, or, for the share that runs on as an audit, with the trial's metrics when it ends.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hpo.campaign import CampaignSpec
from hpo.campaign_search import StoppingSpec
from hpo.history import AUDIT, FORETOLD
from hpo.optimizer import Observation, Problem
from hpo.optimizer.hopeless import Curve, Outlook, Outlooks
from hpo.pareto import Point
from hpo.space import Config
from hpo.store import Store, TrialRecord
from workers.outcome import TrialOutcome
from workers.parameters import TrialParameters
from workers.progress import Progress

_STREAM = 12


@dataclass(frozen=True)
class Verdict:
    """A trial is hopeless: what is known of it, and why in a sentence."""

    epoch: int
    outlook: Outlook
    reason: str


class Pruner:
    """Watches the running trials of one campaign.

    Args:
        spec, problem, store: of the campaign.
        history: finished trials; the caller's own list, to which it appends.
        curves: of completed trials, by number.
    """

    def __init__(
        self,
        spec: CampaignSpec,
        problem: Problem,
        store: Store,
        history: Sequence[Observation],
        curves: dict[int, Curve],
    ) -> None:
        self._spec, self._rule, self._problem, self._store = spec, spec.stopping, problem, store
        self._history, self._curves = history, curves
        self._shown = shown(problem)
        self._outlooks: tuple[int, Outlooks] | None = None
        self._verdicts: dict[int, Verdict] = {}

    def look(self, newest: Mapping[int, Progress]) -> dict[int, str]:
        """Running trials that are to be stopped now, and why."""
        if self._rule is None:
            return {}
        late = {n: p for n, p in newest.items() if n not in self._verdicts and self._is_late(n, p)}
        found = {n: self._verdict(self._rule, n, progress) for n, progress in late.items()}
        self._verdicts |= {n: verdict for n, verdict in found.items() if verdict is not None}
        stopped = (n for n in found if n in self._verdicts and not audited(self._spec.seed, n, self._rule))
        return {n: self._verdicts[n].reason for n in stopped}

    def annotated(self, number: int, outcome: TrialOutcome, points: Sequence[Point]) -> TrialOutcome:
        """An outcome with what is kept of a verdict; as it is, unless the trial was found hopeless.

        Args:
            number: of the trial.
            outcome: how it ended.
            points: objectives of its feasible designs.
        """
        verdict = self._verdicts.get(number)
        if verdict is None:
            return outcome
        kept: dict[str, Any] = {FORETOLD: verdict.outlook.outcomes}
        if outcome.state != "pruned":
            improved = _improves(self._problem, self._history, points)
            kept = {AUDIT: {"epoch": verdict.epoch, "chance": verdict.outlook.chance, "improved": improved}}
        return replace(outcome, metrics={**outcome.metrics, **kept})

    def ended(self, trial: TrialRecord) -> None:
        """A trial has ended and is recorded."""
        self._verdicts.pop(trial.number, None)
        if self._rule is not None and (curve := curve_of(self._spec, trial, self._shown)):
            self._curves[trial.number] = curve

    def _is_late(self, number: int, progress: Progress) -> bool:
        """Whether the rule looks at a trial: behind its share of epochs, and before the last one."""
        config = self._store.trial(self._spec.name, number).config
        return self._rule is not None and self._rule.after_share <= self._share(config, progress) < 1.0

    def _share(self, config: Config, progress: Progress) -> float:
        return progress.epoch / epochs_of(self._spec, config)

    def _verdict(self, rule: StoppingSpec, number: int, progress: Progress) -> Verdict | None:
        config = self._store.trial(self._spec.name, number).config
        stands = _stands(progress.validation_accuracy, progress.spikes_per_layer, self._shown)
        outlook = self._model().outlook(number, config, stands, self._share(config, progress))
        if outlook is None or outlook.chance >= rule.chance:
            return None
        return Verdict(progress.epoch, outlook, _reason(rule, progress.epoch, outlook))

    def _model(self) -> Outlooks:
        if self._outlooks is None or self._outlooks[0] != len(self._history):
            found = Outlooks(self._problem, self._history, self._curves, self._shown)
            self._outlooks = (len(self._history), found)
        return self._outlooks[1]


def pruner_of(spec: CampaignSpec, problem: Problem, store: Store, history: Sequence[Observation]) -> Pruner:
    """The pruner of a stored campaign, which knows the curves of its finished trials."""
    curves: dict[int, Curve] = {}
    if spec.stopping is not None:
        names = shown(problem)
        every = store.trials(spec.name, states={"complete"})
        curves = {t.number: c for t in every if (c := curve_of(spec, t, names))}
    return Pruner(spec, problem, store, history, curves)


def shown(problem: Problem) -> tuple[str, ...]:
    """Learned outcomes that curves show: accuracy, and spikes that enter all layers but the first."""
    return tuple(o.name for o in problem.learned if o.name != "spikes_0")


def curve_of(spec: CampaignSpec, trial: TrialRecord, names: Sequence[str]) -> Curve | None:
    """The curve of a completed trial; None for one without."""
    accuracy, spikes = (trial.metrics.get(key) or [] for key in ("validation_accuracy", "spikes_per_layer"))
    if trial.state != "complete" or not accuracy or len(accuracy) != len(spikes):
        return None
    rows = [_stands(accuracy[: k + 1], spikes[k], names) for k in range(len(accuracy))]
    return Curve(np.stack(rows), epochs_of(spec, trial.config))


def epochs_of(spec: CampaignSpec, config: Config) -> int:
    """Epochs that a trial has, unless it ends early."""
    default = TrialParameters.model_fields["epochs"].default
    return int(spec.complete(config).get("epochs", default))


def audited(seed: int, number: int, rule: StoppingSpec) -> bool:
    """Whether a hopeless trial runs on all the same; decided by seed and number alone."""
    return bool(np.random.default_rng([seed, _STREAM, number]).random() < rule.audit_share)


def _improves(problem: Problem, history: Sequence[Observation], points: Sequence[Point]) -> bool:
    """Whether measured points of a trial add hypervolume to the finished trials' front."""
    front = [point for o in history if o.is_feasible for point in o.points]
    return problem.scale.hypervolume([*front, *points]) > problem.scale.hypervolume(front)


def _stands(accuracy: Sequence[float], spikes: Sequence[float], names: Sequence[str]) -> np.ndarray:
    """Where a training stands (outcomes,): its best accuracy so far, and the spikes that leave its layers."""
    values = {"accuracy": max(accuracy)}
    values |= {f"spikes_{layer}": count for layer, count in enumerate(spikes, 1)}
    return np.array([values[name] for name in names], dtype=np.float64)


def _reason(rule: StoppingSpec, epoch: int, outlook: Outlook) -> str:
    accuracy = outlook.outcomes.get("accuracy", math.nan)
    return (
        f"hopeless after epoch {epoch}: the chance that one of its designs improves the front is "
        f"{100 * outlook.chance:.2g} %, below the {100 * rule.chance:g} % of stopping.chance; it was heading "
        f"for an accuracy of {accuracy:.3f}, judged by {outlook.finished} finished trainings"
    )
