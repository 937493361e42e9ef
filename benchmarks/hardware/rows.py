"""When the sweep of touched rows pays: a convolutional network on real data, dense against touched rows.

An 8c3-p2-10 network is trained for a few minutes at most, with neurons that leak and with neurons that hold
still, on rate-coded MNIST and on binned recordings of NMNIST_subset; then priced with both sweeps. Ratios
are touched rows over dense. Needs the data folder in SPIKEFRONT_DATA. Run it with
``python -m benchmarks.hardware.rows [--quick] [--json PATH]``.
"""

import os
import sys
from collections.abc import Iterator

import numpy as np
import torch

from benchmarks.common import Outcome, Row, run_benchmark
from hardware.cost import DesignCost, price_many
from hardware.network import AcceleratorConfig
from models.batches import encode_splits
from models.datasets.registry import load
from models.encoders import Code, Encoding
from models.records import TrainingSettings
from models.silence import SilenceSettings
from models.specification import NetworkSpec, NeuronSpec
from models.training import train
from workers.networks import trained_network

LAYOUT, LANES, SEED = "8c3-p2-10", (8, 10), 0
SETS: tuple[tuple[str, Encoding, int], ...] = (
    ("mnist", "rate", 10),
    ("nmnist-subset", "events", 10),
    ("nmnist-subset", "events", 60),
)
BETAS = {"leaks": 0.9, "holds still": 1.0}


def body(quick: bool) -> Outcome:
    """Price every network with both sweeps."""
    torch.set_num_threads(1)
    rows = [row for data, encoding, steps in SETS for row in _rows(data, Code(encoding, steps), quick)]
    passed = all(row["cycles ratio"] <= 1.01 for row in rows)
    best = min(row["cycles ratio"] for row in rows if row["neurons"] == "holds still")
    return rows, passed and best < 0.8, {"seed": SEED, "layout": LAYOUT, "lanes": LANES, "betas": BETAS}


def _rows(data: str, code: Code, quick: bool) -> Iterator[Row]:
    most, samples, epochs = (100, 20, 1) if quick else (600, 100, 2)
    splits = load(data, os.environ.get("SPIKEFRONT_DATA"), max_train=most, seed=SEED)
    pair = (splits.train.inputs, splits.train.labels), (splits.validation.inputs, splits.validation.labels)
    encoded = encode_splits(*pair, code, SEED)
    kept = np.random.default_rng(SEED).permutation(len(encoded.validation))[:samples]
    inputs, labels = encoded.validation.samples(kept), encoded.validation.labels[kept]
    for name, beta in BETAS.items():
        spec = NetworkSpec(LAYOUT, splits.shape, code.time_steps, code.encoding, NeuronSpec(beta=beta))
        settings = TrainingSettings(epochs=epochs, silence=SilenceSettings(warmup_epochs=epochs - 1))
        network = trained_network(train(spec, settings, encoded).weights)
        configs = [AcceleratorConfig(LANES, sweep=sweep) for sweep in ("dense", "touched_rows")]
        dense, touched = price_many(network, configs, inputs, labels)
        yield {
            "data": data,
            "steps": code.time_steps,
            "neurons": name,
            "input rate": float(inputs.mean()),
            **_compared(dense, touched),
        }


def _compared(dense: DesignCost, touched: DesignCost) -> Row:
    return {
        "accuracy": touched.accuracy,
        "dense us": dense.latency_us,
        "touched us": touched.latency_us,
        "cycles ratio": touched.cycles / dense.cycles,
        "dense uJ": dense.energy_uj,
        "touched uJ": touched.energy_uj,
        "energy ratio": touched.energy_uj / dense.energy_uj,
        "dense LUTs": dense.luts,
        "touched LUTs": touched.luts,
    }


if __name__ == "__main__":
    goal = "touched rows never over 1 % slower than dense, and 20 % faster at best where neurons hold still"
    sys.exit(run_benchmark("hardware.rows", goal, body))
