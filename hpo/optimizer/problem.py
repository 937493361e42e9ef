"""What the optimiser is asked, what it is told, and what it answers: plain frozen records."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hpo.pareto import HypervolumeScale, Objective
from hpo.space import Config, Space, Value
from spikefront.errors import SpecError

FloatArray = NDArray[np.float64]
Status = Literal["complete", "silent", "failed", "pruned"]
Transform = Literal["identity", "log", "logit"]
Measures = Mapping[str, FloatArray]
Compose = Callable[[Sequence[Config], FloatArray], Measures]


@dataclass(frozen=True)
class Outcome:
    """A measured quantity that a model learns, and the scale it is learned on."""

    name: str
    transform: Transform = "identity"


@dataclass(frozen=True)
class Limit:
    """A bound that a design's composed measure must keep, e.g. ``Limit("luts", at_most=5000)``."""

    measure: str
    at_most: float = math.inf
    at_least: float = -math.inf

    def __post_init__(self) -> None:
        if not self.at_least <= self.at_most:
            raise SpecError(
                f"limit on {self.measure}: at_least {self.at_least} is above at_most {self.at_most}"
            )

    def keeps(self, values: FloatArray) -> NDArray[np.bool_]:
        """Where values, of any shape, are within the bound."""
        return np.asarray((values <= self.at_most) & (values >= self.at_least))


