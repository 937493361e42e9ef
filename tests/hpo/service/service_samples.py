"""One campaign in a store, and a launcher that starts nothing, for the service's tests."""

from dataclasses import dataclass, field
from typing import Any

from hpo.campaign import CampaignSpec
from hpo.store import DesignResult, Store, TrialResult

PROGRESS = {
    "epoch": 2,
    "loss": 0.75,
    "validation_accuracy": 0.8125,
    "spikes_per_layer": [31.5, 2.0],
    "firing_rates": [0.125, 0.0625],
    "curve": {"epoch": [1, 2], "loss": [1.5, 0.75], "validation_accuracy": [0.5, 0.8125]},
}
BASE = "http://127.0.0.1:8000"


@dataclass
class Recorder:
    """A launcher that starts nothing and remembers what it was asked to start."""

    started: list[str] = field(default_factory=list)

    def __call__(self, name: str) -> None:
        self.started.append(name)


def specification(name: str = "digits") -> dict[str, Any]:
    """A small, valid campaign as plain values."""
    return {
        "name": name,
        "seed": 1,
        "data": {"set": "digits"},
        "budget": {"trials": 12},
        "objectives": {
            "accuracy": {"reference": 0.5},
            "latency_us": {"reference": 200.0},
            "energy_uj": {"reference": 1.0},
        },
        "space": {"beta": {"type": "float", "low": 0.5, "high": 0.95}},
        "designs": {"lanes": [1, 4]},
    }


def result(accuracy: float, latency_us: float, energy_uj: float) -> TrialResult:
    """A complete trial: a good design, one that it dominates, and a better one that breaks a constraint."""
    measures = {
        "accuracy": accuracy,
        "latency_us": latency_us,
        "energy_uj": energy_uj,
        "luts": 900,
        "bram36": 2,
    }
    worse = {**measures, "latency_us": latency_us * 1.5, "energy_uj": energy_uj * 1.5}
    best = {**measures, "accuracy": 1.0, "latency_us": 0.1, "energy_uj": 0.001}
    designs = [
        DesignResult(
            {"lanes": [4, 4], "weight_bits": 6}, measures, {"cycles_per_layer": [70, 50]}, feasible=True
        ),
        DesignResult({"lanes": [1, 1], "weight_bits": 6}, worse, {}, feasible=True),
        DesignResult({"lanes": [9, 9], "weight_bits": 6}, best, {}, feasible=False),
    ]
    return TrialResult(
        "complete", metrics={"accuracy": accuracy}, spikes_per_layer=[90.0, 40.5], designs=designs
    )


def fill(store: Store, name: str = "digits") -> None:
    """One running campaign: six trials complete, two silent, one failed, one running, one queued."""
    spec = CampaignSpec.from_mapping(specification(name))
    store.create_campaign(name, spec.as_json(), spec.seed, {}, {"torch": "2.13.0"})
    store.set_campaign_state(name, "running")
    outcomes = [result(0.80 + 0.03 * k, 8.0 * 1.6**k, 0.02 * 1.7**k) for k in range(6)]
    outcomes += [TrialResult("silent", reason="too many samples are silent")] * 2
    outcomes += [TrialResult("failed", reason="<script>alert(1)</script>", traceback="Traceback ...")]
    for k, outcome in enumerate(outcomes):
        store.add_trial(name, {"beta": 0.5 + 0.04 * k}, k, {"from": "sobol"})
        store.finish_trial(name, k, outcome)
    store.add_trial(name, {"beta": 0.9}, 1, {})
    store.start_trial(name, len(outcomes))
    store.note_progress(name, {len(outcomes): PROGRESS})
    store.add_trial(name, {"beta": 0.91}, 1, {})
