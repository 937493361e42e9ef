"""The rows of a campaign with very many trials, made up but of the size and spread of real ones.

Four of five trials complete, with three designs each; accuracy grows with width and time steps, and so do
latency and energy, so that the front grows with the trials as in a real search.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from hpo.campaign import CampaignSpec

EXAMPLE = Path(__file__).parents[2] / "examples" / "digits.toml"
LANES = (1, 4, 16)
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
STATES = ("complete", "silent", "failed", "pruned")
SHARES = (0.8, 0.15, 0.03, 0.02)
LATENCY_SHARE = {"scan": 0.2, "weights": 0.5, "leak": 0.1, "adders": 0.2}

Row = dict[str, Any]


def campaign_row(name: str, trials: int) -> Row:
    """The campaign's own row: the example with more trials, half of whose budget is left."""
    spec = CampaignSpec.load(EXAMPLE).as_json()
    budget = {"trials": min(100_000, 2 * trials), "initial": 20}
    spec |= {"name": name, "budget": budget, "search": "random"}
    reference = {objective: given["reference"] for objective, given in spec["objectives"].items()}
    made = BEGIN.isoformat()
    own = {"name": name, "state": "paused", "spec": spec, "seed": spec["seed"], "reference": reference}
    extra = {"extra_trials": trials, "versions": {"spikefront": "0.1.0"}}
    return {**own, **extra, "created_at": made, "updated_at": made}


