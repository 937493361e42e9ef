"""What stopping hopeless trainings saves, and whom it wrongs, on recorded real learning curves.

Campaigns of our models over the recorded trainings of the table: each proposal is the recorded configuration,
not yet tried, that scores highest; it then takes the time that it took, epoch by epoch, on one of four
simulated workers. Weight widths are drawn for each training, lanes and accelerator family are a grid of
designs. All ways of stopping get the same simulated time: that in which the campaign without stopping ends
``TRIALS`` trainings. What a stopped training would have become is known, so that wrong verdicts are counted.

``python -m benchmarks.optimizer.stopping --work FILE --seeds 0 1`` appends finished campaigns to a file and
skips those that stand there. Run with OMP_NUM_THREADS=1.
"""

import argparse
import heapq
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import Outcome, Row, run_benchmark
from benchmarks.optimizer.table import CLASSES, INPUT_SHAPE
from benchmarks.optimizer.table_features import PRICED, recorded, specification
from hpo.campaign import CampaignSpec
from hpo.optimizer import Observation, Problem, Proposal, gp, observe
from hpo.optimizer.beliefs import learn
from hpo.optimizer.hopeless import Curve, Outlooks
from hpo.optimizer.improvement import Front, antithetic, predicted_points, score
from hpo.problem import build_problem
from hpo.space import Config

GOAL = "more hypervolume in the same time with stopping than without, in the median over seeds"
TRIALS, WORKERS, INITIAL, DRAWS, WEIGHED = 60, 4, 16, 32, 240
LEAST_BITS = 3
SHOWN = ("accuracy", "spikes_1")


@dataclass(frozen=True)
class Way:
    """When a training is stopped, and what the models are told of it.

    Attributes:
        chance: of improving the front below which it is stopped; 0 never stops.
        after_share: of its epochs before which it is not.
        told: whether its foretold end counts as an outcome for the models.
    """

    chance: float = 0.0
    after_share: float = 0.25
    told: bool = True


WAYS = {
    "none": Way(),
    "5%": Way(0.05),
    "1%": Way(0.01),
    "5% untold": Way(0.05, told=False),
}


@dataclass(frozen=True, eq=False)
class Training:
    """One recorded training as a trial of a campaign."""

    config: Config
    observation: Observation
    curve: Curve
    seconds: float


@dataclass
class Counts:
    """What a campaign's trainings came to."""

    volumes: list[tuple[float, float]] = field(default_factory=list)
    complete: int = 0
    silent: int = 0
    stopped: int = 0
    wronged: int = 0
    lost: float = 0.0
    saved_s: float = 0.0


def problem_of(seed: int) -> Problem:
    """The table's problem with lanes and family as a grid of designs."""
    values = specification().as_json()
    values["designs"] = {"lanes": [1, 2, 4, 8, 16, 32], "family": ["event_driven", "clock_driven"]}
    values["space"] = {name: v for name, v in values["space"].items() if name not in PRICED}
    values["space"]["weight_bits"]["low"] = LEAST_BITS
    return build_problem(
        CampaignSpec.from_mapping(values).model_copy(update={"seed": seed}), INPUT_SHAPE, CLASSES
    )


def trainings(problem: Problem, count: int | None = None) -> list[Training]:
    """Recorded trainings in an order drawn by the problem's seed, each at a width drawn likewise."""
    rng = np.random.default_rng([problem.seed, 21])
    rows = [row for row in recorded() if "repeat_of" not in row]
    found = []
    for place in rng.permutation(len(rows))[:count]:
        row = rows[place]
        designs = [d for d in row["designs"] if d["weight_bits"] >= LEAST_BITS]
        width = designs[int(rng.integers(len(designs)))] if designs else {"weight_bits": LEAST_BITS}
        found.append(_training(problem, row, width, len(found)))
    return found


def _training(problem: Problem, row: dict[str, Any], design: dict[str, Any], index: int) -> Training:
    config = {**row["config"], "weight_bits": design["weight_bits"]}
    constraints = {"silence": row["silence"]}
    if row["state"] == "complete" and "spikes" in design:
        outcomes = {"accuracy": design["accuracy"], "spikes_0": design["spikes"][0]}
        outcomes["spikes_1"] = max(design["spikes"][1], 1e-3)
        observation = observe(problem, Proposal(index, config, {}), outcomes, constraints)
    else:
        status = "silent" if row["state"] == "silent" else "failed"
        observation = Observation(index, config, status, None, constraints if status == "silent" else {})
    return Training(config, observation, _curve(row), row["seconds"])


def _curve(row: dict[str, Any]) -> Curve:
    accuracy = np.maximum.accumulate(row["curves"].get("validation_accuracy", [0.0]))
    spikes = np.array(row["curves"].get("spikes_per_layer", [[0.0]]))[:, 0]
    return Curve(np.column_stack([accuracy, np.maximum(spikes, 1e-3)]), specification().fixed["epochs"])


