"""Ask what to try next: a pure function of the problem, the finished and the running trials, and a number."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from hpo.optimizer import gp
from hpo.optimizer.beliefs import Beliefs, learn
from hpo.optimizer.candidates import Candidates, Centre, Taken, around, draw, listed, sobol, unvisited
from hpo.optimizer.forecast import forecast
from hpo.optimizer.improvement import Front, antithetic, designs, predicted_points, score
from hpo.optimizer.problem import Exhausted, FloatArray, Observation, Problem, Proposal
from hpo.optimizer.regions import Regions, centres, fold
from hpo.space import Config

SAMPLES = 64
REFINED = 6
# Point-cell pairs that one screening of all candidates may cost.
EFFORT = 40_000_000
# A candidate this much less likely to be feasible than the likeliest is not weighed.
HOPE = 0.05
# Rounds of refinement, ever closer, where no candidate has to be priced.
FREE_TURNS = 10
SHRINK = 0.7


def propose(
    problem: Problem, observations: Sequence[Observation], pending: Sequence[Config], index: int
) -> Proposal | Exhausted:
    """Propose trial ``index``.

    The same arguments give the same answer, in any process and for any order of ``observations`` and of
    ``pending``. A configuration that is finished or pending is never proposed again.

    Args:
        problem: what is searched.
        observations: finished trials.
        pending: configurations of running trials.
        index: number of the trial to propose; below ``problem.initial`` it is a Sobol point.

    Raises:
        SpecError: a configuration is not of the problem's space.
    """
    history = sorted(observations, key=lambda o: o.index)
    taken = Taken(problem.space, [*(o.config for o in history), *pending])
    if len(taken) >= problem.space.cardinality:
        return Exhausted(int(problem.space.cardinality))
    if index < problem.initial or not history:
        return _start(problem, taken, index)
    with gp.quiet():
        return _modelled(problem, history, taken, index)


def random_proposal(problem: Problem, index: int, seen: Sequence[Config]) -> Proposal | Exhausted:
    """Random search, the baseline: after the given starting points, configurations drawn uniformly."""
    taken = Taken(problem.space, seen)
    if len(taken) >= problem.space.cardinality:
        return Exhausted(int(problem.space.cardinality))
    if index < len(problem.start):
        return _start(problem, taken, index)
    return _random(problem, taken, index, "random")


def _start(problem: Problem, taken: Taken, index: int) -> Proposal:
    """The starting point ``index`` if one is given, else that of the Sobol sequence.

    Where it is taken, the next Sobol point beyond the start.
    """
    space = problem.space
    table = sobol(space.cube_dimension, index + problem.initial + 64, problem.seed)
    if index < len(problem.start):
        config = space.complete(problem.start[index], table[index])
        if taken.fresh(space.to_unit(config)[None])[0]:
            return Proposal(index, config, _explain("start"))
    order = [index, *range(max(index + 1, problem.initial), len(table))]
    rows = space.spread(table[order])
    fresh = np.flatnonzero(taken.fresh(rows))
    if len(fresh) == 0:
        return _random(problem, taken, index, "sobol")
    return Proposal(index, space.from_unit(rows[fresh[0]]), _explain("sobol"))


def _random(problem: Problem, taken: Taken, index: int, source: str) -> Proposal:
    space = problem.space
    rng = np.random.default_rng([problem.seed, index, 1])
    rows = space.spread(rng.random((256, space.cube_dimension)))
    fresh = np.flatnonzero(taken.fresh(rows))
    if len(fresh):
        return Proposal(index, space.from_unit(rows[fresh[0]]), _explain(source))
    # So many repeats mean a small finite space that is nearly used up.
    left = listed(space, taken)
    return Proposal(index, space.from_unit(left[rng.integers(len(left))]), _explain("listed"))


def _modelled(problem: Problem, history: Sequence[Observation], taken: Taken, index: int) -> Proposal:
    rng = np.random.default_rng([problem.seed, index])
    state = fold(problem, history)
    running = np.unique(taken.rows[len(history) :], axis=0)  # in an order of its own
    beliefs = learn(problem, history).believe(running)
    candidates = draw(problem, taken, middles(problem, history, taken, state), state.length, rng)
    if len(candidates) == 0:
        return _random(problem, taken, index, "random")
    front = _front(problem, history, beliefs, running)
    search = _Search(problem, beliefs, front, rng)
    best, value = search.best(candidates, taken, state.length)
    return Proposal(index, problem.space.from_unit(best.rows[0]), search.explain(best, state, value))


def middles(problem: Problem, history: Sequence[Observation], taken: Taken, state: Regions) -> list[Centre]:
    """Middles of the regions; after a restart, and with nothing known, a place not yet visited too."""
    found = [Centre(problem.space.to_unit(o.config), o.index) for o in centres(problem, history)]
    if state.restarts or not found:
        seed = int(np.random.default_rng([problem.seed, state.restarts, 2]).integers(2**31))
        found.append(unvisited(problem.space, taken, seed))
    return found


def _front(
    problem: Problem, history: Sequence[Observation], beliefs: Beliefs, running: FloatArray
) -> Front | None:
    """Front of feasible measured designs and of running trials' predicted ones; None if none is measured."""
    points = [point for o in history if o.is_feasible for point in o.points]
    if not points:
        return None
    believed = predicted_points(problem, beliefs, running)
    return Front.of(np.vstack([problem.scale.transform(points), believed]), problem.scale.reference)


