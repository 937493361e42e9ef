"""Whether a running training is worth going on with: the chance that any of its designs improves the front.

What its curve shows of the learned outcomes is carried to its end (``hpo.optimizer.curves``), drawn many
times, and every draw is priced by ``problem.compose`` on every design, so that the verdict is about the front
of all objectives: a training of mediocre accuracy goes on while its few spikes may make it the cheapest. That
it might still break a constraint is left out, which errs towards going on.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hpo.optimizer import gp
from hpo.optimizer.curves import Foretold, foretell
from hpo.optimizer.problem import FloatArray, Observation, Problem
from hpo.optimizer.scales import Scale, stated
from hpo.pareto import non_dominated
from hpo.space import Config

DRAWS = 512
_STREAM = 11


@dataclass(frozen=True, eq=False)
class Curve:
    """What a finished training showed of learned outcomes, in natural units.

    Attributes:
        values: (epochs run, outcomes shown); where it stood after each epoch.
        epochs: that it was to run; ``values`` has fewer if it ended early.
    """

    values: FloatArray
    epochs: int

    def at(self, share: float) -> FloatArray:
        """Where it stood after ``share`` of its epochs, or at its end if that came before."""
        place = max(math.ceil(share * self.epochs - 1e-9), 1)
        return np.asarray(self.values[min(place, len(self.values)) - 1])


@dataclass(frozen=True)
class Outlook:
    """What may become of a running training.

    Attributes:
        chance: that one of its designs improves the front.
        outcomes: the likeliest end, in natural units.
        finished: trainings that this was learned from.
    """

    chance: float
    outcomes: dict[str, float]
    finished: int


class Outlooks:
    """Judges running trainings by finished ones; to be made anew when one has finished.

    Args:
        problem: what is searched.
        history: finished trials.
        curves: of completed ones by number; others are not learned from.
        shown: names of the outcomes that curves show, in their order.
    """

    def __init__(
        self,
        problem: Problem,
        history: Sequence[Observation],
        curves: Mapping[int, Curve],
        shown: Sequence[str],
    ) -> None:
        self._problem, self._shown = problem, tuple(shown)
        ordered = sorted(history, key=lambda o: o.index)
        self._complete = [o for o in ordered if o.status == "complete" and o.index in curves]
        self._curves = [curves[o.index] for o in self._complete]
        points = [point for o in ordered if o.is_feasible for point in o.points]
        values = problem.scale.transform(points)
        self._front = values[non_dominated(values)]
        self._others: gp.Process | None = None

    def outlook(self, index: int, config: Config, stands: FloatArray, share: float) -> Outlook | None:
        """What may become of a running trial; None while nothing is known that it could be compared with.

        The same arguments give the same answer.

        Args:
            index: the trial's number.
            config: its configuration.
            stands: the shown outcomes (k,) at its newest epoch.
            share: of its epochs that are over, above 0.
        """
        if not self._complete or len(self._front) == 0:
            return None
        foretold = self._foretold(stands, share)
        rng = np.random.default_rng([self._problem.seed, _STREAM, index, round(1e6 * share)])
        drawn = self._outcomes(config, foretold.draw(rng, DRAWS), rng)
        likely = self._outcomes(config, foretold.mean[None], None)[0]
        names = [outcome.name for outcome in self._problem.learned]
        return Outlook(
            self._improving(config, drawn),
            dict(zip(names, likely.tolist(), strict=True)),
            len(self._complete),
        )

    def _foretold(self, stands: FloatArray, share: float) -> Foretold:
        """The end of the shown outcomes, on the models' scales."""
        stood = np.stack([curve.at(share) for curve in self._curves])
        known = [o.outcomes or {} for o in self._complete]
        ended = np.array([[outcomes[name] for name in self._shown] for outcomes in known])
        count = len(known)
        table = np.concatenate([stood, ended, stands[None]])
        kinds = {outcome.name: outcome.transform for outcome in self._problem.learned}
        columns = [stated(table[:, k], kinds[n]).to_model(table[:, k]) for k, n in enumerate(self._shown)]
        scaled = np.stack(columns, axis=1)
        return foretell(scaled[:count], scaled[count : 2 * count], scaled[-1])

    def _outcomes(self, config: Config, shown: FloatArray, rng: np.random.Generator | None) -> FloatArray:
        """All learned outcomes (S, outcomes), natural units, of shown ones (S, k) on the models' scales.

        What curves do not show, such as the spikes of the inputs, a model tells from the configuration.
        """
        learned = self._problem.learned
        columns = {name: shown[:, k] for k, name in enumerate(self._shown)}
        others = [outcome for outcome in learned if outcome.name not in columns]
        if others:
            mean, deviation = self._model().predict(self._problem.space.to_unit(config)[None])
            size = (len(shown), len(others))
            noise = np.zeros(size) if rng is None else rng.standard_normal(size)
            columns |= {o.name: mean[0, k] + deviation[0, k] * noise[:, k] for k, o in enumerate(others)}
        return np.stack([Scale(o.transform).back(columns[o.name]) for o in learned], axis=1)

    def _model(self) -> gp.Process:
        if self._others is None:
            others = [o for o in self._problem.learned if o.name not in self._shown]
            rows = np.stack([self._problem.space.to_unit(o.config) for o in self._complete])
            values = np.array([[(o.outcomes or {})[other.name] for other in others] for o in self._complete])
            scaled = [
                stated(v, other.transform).to_model(v) for v, other in zip(values.T, others, strict=True)
            ]
            with gp.quiet():
                self._others = gp.fit(rows, np.stack(scaled, axis=1))
        return self._others

    def _improving(self, config: Config, outcomes: FloatArray) -> float:
        """Share of outcomes (S, outcomes) of which some design improves the front."""
        measures = self._problem.measure([config], outcomes[:, None, :])
        kept = self._problem.kept(measures)[:, 0]
        objectives = self._problem.objectives
        values = np.stack([o.to_minimise(np.asarray(measures[o.name])[:, 0]) for o in objectives], axis=-1)
        inside = kept & (values < self._problem.scale.reference).all(axis=-1)
        beaten = (self._front <= values[:, :, None, :]).all(axis=-1).any(axis=-1)
        return float((inside & ~beaten).any(axis=1).mean())
