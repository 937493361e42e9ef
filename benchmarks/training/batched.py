"""Several networks trained in one program against the same trainings one after the other, on one core.

Whole trainings by our own engine: encoding, silence watch and validation included; the networks differ in
beta, learning rate and seed. Both ways take turns, in process CPU time; the figure is the fastest round. The
memory allocator is set as workers set it. "floor" is the matrix products of one network and training step,
together with the others', and nothing else. Run with OMP_NUM_THREADS=1.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from benchmarks.common import Outcome, Row, run_benchmark
from models.batched import train_many
from models.batches import EncodedSplits, encode_splits
from models.encoders import Code
from models.kernel_choice import chosen
from models.memory import keep_freed_memory
from models.silence import SilenceSettings
from models.specification import NetworkSpec, NeuronSpec
from models.training import TrainingResult, TrainingSettings, train

GOAL = "16 networks together at least 4, 2, 2 and 1.3 times as fast as one after the other"
SIZES = (1, 4, 8, 16)
_SEED = 0
_VALIDATION_SHARE = 0.1


@dataclass(frozen=True)
class Case:
    """A network, how it is trained, and the speed of 16 of them that counts as passed.

    ``density`` is the share of inputs that spike in a step: 0.13 as MNIST's, 0.012 as SHD's.
    """

    spec: NetworkSpec
    batch_size: int
    goal: float
    steps: int = 8
    density: float = 0.13

    @property
    def name(self) -> str:
        """As printed."""
        spec = self.spec
        shape = f"{spec.layers[0].n_in}-{spec.layout} T{spec.time_steps} B{self.batch_size}"
        return f"{shape}, {100 * self.density:g} % spikes"


CASES = (
    Case(NetworkSpec("64-10", (64,), 10), 64, 4.0, steps=32),
    Case(NetworkSpec("128-20", (700,), 50), 32, 2.0, steps=16),
    Case(NetworkSpec("128-20", (700,), 50), 32, 2.0, steps=16, density=0.012),
    Case(NetworkSpec("128-10", (784,), 25), 128, 1.3),
)


def body(quick: bool) -> Outcome:
    """Measure every case and number of networks."""
    torch.set_num_threads(1)
    kept = keep_freed_memory()
    sizes = (1, 8) if quick else SIZES
    rows = [measure(case, size, rounds=2 if quick else 5) for case in CASES for size in sizes]
    passed = all(row["speed"] >= row["goal"] for row in rows if row["goal"] is not None)
    notes = {"seeds": [_SEED], "threads": 1, "memory_kept": kept}
    return rows, passed, {**notes, "scan": chosen().reason}


def measure(case: Case, size: int, rounds: int) -> Row:
    """CPU milliseconds per network and training step, alone and together, and whether results agree."""
    data = _data(case)
    specs, settings = _networks(case, size)
    ways: dict[str, Callable[[], list[TrainingResult]]] = {
        "alone": lambda: [train(spec, how, data) for spec, how in zip(specs, settings, strict=True)],
        "together": lambda: train_many(specs, settings, data),
    }
    best = dict.fromkeys((*ways, "floor"), float("inf"))
    losses: dict[str, list[float]] = {}
    products = _products(case, size)
    for _ in range(rounds):
        for way, run in ways.items():
            start = time.process_time()
            results = run()
            best[way] = min(best[way], (time.process_time() - start) / case.steps)
            losses[way] = [result.epochs[-1].loss for result in results]
        start = time.process_time()
        products()
        best["floor"] = min(best["floor"], time.process_time() - start)
    pairs = zip(losses["alone"], losses["together"], strict=True)
    return {
        "case": case.name,
        "networks": size,
        **{f"{way}_ms": round(seconds * 1e3 / size, 3) for way, seconds in best.items()},
        "speed": round(best["alone"] / best["together"], 2),
        "goal": case.goal if size == SIZES[-1] else None,
        "loss_difference": max(abs(one - other) / one for one, other in pairs),
    }


def _networks(case: Case, size: int) -> tuple[list[NetworkSpec], list[TrainingSettings]]:
    spec = case.spec
    specs = [
        NetworkSpec(
            spec.layout,
            spec.input_shape,
            spec.time_steps,
            neuron=NeuronSpec(beta=0.95 - 0.02 * place, threshold=0.5),
            initial="kaiming",
        )
        for place in range(size)
    ]
    watch = SilenceSettings(warmup_epochs=0, audit_share=1.0)  # watched, and never stopped
    settings = [
        TrainingSettings(
            learning_rate=1e-3 * (1 + place % 4),
            batch_size=case.batch_size,
            epochs=1,
            seed=_SEED + place,
            data_seed=_SEED,
            silence=watch,
        )
        for place in range(size)
    ]
    return specs, settings


def _data(case: Case) -> EncodedSplits:
    """Random inputs of one density, rate-coded."""
    generator = np.random.default_rng(_SEED)
    count = case.steps * case.batch_size
    images = generator.random((count, case.spec.layers[0].n_in), dtype=np.float32) * (2 * case.density)
    labels = generator.integers(0, case.spec.classes, count)
    labels[: case.spec.classes] = np.arange(case.spec.classes)
    few = slice(0, int(_VALIDATION_SHARE * count))
    code = Code("rate", case.spec.time_steps)
    return encode_splits((images, labels), (images[few], labels[few]), code, _SEED)


def _products(case: Case, size: int) -> Callable[[], object]:
    """The matrix products of one training step, the first layer's inputs having no gradient."""
    first, second = case.spec.layers
    rows = case.spec.time_steps * case.batch_size
    inputs = (torch.rand(rows, first.n_in) < case.density).float()
    hidden, wide = torch.rand(2, size, first.channels, rows)
    weights = torch.rand(size * first.channels, first.n_in), torch.rand(size, second.channels, first.channels)
    output = torch.rand(size, second.channels, rows)

    def run() -> object:
        forward = weights[0] @ inputs.mT, torch.bmm(weights[1], hidden)
        backward = wide.flatten(0, 1) @ inputs, torch.bmm(output, hidden.mT), torch.bmm(weights[1].mT, output)
        return forward, backward

    return run


if __name__ == "__main__":
    sys.exit(run_benchmark("training.batched", GOAL, body))