class ManyTrials:
    """Rows by kind, the same each time that they are read."""

    def __init__(self, count: int, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.count = count
        self.state = rng.choice(STATES, size=count, p=SHARES).tolist()
        self.width = rng.integers(16, 257, count)
        self.steps = rng.integers(4, 33, count)
        self.bits = rng.integers(3, 9, count)
        self.beta, self.threshold, self.rate = rng.uniform(0.5, 0.99, (3, count))
        self.luck = rng.normal(0.0, 1.0, (3, count))

    @property
    def rows(self) -> "dict[str, Rows]":
        """What ``hpo.store.transfer.insert_campaign`` takes."""
        return {kind: Rows(self, kind) for kind in ("trials", "designs", "events")}

    def _config(self, k: int) -> Row:
        choices = {"neuron": ("lif", "lapicque")[k % 2], "reset": ("subtract", "zero")[k % 3 == 0]}
        surrogate = {"surrogate": "fast_sigmoid", "surrogate_slope": 5.0 + 20.0 * self.rate[k]}
        numbers = {"beta": self.beta[k], "threshold": self.threshold[k], "learning_rate": self.rate[k] / 100}
        sizes = {"hidden_width": int(self.width[k]), "time_steps": int(self.steps[k])}
        return {
            **sizes,
            **choices,
            **numbers,
            **surrogate,
            "batch_size": 32,
            "weight_bits": int(self.bits[k]),
        }

    def trial(self, k: int) -> Row:
        """Row of the trial ``k``."""
        complete = self.state[k] == "complete"
        began = BEGIN + timedelta(seconds=6 * k)
        epochs = [round(0.9 - 0.5 / (epoch + 1), 4) for epoch in range(8)]
        curves = {"loss": epochs, "train_accuracy": epochs, "validation_accuracy": epochs}
        accuracy = self.accuracy(k)
        found = {"accuracy": accuracy, "float_accuracy": accuracy, **curves, "samples_seen": 16000}
        predicted = {"accuracy": [accuracy, 0.05], "latency_us": [10.0, 3.0], "silence": [-0.05, 0.02]}
        return {
            "number": k,
            "state": self.state[k],
            "config": self._config(k),
            "seed": (k * 7919 + 1) % 2**31,
            "attempts": 0,
            "reason": "" if complete else "too few spikes in the output layer",
            "traceback": "Traceback (most recent call last):\n" * 20 if self.state[k] == "failed" else "",
            "metrics": found if complete else {},
            "constraints": {"silence": -0.05 if complete else 0.4},
            "spikes_per_layer": self._spikes(k) if complete else [],
            "timings": {"load_s": 0.01, "train_s": 5.5, "hardware_s": 0.3},
            "versions": {"spikefront": "0.1.0", "torch": "2.13.0", "numpy": "2.4.6", "machine": "x86_64"},
            "proposal": {"source": "region", "centre": k // 2, "length": 0.4, "predicted": predicted},
            "artifact": hashlib.sha256(b"%d" % k).hexdigest() if complete else None,
            "queued_at": began.isoformat(),
            "started_at": began.isoformat(),
            "finished_at": (began + timedelta(seconds=6)).isoformat(),
        }

    def accuracy(self, k: int) -> float:
        """Grows with width, time steps and bits, up to chance."""
        size = float(np.log2(self.width[k]) / 8 + np.log2(self.steps[k]) / 10 + self.bits[k] / 30)
        return float(np.clip(0.75 + 0.18 * size - 0.03 * abs(self.luck[0, k]), 0.1, 0.995))

    def _spikes(self, k: int) -> list[float]:
        shares = (20.0, 0.15 * self.width[k], 1.0)
        return [float(self.steps[k] * share * np.exp(0.3 * self.luck[1, k])) for share in shares]

    def designs(self, k: int) -> list[Row]:
        """Rows of the designs of the trial ``k``, on each number of lanes."""
        if self.state[k] != "complete":
            return []
        spikes = self._spikes(k)
        return [self._design(k, index, lanes, spikes) for index, lanes in enumerate(LANES)]

    def _design(self, k: int, index: int, lanes: int, spikes: list[float]) -> Row:
        cycles = [float(spikes[0] * self.width[k] / lanes + 64.0), float(10.0 * spikes[1] / lanes + 12.0)]
        latency = sum(cycles) / 100.0 * (1.0 + 0.1 * abs(float(self.luck[2, k])))
        energy = 2e-5 * float(spikes[0] * self.width[k] * self.bits[k]) + 1e-4 * latency * lanes
        area = {"luts": 300.0 + 90.0 * lanes, "ffs": 400.0 + 20.0 * lanes, "bram36": 4.5, "dsps": 0.0}
        judged = {"accuracy": self.accuracy(k), "latency_us": latency, "energy_uj": energy}
        totals = {"latency_us_p99": 1.4 * latency, "spikes_per_inference": sum(spikes[:-1])}
        part = {name: energy * share for name, share in LATENCY_SHARE.items()}
        place = {"input": energy / 10, "shared": energy / 20, "layer0": 0.8 * energy, "layer1": energy / 20}
        config = {"lanes": [lanes, lanes], "weight_bits": int(self.bits[k]), "membrane_bits": 16}
        details = {
            "samples": 360,
            "sizes": [64, int(self.width[k]), 10],
            "cycles": sum(cycles),
            "load_cycles": 16,
            "cycles_per_layer": cycles,
            "spikes_per_layer": spikes,
            "energy_model": "asic_45nm",
            "energy_by_part_uj": part,
            "energy_by_place_uj": place,
            "energy_assumed_share": 0.08,
        }
        return {
            "trial": k,
            "index": index,
            "config": {**config, "family": "event_driven", "leak": "multiply", "clock_mhz": 100.0},
            "measures": {**judged, **totals, **area, "silent_fraction": 0.0},
            "details": details,
            "feasible": k % 20 != 0,
            "test_measures": None,
        }

    def events(self, k: int) -> list[Row]:
        """Queued, started, finished."""
        at = (BEGIN + timedelta(seconds=6 * k)).isoformat()
        details = {
            "trial_queued": {"lease": 1},
            "trial_started": {"attempts": 0, "lease": 1},
            "trial_finished": {"state": self.state[k], "reason": "", "designs": 3, "lease": 1},
        }
        return [{"at": at, "trial": k, "kind": kind, "detail": detail} for kind, detail in details.items()]


@dataclass(frozen=True)
class Rows:
    """The rows of one kind, read anew each time."""

    trials: ManyTrials
    kind: str

    def __iter__(self) -> Iterator[Row]:
        for k in range(self.trials.count):
            if self.kind == "trials":
                yield self.trials.trial(k)
            else:
                yield from self.trials.designs(k) if self.kind == "designs" else self.trials.events(k)
