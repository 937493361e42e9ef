"""What data cost: loading every set whose files are here, and encoding against training.

Each set is loaded in a process of its own: CPU seconds, the memory that it keeps, and by how much the process
grew at most. Then a fully connected network of 128 hidden neurons is trained on it for two epochs of at most
4000 samples, and the same batches are made without training: "share" is their part of the training's CPU
time; "once_s" is what is encoded before. The memory allocator is set as workers set it. Run with
OMP_NUM_THREADS=1 and SPIKEFRONT_DATA set, on Linux.
"""

import multiprocessing
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from benchmarks.common import Outcome, Row, run_benchmark
from models.batches import EncodedSplits, encode_splits, epoch_batches
from models.datasets import Events, Splits, load
from models.encoders import Code
from models.memory import keep_freed_memory
from models.silence import SilenceSettings
from models.specification import NetworkSpec, NeuronSpec
from models.training import TrainingSettings, train
from spikefront.errors import DataError

GOAL = "encoding under 15 % of the training's time for every set"
SHARE = 0.15

_SEED = 0
_SETTINGS = TrainingSettings(
    batch_size=64, epochs=2, seed=_SEED, silence=SilenceSettings(beta_silent=1.0, warmup_epochs=1)
)
_VALIDATION = 0.1


@dataclass(frozen=True)
class Case:
    """A set, how it is encoded, and the time steps."""

    set: str
    encoding: str
    time_steps: int


CASES = (
    Case("digits", "rate", 10),
    Case("mnist", "rate", 25),
    Case("mnist", "latency", 25),
    Case("mnist", "direct", 25),
    Case("fashion-mnist", "rate", 25),
    Case("cifar10-subset", "rate", 10),
    Case("cifar10-subset", "direct", 10),
    Case("svhn-mini", "rate", 10),
    Case("nmnist-subset", "events", 20),
    Case("fsdd", "events", 40),
    Case("braille", "delta", 40),
)


def body(quick: bool) -> Outcome:
    """Measure every case whose files are here."""
    torch.set_num_threads(1)
    kept = keep_freed_memory()
    context = multiprocessing.get_context("spawn")
    rows: list[Row] = []
    loaded: dict[str, Row] = {}
    skipped: list[str] = []
    for case in CASES:
        try:
            if case.set not in loaded:
                with context.Pool(1) as pool:
                    loaded[case.set] = pool.apply(load_figures, (case.set,))
            rows.append({**_named(case), **loaded[case.set], **train_figures(case, 500 if quick else 4000)})
        except DataError as error:
            skipped.append(f"{case.set}: {error}")
    passed = all(row["share"] < SHARE for row in rows)
    return (
        rows,
        passed,
        {
            "seeds": [_SEED],
            "batch_size": _SETTINGS.batch_size,
            "threads": 1,
            "memory_kept": kept,
            "skipped": skipped,
        },
    )


def load_figures(name: str) -> Row:
    """CPU seconds and memory of loading one set whole, in a fresh process."""
    before = _peak_mb()
    start = time.process_time()
    splits = _load(name, None)
    seconds = time.process_time() - start
    parts = (splits.train, splits.validation, splits.test)
    return {
        "load_s": round(seconds, 2),
        "kept_mb": round(sum(_bytes(part.inputs) for part in parts) / 1e6, 1),
        "grown_mb": round(_peak_mb() - before),
    }


def train_figures(case: Case, most: int) -> Row:
    """CPU milliseconds of a training step and of making its batch; the faster of two rounds each."""
    splits = _load(case.set, most)
    code = Code(case.encoding, case.time_steps)  # type: ignore[arg-type]
    few = splits.validation.take(np.arange(32))
    pairs = (splits.train.inputs, splits.train.labels), (few.inputs, few.labels)
    start = time.process_time()
    data = encode_splits(*pairs, code, _SEED)
    once = time.process_time() - start
    network = _network(case, splits)
    rounds = [(_cpu(lambda: _encode(data)), _cpu(lambda: train(network, _SETTINGS, data))) for _ in range(2)]
    encoding, training = (min(seconds) for seconds in zip(*rounds, strict=True))
    steps = _SETTINGS.epochs * -(-len(data) // _SETTINGS.batch_size)
    return {
        "once_s": round(once, 2),
        "batch_ms": round(1e3 * encoding / steps, 2),
        "step_ms": round(1e3 * training / steps, 2),
        "share": round(encoding / training, 3),
    }


def _encode(data: EncodedSplits) -> None:
    for epoch in range(_SETTINGS.epochs):
        for _ in epoch_batches(data, _SETTINGS.batch_size, _SEED, epoch):
            pass


def _cpu(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def _network(case: Case, splits: Splits) -> NetworkSpec:
    return NetworkSpec(
        layout=f"128-{splits.classes}",
        input_shape=(splits.width,),
        time_steps=case.time_steps,
        encoding=case.encoding,  # type: ignore[arg-type]
        neuron=NeuronSpec(threshold=0.5),
    )


def _load(name: str, most: int | None) -> Splits:
    return load(name, _root(), max_train=most, validation_fraction=_VALIDATION, seed=_SEED)


def _root() -> str | None:
    return os.environ.get("SPIKEFRONT_DATA")


def _named(case: Case) -> Row:
    return {"set": case.set, "encoding": case.encoding, "time_steps": case.time_steps}


def _bytes(inputs: object) -> int:
    if isinstance(inputs, Events):
        return int(inputs.offsets.nbytes + inputs.time_us.nbytes + inputs.address.nbytes)
    return int(inputs.nbytes)  # type: ignore[attr-defined]


def _peak_mb() -> float:
    """Most memory that this process ever held; the kernel's own figure, on Linux."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return float(status.split("VmHWM:")[1].split()[0]) / 1e3


if __name__ == "__main__":
    sys.exit(run_benchmark("training.data", GOAL, body))