class _Search:
    """One proposal's search over candidates: screen all, weigh a shortlist, refine the best."""

    def __init__(
        self, problem: Problem, beliefs: Beliefs, front: Front | None, rng: np.random.Generator
    ) -> None:
        self.problem, self.beliefs, self.front, self.rng = problem, beliefs, front, rng
        # Until something is feasible only the odds count, unless limits need prices.
        self._prices = front is not None or bool(problem.limits)
        self.few = max(REFINED, problem.priced // 20)
        costly = self._prices and problem.compose is not None
        self.turns = 1 if costly else FREE_TURNS
        self.normals = antithetic(rng, SAMPLES, len(problem.learned))

    def best(self, candidates: Candidates, taken: Taken, length: float) -> tuple[Candidates, float]:
        """The best candidate (as one row) and its score."""
        candidates = candidates.take(self._hopeful(candidates.rows))
        screened = self._scores(candidates.rows, self._screen_normals(candidates.rows))
        shortlist = candidates.take(np.argsort(-screened, kind="stable")[: self.few])
        scores = self._scores(shortlist.rows, self.normals)
        for turn in range(self.turns):
            order = np.argsort(-scores, kind="stable")
            near = self._neighbours(shortlist.take(order[:REFINED]), taken, length / 8 * SHRINK**turn)
            shortlist = _joined(shortlist, near)
            scores = np.concatenate([scores, self._scores(near.rows, self.normals)])
        top = int(np.argmax(scores))
        return shortlist.take(np.array([top])), float(scores[top])

    def explain(self, best: Candidates, state: Regions, value: float) -> dict[str, Any]:
        """The explanation of the one row of ``best``."""
        owner = int(best.owner[0])
        text = _explain("region" if owner >= 0 else "global")
        if owner >= 0:
            text |= {"centre": best.centres[owner].index, "length": state.length}
        text["feasible"] = float(np.exp(self.beliefs.log_feasible(best.rows)[0]))
        text["score"] = value
        return text | forecast(self.problem, self.beliefs, self.front, best.rows)

    def _scores(self, rows: FloatArray, normals: FloatArray) -> FloatArray:
        if len(rows) == 0:
            return np.empty(0)
        return score(self.problem, self.beliefs, self.front, rows, normals)

    def _hopeful(self, rows: FloatArray) -> np.ndarray:
        """Indices of the candidates to price: those likely to be feasible, evenly thinned."""
        odds = self.beliefs.log_feasible(rows)
        if not self._prices:
            return np.arange(len(rows))
        likely = np.flatnonzero(odds >= odds.max() + np.log(HOPE))
        return likely[
            np.linspace(0, len(likely) - 1, min(len(likely), self.problem.priced)).round().astype(np.int64)
        ]

    def _screen_normals(self, rows: FloatArray) -> FloatArray:
        """Draws for a first look at all candidates: as many as the effort allows, 2 to 32."""
        outcomes = len(self.problem.learned)
        if self.beliefs.outcomes is None:
            return self.normals
        values, _ = designs(self.problem, self.beliefs, rows[:1], np.zeros((1, outcomes)))
        per_draw = len(rows) * values.size * (len(self.front.lower) if self.front else 1)
        return antithetic(self.rng, 2 * int(np.clip(EFFORT // per_draw // 2, 1, 16)), outcomes)

    def _neighbours(self, best: Candidates, taken: Taken, side: float) -> Candidates:
        parts = [around(self.problem.space, row, side, self.few, self.rng) for row in best.rows]
        near = Candidates(np.concatenate(parts), np.repeat(best.owner, self.few), best.centres)
        return near.take(taken.fresh(near.rows))


def _joined(a: Candidates, b: Candidates) -> Candidates:
    return Candidates(np.concatenate([a.rows, b.rows]), np.concatenate([a.owner, b.owner]), a.centres)


def _explain(source: str) -> dict[str, Any]:
    return {
        "source": source,
        "centre": None,
        "length": None,
        "feasible": None,
        "score": None,
        "design": None,
        "predicted": {},
        "gain": None,
    }
