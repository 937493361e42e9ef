"""When a campaign ends before its budget of trials is spent: the rules of ``[stop_when]``.

The rule of growth is a function of the finished trials in the order of their finishing, so that a campaign
that was killed decides as it would have; those of time look at the clock.
"""

from bisect import insort
from collections.abc import Sequence
from datetime import datetime

from hpo.campaign_search import StopSpec
from hpo.optimizer import Observation
from hpo.pareto import GrowingFront, HypervolumeScale
from hpo.store import Store, TrialRecord

HOUR_S = 3600.0


class StopWatch:
    """What the rules look at, kept up as trials start and end."""

    def __init__(self, rules: StopSpec | None, scale: HypervolumeScale) -> None:
        self._rules, self._scale = rules, scale
        self._front = GrowingFront(scale.reference)
        self._volumes: list[float] = []
        self._gains: list[float | None] = []
        self._busy: list[tuple[datetime, datetime]] = []
        self._worked_s = 0.0
        self._running: dict[int, datetime] = {}

    def started(self, trial: TrialRecord) -> None:
        """A trial began to run."""
        if trial.started_at is not None:
            self._running[trial.number] = trial.started_at

    def ended(self, trial: TrialRecord, observation: Observation) -> None:
        """A trial ended; called in the order of ending."""
        if self._rules is None:
            return
        self._running.pop(trial.number, None)
        if trial.started_at is not None and trial.finished_at is not None:
            self._worked_s += (trial.finished_at - trial.started_at).total_seconds()
            self._busy = _with(self._busy, (trial.started_at, trial.finished_at))
        points = list(observation.points) if observation.is_feasible else []
        self._volumes.append(self._front.add(self._scale.transform(points) if points else None))
        self._gains.append(trial.proposal.get("gain"))

    def reason(self, now: datetime) -> str | None:
        """Why the campaign should end now, as a sentence; None while it should go on."""
        rules = self._rules
        if rules is None:
            return None
        if rules.hours is not None and (hours := self.hours(now)) >= rules.hours:
            return f"stop_when.hours: trials ran for {hours:.2f} h, of {rules.hours:g} h allowed"
        if rules.worker_hours is not None and (hours := self.worker_hours(now)) >= rules.worker_hours:
            return f"stop_when.worker_hours: trials took {hours:.2f} h together, of {rules.worker_hours:g} h"
        if rules.growth is not None:
            return growth_reason(self._volumes, self._gains, rules.growth, rules.within)
        return None

    def hours(self, now: datetime) -> float:
        """Wall hours during which at least one trial ran."""
        first = min(self._running.values(), default=now)
        done = sum(max((min(end, first) - start).total_seconds(), 0.0) for start, end in self._busy)
        return (done + (now - first).total_seconds()) / HOUR_S

    def worker_hours(self, now: datetime) -> float:
        """Hours that all trials ran, added up."""
        running = sum((now - start).total_seconds() for start in self._running.values())
        return (self._worked_s + running) / HOUR_S


def growth_reason(
    volumes: Sequence[float], gains: Sequence[float | None], share: float, within: int
) -> str | None:
    """Why the hypervolume need not be expected to grow by ``share`` within as many trials more; else None.

    Both must say so: what was seen, the growth over the last ``within`` trials; and what the models said, the
    sum of the gains that they expected of these trials. The best point of a model that knows little promises
    much, so that the second keeps a search alive which only had bad luck; the first guards against models
    that are sure of a wrong thing.

    Args:
        volumes: hypervolume after each ended trial, in order of ending.
        gains: hypervolume that each of them was expected to add; None for those without a model.
        share: of the present hypervolume.
        within: trials.
    """
    expected = [gain for gain in gains[-within:] if gain is not None]
    if len(volumes) <= within or len(expected) < within or volumes[-1] <= 0.0:
        return None
    seen = (volumes[-1] - volumes[-1 - within]) / volumes[-1]
    foretold = sum(expected) / volumes[-1]
    if seen >= share or foretold >= share:
        return None
    return (
        f"stop_when.growth: in the last {within} trials the hypervolume grew by {100 * seen:.2g} %, and the "
        f"models expected {100 * foretold:.2g} %; both are below {100 * share:g} %"
    )


def _with(
    spans: Sequence[tuple[datetime, datetime]], span: tuple[datetime, datetime]
) -> list[tuple[datetime, datetime]]:
    """Disjoint spans of time in order, and one more."""
    every = list(spans)
    insort(every, span)
    merged = every[:1]
    for start, end in every[1:]:
        if start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def watch_of(
    rules: StopSpec | None, scale: HypervolumeScale, store: Store, name: str, history: Sequence[Observation]
) -> StopWatch:
    """The watch of a stored campaign, ``history`` in the order of ending."""
    watch = StopWatch(rules, scale)
    if rules is not None:
        trials = {trial.number: trial for trial in store.trials(name)}
        for observation in history:
            watch.ended(trials[observation.index], observation)
    return watch
