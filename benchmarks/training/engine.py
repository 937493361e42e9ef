"""One training step of Spikefront's engine against snnTorch's step loop, on one core.

All run forward and backward of the same network on the same inputs, interleaved, in process CPU time; the
figure is the fastest round. Spikes are given to all as training data hold them, as bytes, and their
conversion is part of the time. "torch" is the engine in plain PyTorch, "compiled" the scan and the products
with spikes in C. "floor" is the matrix products over all inputs, forward and backward, with nothing between
them: plain PyTorch cannot be faster, and compiled products that follow the spikes can. An input that is
zero in the whole batch costs the engine nothing, hence the case with blank inputs: a third is what MNIST's
batches of 128 have. Run with OMP_NUM_THREADS=1.
"""

import math
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import snntorch
import torch
from snntorch import surrogate
from torch import Tensor
from torch.nn import functional

from benchmarks.common import Outcome, Row, run_benchmark
from models.folding import training_stages
from models.kernel_choice import chosen
from models.network import Pass, run
from models.parameters import Network, initial_network
from models.specification import NetworkSpec

GOAL = "speed against snnTorch's step loop of at least every case's goal, 784-512-10 within 1.25 of its floor"
ENGINES = ("torch", "compiled")
_SEED = 0
_BATCH = 128


@dataclass(frozen=True)
class Case:
    """A network and the inputs it is given.

    Attributes:
        name: as printed.
        spec: the network.
        blank: share of the inputs that are zero in the whole batch.
        goal: speed against the step loop that counts as passed, in plain PyTorch and compiled.
        nearness: times the floor that neither may exceed, where there is such a goal.
    """

    name: str
    spec: NetworkSpec
    blank: float
    goal: tuple[float, float]
    nearness: float = math.inf


CASES = (
    Case("784-128-10 rate T25", NetworkSpec("128-10", (784,), 25), 0.0, (2.5, 3.2)),
    Case("784-128-10 rate T25, a third blank", NetworkSpec("128-10", (784,), 25), 1 / 3, (2.5, 3.2)),
    Case("784-512-10 rate T25", NetworkSpec("512-10", (784,), 25), 0.0, (2.0, 2.0), 1.25),
    Case("64-64-10 rate T10", NetworkSpec("64-10", (64,), 10), 0.0, (2.0, 3.0)),
    Case("784-128-10 direct T25", NetworkSpec("128-10", (784,), 25, "direct"), 0.0, (5.0, 8.0)),
)


def body(quick: bool) -> Outcome:
    """Measure every case."""
    torch.set_num_threads(1)
    rows = [measure(case, rounds=10 if quick else 60) for case in CASES]
    passed = all(_passes(row, case) for row, case in zip(rows, CASES, strict=True))
    return rows, passed, {"seeds": [_SEED], "batch_size": _BATCH, "threads": 1, "scan": chosen().reason}


def _passes(row: Row, case: Case) -> bool:
    """Whether both engines reach their goals."""
    fast = all(row[f"{way}_speed"] >= goal for way, goal in zip(ENGINES, case.goal, strict=True))
    return fast and all(row[f"{way}_over_floor"] <= case.nearness for way in ENGINES)


def measure(case: Case, rounds: int) -> Row:
    """CPU milliseconds of one step for each way of running it, and whether the results agree."""
    inputs, columns, labels = _inputs(case)
    network = initial_network(case.spec, _SEED)
    weights = [layer.weight for layer in network.layers]
    active = inputs if columns is None else inputs[..., columns].contiguous()
    ways: dict[str, Callable[[], Tensor]] = {
        "torch": lambda: _ours(network, active, columns, labels, "torch"),
        "compiled": lambda: _ours(network, active, columns, labels, "c"),
        "snntorch": _step_loop(case.spec, weights, inputs, labels),
        "floor": lambda: _floor(weights, inputs),
    }
    best = dict.fromkeys(ways, float("inf"))
    losses: dict[str, float] = {}
    for _ in range(rounds):
        for way, step in ways.items():
            start = time.process_time()
            loss = step()
            loss.backward()
            best[way] = min(best[way], time.process_time() - start)
            losses[way] = float(loss.detach())
            for weight in weights:
                weight.grad = None
    return {
        "case": case.name,
        **{f"{way}_ms": round(seconds * 1e3, 3) for way, seconds in best.items()},
        **{f"{way}_speed": round(best["snntorch"] / best[way], 2) for way in ENGINES},
        **{f"{way}_over_floor": round(best[way] / best["floor"], 2) for way in ENGINES},
        "goals": " ".join(map(str, case.goal)),
        "loss_difference": abs(losses["compiled"] - losses["snntorch"]),
    }


def _inputs(case: Case) -> tuple[Tensor, Tensor | None, Tensor]:
    """Inputs of 13 % density outside the blank ones, the columns that are not blank, labels."""
    generator = torch.Generator().manual_seed(_SEED)
    width = case.spec.layers[0].n_in
    values = torch.rand(_BATCH, width, generator=generator) * 0.26
    active = torch.randperm(width, generator=generator)[: round(width * (1 - case.blank))].sort().values
    mask = torch.zeros(width).index_fill(0, active, 1.0)
    columns = active if case.blank else None
    labels = torch.randint(0, case.spec.classes, (_BATCH,), generator=generator)
    if case.spec.encoding == "direct":
        return values * mask, columns, labels
    noise = torch.rand(case.spec.time_steps, _BATCH, width, generator=generator)
    return ((noise < values) & (mask > 0)).to(torch.uint8), columns, labels


def _ours(network: Network, inputs: Tensor, columns: Tensor | None, labels: Tensor, scan: str) -> Tensor:
    os.environ["SPIKEFRONT_SCAN"] = scan
    activity = run(training_stages(network), inputs, Pass(network.spec.time_steps), columns)
    return functional.cross_entropy(activity.output.counts, labels)


def _step_loop(
    spec: NetworkSpec, weights: list[Tensor], inputs: Tensor, labels: Tensor
) -> Callable[[], Tensor]:
    """The loop of snnTorch's tutorials: every layer at every time step."""
    gradient = surrogate.fast_sigmoid(spec.neuron.slope)
    constants = zip(spec.betas, spec.thresholds, strict=True)
    neurons = [snntorch.Leaky(beta, threshold, gradient) for beta, threshold in constants]

    def step() -> Tensor:
        membranes = [torch.zeros(_BATCH, layer.n_out) for layer in spec.layers]
        outputs = []
        for time_step in range(spec.time_steps):
            spikes = inputs if inputs.ndim == 2 else inputs[time_step].float()
            for layer, (weight, neuron) in enumerate(zip(weights, neurons, strict=True)):
                spikes, membranes[layer] = neuron(functional.linear(spikes, weight), membranes[layer])
            outputs.append(spikes)
        return functional.cross_entropy(torch.stack(outputs).sum(0), labels)

    return step


def _floor(weights: list[Tensor], inputs: Tensor) -> Tensor:
    """The matrix products alone."""
    inputs = inputs.float()
    for weight in weights:
        inputs = functional.linear(inputs, weight)
    return inputs.sum()


if __name__ == "__main__":
    sys.exit(run_benchmark("training.engine", GOAL, body))