@dataclass(frozen=True)
class Problem:
    """A constrained search; see ``propose``.

    Attributes:
        space: where configurations come from.
        objectives: what to improve, with its reference value; one to four.
        outcomes: what models learn. Empty: the objectives themselves, log where they are logarithmic.
        constraints: names of graded constraints; a trial is feasible iff each is <= 0.
        limits: bounds on what ``compose`` returns.
        compose: exact functions of learned outcomes, for what is known and need not be learned. Called with K
            configurations and outcomes (S, K, outcomes) in natural units, it returns for each measure (every
            objective and limited measure) an array (S, K, D): D designs per configuration. None: each outcome
            is a measure, D = 1. It must be a pure function.
        seed: of every random choice.
        n_initial: how many trials are a Sobol sequence before models are used.
        start: configurations to try first, whole or in part; the Sobol sequence gives what they leave out.
        priced: how many configurations ``compose`` is asked about in a proposal's first look, and a third as
            many again in its second; lower it where ``compose`` is slow.
    """

    space: Space
    objectives: tuple[Objective, ...]
    outcomes: tuple[Outcome, ...] = ()
    constraints: tuple[str, ...] = ()
    limits: tuple[Limit, ...] = ()
    compose: Compose | None = None
    seed: int = 0
    n_initial: int | None = None
    priced: int = 640
    start: tuple[Mapping[str, Value], ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= len(self.objectives) <= 4:
            raise SpecError(f"{len(self.objectives)} objectives: give one to four")
        if self.priced < 20:
            raise SpecError(f"priced {self.priced} is below 20: let a proposal weigh at least 20 candidates")
        if self.seed < 0:
            raise SpecError(f"seed {self.seed} is negative: give zero or more")
        names = {outcome.name for outcome in self.learned}
        if self.compose is None:
            needed = [o.name for o in self.objectives] + [limit.measure for limit in self.limits]
            for name in needed:
                if name not in names:
                    raise SpecError(f"measure {name!r} is no outcome: add it to outcomes or give compose")
        if self.n_initial is not None and self.n_initial < 1:
            raise SpecError(f"n_initial {self.n_initial} is below 1: start with at least one trial")
        for given in self.start:
            self.space.validate_part(given)
        _ = self.scale

    @property
    def learned(self) -> tuple[Outcome, ...]:
        """Outcomes, by default the objectives."""
        scales: dict[str, Literal["identity", "log"]] = {"linear": "identity", "log": "log"}
        return self.outcomes or tuple(Outcome(o.name, scales[o.scale]) for o in self.objectives)

    @property
    def initial(self) -> int:
        """Trials of the Sobol start: two for every three variables, at least eight, unless set.

        Given starting points count among them.
        """
        return max(self.n_initial or max(8, math.ceil(2 * self.space.cube_dimension / 3)), len(self.start))

    @cached_property
    def scale(self) -> HypervolumeScale:
        """How hypervolume is measured."""
        return HypervolumeScale(self.objectives)

    def measure(self, configs: Sequence[Config], outcomes: FloatArray) -> Measures:
        """Measures (S, K, D) of outcomes (S, K, outcomes) of K configurations."""
        if self.compose is not None:
            return self.compose(configs, outcomes)
        return {outcome.name: outcomes[..., k, None] for k, outcome in enumerate(self.learned)}

    def kept(self, measures: Measures) -> NDArray[np.bool_]:
        """Which designs (S, K, D) keep every limit and have numbers for every objective."""
        kept = np.all([np.isfinite(measures[o.name]) for o in self.objectives], axis=0)
        for limit in self.limits:
            kept = kept & limit.keeps(measures[limit.measure])
        return np.asarray(kept)


@dataclass(frozen=True)
class Observation:
    """One finished trial.

    Attributes:
        index: the trial's number.
        config: its configuration.
        status: how it ended; the objectives of all but complete trials are unknown.
        outcomes: learned outcomes in natural units; those of a pruned trial are foretold, or None. None for
            silent and failed ones.
        constraints: graded constraints as far as known; silent trials have them too.
        points: objective values, as measured, of those of its designs that keep every limit.
    """

    index: int
    config: Config
    status: Status
    outcomes: Mapping[str, float] | None = None
    constraints: Mapping[str, float] = field(default_factory=dict)
    points: Sequence[Mapping[str, float]] = ()

    def __post_init__(self) -> None:
        if self.status != "pruned" and (self.status == "complete") != (self.outcomes is not None):
            state = "with" if self.outcomes is not None else "without"
            raise SpecError(
                f"trial {self.index} is {self.status} {state} outcomes: complete trials have them, and pruned"
                " ones may"
            )

    @property
    def is_feasible(self) -> bool:
        """Whether the trial completed within every constraint and gave at least one design."""
        within = all(value <= 0 for value in self.constraints.values())
        return self.status == "complete" and within and len(self.points) > 0


@dataclass(frozen=True)
class Proposal:
    """What to try next, and why.

    ``explanation`` is plain JSON: ``source`` ("start", "sobol", "random", "global", "region" or "listed");
    ``centre``, the number of the trial in the middle of the region, and ``length``, the region's side in
    0..1.6 (None outside regions); ``feasible``, the probability that the constraints hold, and ``score``, the
    logarithm that was maximised (None before models); ``design``, ``predicted`` and ``gain``, see
    ``hpo.optimizer.forecast``.
    """

    index: int
    config: dict[str, Value]
    explanation: dict[str, Any]


@dataclass(frozen=True)
class Exhausted:
    """Every configuration of a finite space has been proposed."""

    cardinality: int


def observe(
    problem: Problem,
    proposal: Proposal,
    outcomes: Mapping[str, float],
    constraints: Mapping[str, float] | None = None,
) -> Observation:
    """Observation of a completed trial whose designs are those that ``problem.compose`` gives.

    Raises:
        SpecError: an outcome or a constraint is missing or not a finite number.
    """
    given = constraints or {}
    for name, values in [
        *((o.name, outcomes) for o in problem.learned),
        *((c, given) for c in problem.constraints),
    ]:
        if not math.isfinite(values.get(name, math.nan)):
            raise SpecError(f"trial {proposal.index} has {name} = {values.get(name)}: tell a finite number")
    row = np.array([outcomes[o.name] for o in problem.learned], dtype=np.float64)
    measures = problem.measure([proposal.config], row[None, None, :])
    kept = problem.kept(measures)[0, 0]
    points = [
        {o.name: float(measures[o.name][0, 0, d]) for o in problem.objectives} for d in np.flatnonzero(kept)
    ]
    return Observation(proposal.index, proposal.config, "complete", dict(outcomes), dict(given), points)
