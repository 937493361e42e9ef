"""One training step on a CUDA GPU against snnTorch's step loop on the same GPU.

Wall time of forward, loss and backward, the device synchronised around blocks of steps, the fastest block.
"floor" is the matrix products alone. Where PyTorch finds no GPU the benchmark says so and ends with success:
nothing was shown.
"""

import sys
import time
from collections.abc import Callable
from functools import partial

import snntorch
import torch
from snntorch import surrogate
from torch import Tensor
from torch.nn import functional

from benchmarks.common import Outcome, Row, run_benchmark
from models.folding import training_stages
from models.network import Pass, run
from models.parameters import Network, initial_network
from models.specification import NetworkSpec

GOAL = "784-128-10 at T=25 at least 10 times as fast as snnTorch's step loop on the same GPU"
_SEED = 0
_BATCH = 128
_STEPS = 10
SPECS = {
    "784-128-10 rate T25": NetworkSpec("128-10", (784,), 25),
    "784-512-10 rate T25": NetworkSpec("512-10", (784,), 25),
    "784-128-10 direct T25": NetworkSpec("128-10", (784,), 25, "direct"),
}


def body(quick: bool) -> Outcome:
    """Measure every network on the first GPU."""
    rows = [measure(name, spec, "cuda", blocks=3 if quick else 20) for name, spec in SPECS.items()]
    return rows, rows[0]["speed"] >= 10.0, {"seeds": [_SEED], "device": torch.cuda.get_device_name()}


def measure(name: str, spec: NetworkSpec, device: str, blocks: int) -> Row:
    """Milliseconds of a step for each way of running it."""
    generator = torch.Generator().manual_seed(_SEED)
    shape = (_BATCH, 784) if spec.encoding == "direct" else (spec.time_steps, _BATCH, 784)
    values = torch.rand(shape, generator=generator)
    inputs = (values if spec.encoding == "direct" else (values < 0.13).float()).to(device)
    labels = torch.randint(0, 10, (_BATCH,), generator=generator).to(device)
    network = initial_network(spec, _SEED, device)
    weights = [layer.weight for layer in network.layers]
    ways: dict[str, Callable[[], Tensor]] = {
        "ours": partial(_ours, network, inputs, labels),
        "snntorch": _step_loop(network, inputs, labels),
        "floor": lambda: _products(weights, inputs),
    }
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(blocks):
        for way, step in ways.items():
            best[way] = min(best[way], _seconds(step, weights))
    return {
        "case": name,
        **{f"{way}_ms": round(seconds * 1e3, 3) for way, seconds in best.items()},
        "samples_per_s": round(_BATCH / best["ours"]),
        "speed": round(best["snntorch"] / best["ours"], 2),
        "over_floor": round(best["ours"] / best["floor"], 2),
    }


def _ours(network: Network, inputs: Tensor, labels: Tensor) -> Tensor:
    activity = run(training_stages(network), inputs, Pass(network.spec.time_steps))
    return functional.cross_entropy(activity.output.counts, labels)


def _step_loop(network: Network, inputs: Tensor, labels: Tensor) -> Callable[[], Tensor]:
    """The loop of snnTorch's tutorials: every layer at every time step."""
    spec, device = network.spec, inputs.device
    gradient = surrogate.fast_sigmoid(spec.neuron.slope)
    neurons = [
        snntorch.Leaky(beta, threshold, gradient).to(device)
        for beta, threshold in zip(spec.betas, spec.thresholds, strict=True)
    ]

    def step() -> Tensor:
        membranes = [torch.zeros(_BATCH, layer.n_out, device=device) for layer in spec.layers]
        counts = torch.zeros(_BATCH, spec.classes, device=device)
        for time_step in range(spec.time_steps):
            spikes = inputs if inputs.ndim == 2 else inputs[time_step]
            for index, (layer, neuron) in enumerate(zip(network.layers, neurons, strict=True)):
                spikes, membranes[index] = neuron(functional.linear(spikes, layer.weight), membranes[index])
            counts = counts + spikes
        return functional.cross_entropy(counts, labels)

    return step


def _products(weights: list[Tensor], inputs: Tensor) -> Tensor:
    """The matrix products alone."""
    for weight in weights:
        inputs = functional.linear(inputs, weight)
    return inputs.sum()


def _seconds(step: Callable[[], Tensor], weights: list[Tensor]) -> float:
    """Seconds per step of a block of steps."""
    _synchronise(weights[0])
    start = time.perf_counter()
    for _ in range(_STEPS):
        step().backward()  # type: ignore[no-untyped-call]
        for weight in weights:
            weight.grad = None
    _synchronise(weights[0])
    return (time.perf_counter() - start) / _STEPS


def _synchronise(tensor: Tensor) -> None:
    if tensor.is_cuda:
        torch.cuda.synchronize()


if __name__ == "__main__":
    if not torch.cuda.is_available():
        print("training.gpu: skipped, PyTorch finds no CUDA GPU on this machine")
        sys.exit(0)
    sys.exit(run_benchmark("training.gpu", GOAL, body))
