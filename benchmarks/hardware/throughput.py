"""How fast designs are priced: an integer MNIST-size network on 10,000 images, and 64 accelerators' costs.

One thread. The images are MNIST's validation part where ``SPIKEFRONT_DATA`` names a data folder, else random
spikes of the same mean density; weights are random either way, since nothing here depends on accuracy. The
ratios compare PyRTL's simulations of the design on 16 and 10 lanes, its FastSimulation and its
CompiledSimulation without gcc's time, with the integer reference and one exact cycle count, per image.
"""

import os
import sys
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from benchmarks.common import Outcome, run_benchmark
from benchmarks.hardware.compiled import seconds_per_image
from hardware import cycles, reference
from hardware.cost import price_many
from hardware.network import AcceleratorConfig, SpikeArray, TrainedLayer, TrainedNetwork
from hardware.quantize import quantize
from hardware.simulate import simulate

SEED = 1
TIME_STEPS = 25
DENSITY = 0.13
LANES = (1, 2, 4, 8, 16, 32, 64, 128)
GOAL_S = 20.0

Result = TypeVar("Result")


def network(rng: np.random.Generator) -> TrainedNetwork:
    """A random 784-128-10 network whose hidden layer fires at a few per cent."""
    shapes = ((128, 784), (10, 128))
    layers = (TrainedLayer(rng.normal(0.02, 0.1, s), 0.9, 3.0, "subtract") for s in shapes)
    return TrainedNetwork(tuple(layers), TIME_STEPS, "rate")


def random_samples(count: int) -> tuple[SpikeArray, NDArray[np.int64], str]:
    """Random spikes (N, T, 784), labels (N,), and what to call them."""
    rng = np.random.default_rng(SEED)
    spikes = (rng.random((count, TIME_STEPS, 784), dtype=np.float32) < DENSITY).astype(np.uint8)
    return spikes, rng.integers(0, 10, count), "random"


def samples(count: int) -> tuple[SpikeArray, NDArray[np.int64], str]:
    """Spikes (N, T, 784), labels (N,), and where they come from."""
    root = os.environ.get("SPIKEFRONT_DATA")
    if root is None:
        return random_samples(count)
    from models.datasets import load
    from models.encoders import Code, encode

    part = load("mnist", root, validation_fraction=1 / 6).validation
    encoded = encode(part.images[:count], part.labels[:count], Code("rate", TIME_STEPS), SEED)
    return encoded.samples(), encoded.labels, "MNIST validation"


def body(quick: bool) -> Outcome:
    """One row; passed when reference and 64 costs take less than the goal."""
    trained = network(np.random.default_rng(SEED))
    inputs, labels, source = samples(1000 if quick else 10_000)
    configs = [AcceleratorConfig(lanes=(first, last)) for first in LANES for last in LANES]
    alone, _ = _timed(lambda: price_many(trained, configs[:1], inputs, labels))
    seconds, costs = _timed(lambda: price_many(trained, configs, inputs, labels))
    row = {
        "images": len(inputs),
        "source": source,
        "designs": len(costs),
        "cpu_seconds": seconds,
        "cpu_ms_per_further_design": (seconds - alone) / (len(costs) - 1) * 1e3,
        "hidden_spikes": costs[0].spikes_per_layer[1],
    }
    limit = GOAL_S / 10 if quick else GOAL_S
    return [row | _ratios(trained, inputs, quick)], seconds < limit, {"seed": SEED, "time_steps": TIME_STEPS}


def _ratios(trained: TrainedNetwork, inputs: SpikeArray, quick: bool) -> dict[str, float]:
    """CPU seconds per image of the RTL's simulations over those of reference and cycle count."""
    net = quantize(trained, AcceleratorConfig(lanes=(16, 10)))
    seconds, _ = _timed(lambda: cycles.count(net, reference.run(net, inputs), inputs))
    exact, few = seconds / len(inputs), inputs[: 1 if quick else 3]
    fast, _ = _timed(lambda: simulate(net, few))
    compiled = seconds_per_image(net, inputs[: 20 if quick else 100])
    return {
        "exact_ms_per_image": exact * 1e3,
        "fast_simulation_over_exact": fast / len(few) / exact,
        "compiled_simulation_over_exact": compiled / exact,
    }


def _timed(work: Callable[[], Result]) -> tuple[float, Result]:
    """Return CPU seconds, and what ``work`` returns."""
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


if __name__ == "__main__":
    goal = f"10,000 images and the costs of 64 designs in under {GOAL_S:g} s on one core"
    sys.exit(run_benchmark("hardware.throughput", goal, body))
