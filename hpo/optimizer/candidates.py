"""Where to look: points of the whole space and of the trust regions, all representable and all new."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from hpo.optimizer.problem import FloatArray, Problem
from hpo.space import Categorical, Config, Space

GLOBAL = 768
LOCAL = 1280
# Finite spaces up to this size are listed in full.
LISTED = 4096
# Two configurations whose model columns agree to this many decimals are the same.
_DECIMALS = 9


@dataclass(frozen=True)
class Centre:
    """The middle of a region: model columns (d,), and the trial it comes from (None: a place not visited)."""

    row: FloatArray
    index: int | None


@dataclass(frozen=True)
class Candidates:
    """Rows (K, d) in model columns; ``owner`` (K,) is the place in ``centres``, -1 for the whole space."""

    rows: FloatArray
    owner: np.ndarray
    centres: tuple[Centre, ...]

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, which: np.ndarray) -> "Candidates":
        """Those selected by a mask or by indices."""
        return Candidates(self.rows[which], self.owner[which], self.centres)


class Taken:
    """Configurations that were proposed already, finished or running."""

    def __init__(self, space: Space, configs: Iterable[Config]) -> None:
        self.rows = np.array([space.to_unit(config) for config in configs]).reshape(-1, space.dimension)
        self._keys = set(_keys(self.rows))
        self._inside = len(set(_keys(self.rows[space.inside(self.rows)])))

    def __len__(self) -> int:
        """Different ones among the configurations of the (narrowed) space."""
        return self._inside

    def fresh(self, rows: FloatArray) -> np.ndarray:
        """Mask (K,) of rows (K, d) that are new, and the first of their kind."""
        seen = set(self._keys)
        mask = np.zeros(len(rows), dtype=np.bool_)
        for place, key in enumerate(_keys(rows)):
            mask[place] = key not in seen
            seen.add(key)
        return mask


def sobol(dimension: int, count: int, seed: int) -> FloatArray:
    """The first ``count`` points (count, dimension) of a scrambled Sobol sequence."""
    engine = torch.quasirandom.SobolEngine(dimension, scramble=True, seed=seed)  # type: ignore[no-untyped-call]
    return np.asarray(engine.draw(count, dtype=torch.float64).numpy())


def listed(space: Space, taken: Taken) -> FloatArray:
    """Every configuration (K, d) of a finite space that is not taken."""
    rows = np.stack([space.to_unit(config) for config in space.configurations()])
    return np.asarray(rows[taken.fresh(rows)])


def draw(
    problem: Problem, taken: Taken, centres: Sequence[Centre], length: float, rng: np.random.Generator
) -> Candidates:
    """New candidates: part from the whole space, part from a box of side ``length`` around each centre."""
    space = problem.space
    if space.cardinality <= LISTED:
        rows = listed(space, taken)
        return Candidates(rows, np.full(len(rows), -1), tuple(centres))
    parts = [space.spread(sobol(space.cube_dimension, GLOBAL, _seed(rng)))]
    owners = [np.full(GLOBAL, -1)]
    for place, centre in enumerate(centres):
        count = LOCAL // len(centres)
        parts.append(around(space, centre.row, length, count, rng))
        owners.append(np.full(count, place))
    every = Candidates(np.concatenate(parts), np.concatenate(owners), tuple(centres))
    return every.take(taken.fresh(every.rows))


def around(
    space: Space, centre: FloatArray, length: float, count: int, rng: np.random.Generator
) -> FloatArray:
    """Representable rows (count, d) in the box of side ``length`` around ``centre`` (d,).

    Half of the rows move each variable with probability min(20/d, 1) (TuRBO's mask), half move about three
    variables; every row moves at least one.
    """
    shares = sobol(space.cube_dimension, count, _seed(rng))
    moved = _mask(count, space.cube_dimension, space.dimension, rng)
    free = space.spread(shares)
    held = (space.active_columns(centre[None]) & space.kept_columns(centre[None]))[0]
    least, most = space.bounds
    rows = np.repeat(centre[None], count, axis=0)
    for k, (name, variable) in enumerate(space.variables.items()):
        span = space.columns[name]
        if isinstance(variable, Categorical):
            jump = moved[:, k] & (rng.random(count) < min(max(length, 0.1), 0.5))
            stepped = np.where(jump[:, None], free[:, span], rows[:, span])
        else:
            half = max(length / 2, 1.0 / max(variable.levels - 1, 1))
            low = np.maximum(centre[span] - half, least[span])
            high = np.minimum(centre[span] + half, most[span])
            stepped = np.where(moved[:, k, None], low + (high - low) * shares[:, k, None], rows[:, span])
        # What is asleep at the centre, or outside a narrowing, has no value to stay close to.
        rows[:, span] = stepped if held[span].all() else free[:, span]
    return space.round_unit(rows)


def unvisited(space: Space, taken: Taken, seed: int) -> Centre:
    """The point farthest from every taken one, of 256 Sobol points."""
    rows = space.spread(sobol(space.cube_dimension, 256, seed))
    gaps = np.abs(rows[:, None, :] - taken.rows[None]).mean(axis=2).min(axis=1)
    return Centre(rows[int(np.argmax(gaps))], None)


def _mask(count: int, variables: int, dimension: int, rng: np.random.Generator) -> np.ndarray:
    odds = np.where(np.arange(count) % 2 == 0, min(20 / dimension, 1.0), min(3 / variables, 1.0))
    moved = rng.random((count, variables)) < odds[:, None]
    moved[np.arange(count), rng.integers(variables, size=count)] = True
    return np.asarray(moved)


def _keys(rows: FloatArray) -> list[bytes]:
    # Adding zero turns -0.0 into 0.0.
    return [row.tobytes() for row in np.round(rows, _DECIMALS) + 0.0]


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(2**31))