class Campaign:
    """One simulated campaign over recorded trainings."""

    def __init__(self, problem: Problem, pool: Sequence[Training], way: Way) -> None:
        self.problem, self.pool, self.way = problem, pool, way
        self.rows = np.stack([problem.space.to_unit(t.config) for t in pool])
        self.left = list(range(len(pool)))
        self.running: list[int] = []
        self.history: list[Observation] = []
        self.curves: dict[int, Curve] = {}
        self.counts = Counts()
        self._outlooks: Outlooks | None = None

    def propose(self) -> int:
        """The training that scores highest of those left; the first ones come in the pool's order."""
        started = len(self.pool) - len(self.left)
        place = 0 if started < INITIAL else self._best(started)
        chosen = self.left.pop(place)
        self.running.append(chosen)
        return chosen

    def _best(self, started: int) -> int:
        with gp.quiet():
            running = self.rows[sorted(self.running)]
            beliefs = learn(self.problem, sorted(self.history, key=lambda o: o.index)).believe(running)
            points = [p for o in self.history if o.is_feasible for p in o.points]
            front = None
            if points:
                believed = predicted_points(self.problem, beliefs, running)
                values = np.vstack([self.problem.scale.transform(points), believed])
                front = Front.of(values, self.problem.scale.reference)
            rng = np.random.default_rng([self.problem.seed, started])
            normals = antithetic(rng, DRAWS, len(self.problem.learned))
            rows = self.rows[self.left]
            likely = np.argsort(-beliefs.log_feasible(rows), kind="stable")[:WEIGHED]
            scores = score(self.problem, beliefs, front, rows[likely], normals)
        return int(likely[int(np.argmax(scores))])

    def is_hopeless(self, index: int, epochs: int) -> bool:
        """Whether a running training is stopped after so many epochs; remembers it if so."""
        training = self.pool[index]
        share = epochs / training.curve.epochs
        if self.way.chance <= 0 or share < self.way.after_share or share == 1.0:
            return False
        if self._outlooks is None:
            self._outlooks = Outlooks(self.problem, self.history, self.curves, SHOWN)
        found = self._outlooks.outlook(index, training.config, training.curve.values[epochs - 1], share)
        if found is None or found.chance >= self.way.chance:
            return False
        self._stopped(index, epochs, found.outcomes)
        return True

    def _stopped(self, index: int, epochs: int, outcomes: dict[str, float]) -> None:
        training = self.pool[index]
        self.running.remove(index)
        if self.way.told:
            told = Observation(index, training.config, "pruned", outcomes)
            self.history.append(told)
        self.counts.stopped += 1
        self.counts.saved_s += training.seconds * (1 - epochs / len(training.curve.values))
        before = self._volume([])
        gained = self._volume([training.observation]) - before
        self.counts.wronged += gained > 0
        self.counts.lost += gained / before if before else 0.0

    def end(self, index: int, now: float) -> None:
        """A training has come to its own end."""
        training = self.pool[index]
        self.running.remove(index)
        self.history.append(training.observation)
        if training.observation.status == "complete":
            self.curves[index] = training.curve
        self.counts.complete += training.observation.status == "complete"
        self.counts.silent += training.observation.status == "silent"
        self._outlooks = None
        self.counts.volumes.append((now, self._volume([])))

    def _volume(self, more: list[Observation]) -> float:
        points = [p for o in [*self.history, *more] if o.is_feasible for p in o.points]
        return self.problem.scale.hypervolume(points)


def simulate(campaign: Campaign, trials: int | None, until_s: float) -> float:
    """Run until so many trainings have ended or time is up; the simulated seconds that it took."""
    events: list[tuple[float, int, int]] = []
    now, ended = 0.0, 0
    while now < until_s and (trials is None or ended < trials) and (campaign.left or events):
        while len(campaign.running) < WORKERS and campaign.left:
            index = campaign.propose()
            heapq.heappush(events, (now + _epoch_s(campaign.pool[index]), index, 1))
        now, index, epochs = heapq.heappop(events)
        if epochs >= len(campaign.pool[index].curve.values):
            campaign.end(index, now)
            ended += 1
        elif not campaign.is_hopeless(index, epochs):
            heapq.heappush(events, (now + _epoch_s(campaign.pool[index]), index, epochs + 1))
        else:
            ended += 1
    return now


def _epoch_s(training: Training) -> float:
    return max(training.seconds, 0.01) / len(training.curve.values)


