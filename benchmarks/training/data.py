"""What data cost: loading every set whose files are here, and encoding against training.

Each set is loaded in a process of its own: CPU seconds, the memory that it keeps, and by how much the process
grew at most. Then a fully connected network of 128 hidden neurons is trained on it for two epochs of at most
4000 samples, and the batches of the same two epochs are made once more without training: "share" is their
part of the training's time. Run with OMP_NUM_THREADS=1 and SPIKEFRONT_DATA set.
"""

import multiprocessing
import os
import resource
import sys
import time
from dataclasses import dataclass

import torch

from benchmarks.common import Outcome, Row, run_benchmark
from models.batches import encode_splits, epoch_batches
from models.datasets import Events, Splits, load
from models.encoders import Code
from spikefront.errors import DataError
from workers.outcome import TrialRequest
from workers.trial import evaluate

GOAL = "encoding under 15 % of the training's time for every set"
SHARE = 0.15

_BATCH = 64
_EPOCHS = 2
_SEED = 0
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
    return rows, passed, {"seeds": [_SEED], "batch_size": _BATCH, "threads": 1, "skipped": skipped}


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
    """Milliseconds of a training step and of making its batch, and the share of the latter."""
    outcome = evaluate(_request(case, most))
    if outcome.state != "complete":
        raise RuntimeError(f"{case} ended {outcome.state}: {outcome.reason}")
    splits = _load(case.set, most)
    train, validation = splits.train, splits.validation
    code = Code(case.encoding, case.time_steps)  # type: ignore[arg-type]
    start = time.process_time()
    data = encode_splits((train.inputs, train.labels), (validation.inputs, validation.labels), code, _SEED)
    once = time.process_time() - start
    start = time.process_time()
    steps = sum(1 for epoch in range(_EPOCHS) for _ in epoch_batches(data, _BATCH, _SEED, epoch))
    encoding = time.process_time() - start
    training = outcome.timings["train_s"]
    return {
        "once_s": round(once, 2),
        "batch_ms": round(1e3 * encoding / steps, 2),
        "step_ms": round(1e3 * training / steps, 2),
        "share": round(encoding / training, 3),
    }


def _request(case: Case, most: int) -> TrialRequest:
    config = {
        "encoding": case.encoding,
        "time_steps": case.time_steps,
        "epochs": _EPOCHS,
        "batch_size": _BATCH,
        "hidden_width": 128,
        "threshold": 0.5,
    }
    return TrialRequest(
        number=0,
        seed=_SEED,
        config=config,
        designs={"lanes": [16]},
        data={"set": case.set, "validation_fraction": _VALIDATION, "max_train": most},
        silence={"beta_silent": 1.0, "warmup_epochs": 1},
        split_seed=_SEED,
        data_root=_root(),
        energy_model="asic_45nm",
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
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


if __name__ == "__main__":
    sys.exit(run_benchmark("training.data", GOAL, body))
