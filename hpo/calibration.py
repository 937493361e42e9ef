"""How good a campaign's predictions were: what was stated before each trial against what came out of it.

Only trials that a model proposed count, and only as their proposals stated it then: nothing is fitted anew.
The trials were chosen because they looked good, so their predictions are somewhat too good on average even
where the models are right.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hpo.queries import spec_of
from hpo.store import DesignRecord, Store
from hpo.why import Held, Why, explained

QUANTILES = {"low": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "high": 0.95}
"""Those that proposals store (``hpo.optimizer.forecast``), which parts outcomes into six bins."""
EXPECTED = (0.05, 0.2, 0.25, 0.25, 0.2, 0.05)
"""Share of outcomes in each bin when the predictions are right."""
BANDS = 5
NEWEST = 2000
FEW = 20
"""Below this many outcomes a share says little."""


@dataclass(frozen=True)
class Share:
    """``hits`` of ``count``, and the 95 % interval for the true share (Wilson, JASA 22, 1927)."""

    hits: int
    count: int

    @property
    def value(self) -> float:
        """The share seen; NaN of none."""
        return self.hits / self.count if self.count else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Low and high end."""
        if not self.count:
            return 0.0, 1.0
        z, n, p = 1.96, self.count, self.value
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return max(middle - half, 0.0), min(middle + half, 1.0)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        low, high = self.interval
        return {"hits": self.hits, "count": self.count, "low": low, "high": high}


@dataclass(frozen=True)
class ObjectiveCalibration:
    """Outcomes of one objective against their predictions.

    Attributes:
        objective: its name.
        half: share inside the stated 50 % interval.
        ninety: share inside the stated 90 % interval.
        bins: outcomes below the 5 % quantile, then up to 25, 50, 75, 95 %, and above.
        pairs: (trial, prediction, measured), for a plot.
    """

    objective: str
    half: Share
    ninety: Share
    bins: tuple[int, ...]
    pairs: tuple[tuple[int, Held], ...]


@dataclass(frozen=True)
class Band:
    """Trials whose stated chance of feasibility lay in one fifth of 0..1: its mean, and how many held."""

    stated: float
    held: Share


@dataclass(frozen=True)
class Calibration:
    """All objectives, and the chance of feasibility; see the module."""

    objectives: tuple[ObjectiveCalibration, ...]
    bands: tuple[Band, ...]
    brier: float | None

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "objectives": {
                found.objective: {
                    "inside_50": found.half.as_dict(),
                    "inside_90": found.ninety.as_dict(),
                    "bins": list(found.bins),
                    "pairs": [{"trial": trial, **asdict(held)} for trial, held in found.pairs],
                }
                for found in self.objectives
            },
            "feasible": [{"stated": band.stated, "held": band.held.as_dict()} for band in self.bands],
            "brier": self.brier,
        }


def calibration(store: Store, name: str) -> Calibration:
    """Predictions against outcomes over a campaign, of its ``NEWEST`` trials where there are more.

    Raises:
        NotFoundError: there is no such campaign.
    """
    spec, campaign = spec_of(store, name), store.campaign(name)
    first = max(store.trial_count(name) - NEWEST, 0)
    designs: dict[int, list[DesignRecord]] = defaultdict(list)
    for design in store.designs(name, between=(first, first + NEWEST)):
        designs[design.trial].append(design)
    trials = store.trials(name, after=first - 1)
    found = [explained(spec, campaign, trial, designs[trial.number]) for trial in trials]
    bands, brier = _feasibility(found)
    return Calibration(tuple(_of_objective(one, found) for one in spec.objectives), bands, brier)


def _of_objective(objective: str, trials: Sequence[Why]) -> ObjectiveCalibration:
    pairs: list[tuple[int, Any]] = [
        (why.trial, held)
        for why in trials
        for held in why.objectives
        if held.objective == objective and held.measured is not None and set(QUANTILES) <= set(held.predicted)
    ]
    bins = [0] * len(EXPECTED)
    for _, held in pairs:
        bins[sum(held.measured > held.predicted[name] for name in QUANTILES)] += 1
    return ObjectiveCalibration(
        objective,
        Share(sum(bins[2:4]), len(pairs)),
        Share(sum(bins[1:5]), len(pairs)),
        tuple(bins),
        tuple(pairs),
    )


def _feasibility(trials: Sequence[Why]) -> tuple[tuple[Band, ...], float | None]:
    """Bands of the stated chance, empty ones left out, and the mean squared error of the chance (Brier)."""
    known = [(why.feasible, why.held) for why in trials if why.feasible is not None and why.held is not None]
    bands = []
    for k in range(BANDS):
        inside = [(p, held) for p, held in known if min(int(p * BANDS), BANDS - 1) == k]
        if inside:
            stated = sum(p for p, _ in inside) / len(inside)
            bands.append(Band(stated, Share(sum(held for _, held in inside), len(inside))))
    brier = sum((p - held) ** 2 for p, held in known) / len(known) if known else None
    return tuple(bands), brier


def lines(found: Calibration) -> list[str]:
    """What to read out of it, with due care where trials are few."""
    text = [_verdict(one) for one in found.objectives]
    trials = sum(band.held.count for band in found.bands)
    if not trials:
        return [*text, "no trial that a model proposed has ended: nothing to say about feasibility"]
    stated = sum(band.stated * band.held.count for band in found.bands) / trials
    held = Share(sum(band.held.hits for band in found.bands), trials)
    text.append(
        f"feasibility: {100 * stated:.0f} % expected on average, {_percent(held)} came out; squared error of "
        f"the stated chance (Brier) {found.brier:.3f}, where always stating the average gives "
        f"{held.value * (1 - held.value):.3f}"
    )
    return text


def _verdict(one: ObjectiveCalibration) -> str:
    if not one.ninety.count:
        return f"{one.objective}: no outcome of a prediction yet"
    low, high = one.ninety.interval
    if one.ninety.count < FEW:
        judged = "too few to judge"
    elif low <= 0.9 <= high:
        judged = "as stated, as far as that can be told"
    else:
        judged = "the intervals were too narrow" if high < 0.9 else "the intervals were too wide"
    return (
        f"{one.objective}: {_percent(one.ninety)} inside the 90 % intervals, {_percent(one.half)} inside the "
        f"50 % ones, over {one.ninety.count} trials: {judged}"
    )


def _percent(share: Share) -> str:
    low, high = share.interval
    return f"{100 * share.value:.0f} % ({100 * low:.0f} to {100 * high:.0f})"