def run(seed: int, way: str, trials: int, until_s: float) -> Row:
    """One campaign's row; ``until_s`` is infinite for the one that sets the time."""
    problem, started = problem_of(seed), time.process_time()
    campaign = Campaign(problem, trainings(problem), WAYS[way])
    took = simulate(campaign, trials if way == "none" else None, until_s)
    counts = campaign.counts
    volumes = [(round(at, 3), round(volume, 5)) for at, volume in counts.volumes]
    busy = sum(campaign.pool[o.index].seconds for o in campaign.history if o.index in campaign.curves)
    return {
        "way": way,
        "seed": seed,
        "trials": trials,
        "simulated_s": took,
        "volumes": volumes,
        "complete": counts.complete,
        "silent": counts.silent,
        "stopped": counts.stopped,
        "wronged": counts.wronged,
        "lost": counts.lost,
        "saved_s": counts.saved_s,
        "complete_s": busy,
        "cpu_s": round(time.process_time() - started, 1),
    }


def fill(work: Path, seeds: Sequence[int], ways: Sequence[str], trials: int, minutes: float) -> list[Row]:
    """Run what the work file lacks while time is left; all of its rows."""
    rows = [json.loads(line) for line in work.read_text().splitlines()] if work.exists() else []
    end = time.monotonic() + 60 * minutes
    for seed in seeds:
        for way in ["none", *(w for w in ways if w != "none")]:
            known = {(r["seed"], r["way"]): r for r in rows if r["trials"] == trials}
            if (seed, way) in known or time.monotonic() > end:
                continue
            base = known.get((seed, "none"))
            rows.append(run(seed, way, trials, base["simulated_s"] if base else float("inf")))
            with work.open("a", encoding="utf-8") as file:
                file.write(json.dumps(rows[-1]) + "\n")
            print(seed, way, {k: v for k, v in rows[-1].items() if k != "volumes"}, flush=True)
    return [row for row in rows if row["trials"] == trials]


def summary(rows: Sequence[Row]) -> list[Row]:
    """Per way of stopping, over the seeds: hypervolume relative to no stopping, and what was stopped."""
    base = {row["seed"]: row for row in rows if row["way"] == "none"}
    found = []
    for way in WAYS:
        mine = [row for row in rows if row["way"] == way and row["seed"] in base]
        if mine:
            found.append(_summary(way, mine, base))
    return found


def _summary(way: str, mine: Sequence[Row], base: dict[int, Row]) -> Row:
    ends, halves = ([_ratio(row, base[row["seed"]], share) for row in mine] for share in (1.0, 0.5))
    sooner = [_reached(row, base[row["seed"]]) for row in mine]
    return {
        "way": way,
        "seeds": len(mine),
        "hypervolume": statistics.median(ends),
        "worst": min(ends),
        "best": max(ends),
        "at half time": statistics.median(halves),
        "time to the same": statistics.median(sooner),
        "trials": statistics.median(r["complete"] + r["silent"] + r["stopped"] for r in mine),
        "stopped": sum(row["stopped"] for row in mine),
        "wronged": sum(row["wronged"] for row in mine),
        "lost %": 100 * statistics.median(row["lost"] for row in mine),
        "saved %": 100 * statistics.median(r["saved_s"] / (WORKERS * r["simulated_s"]) for r in mine),
    }


def _ratio(row: Row, base: Row, share: float) -> float:
    """Hypervolume over that without stopping, after ``share`` of the time that the latter took."""
    until = share * base["simulated_s"]
    mine, its = (
        max((volume for at, volume in each["volumes"] if at <= until + 1e-3), default=0.0)
        for each in (row, base)
    )
    return mine / its


def _reached(row: Row, base: Row) -> float:
    """Share of the time in which the campaign without stopping's last hypervolume was reached; 1 if never."""
    goal = base["volumes"][-1][1]
    return (
        min((at for at, volume in row["volumes"] if volume >= goal), default=base["simulated_s"])
        / base["simulated_s"]
    )


def body(options: argparse.Namespace, quick: bool) -> Outcome:
    """A row per way of stopping; passed when the 5 % rule has more median hypervolume than no stopping."""
    with tempfile.TemporaryDirectory() as folder:
        work = options.work or Path(folder) / "work.jsonl"
        seeds, trials = ([0], 24) if quick else (options.seeds, TRIALS)
        ways = ["none", "5%"] if quick else options.ways
        rows = fill(work, seeds, ways, trials, options.minutes)
    table = summary(rows)
    median = {row["way"]: row["hypervolume"] for row in table}
    return table, quick or median.get("5%", 0.0) > 1.0, {"seeds": seeds, "trials": trials, "workers": WORKERS}


def _options(argv: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2, 3, 4])
    parser.add_argument("--ways", nargs="*", default=list(WAYS), choices=list(WAYS))
    parser.add_argument("--minutes", type=float, default=1e6)
    return parser.parse_known_args(argv)


if __name__ == "__main__":
    chosen, rest = _options(sys.argv[1:])
    sys.exit(run_benchmark("optimizer.stopping", GOAL, lambda quick: body(chosen, quick), rest))
