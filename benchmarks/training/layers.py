"""Convolutional and recurrent training steps, sparse inputs and peak memory, against snnTorch's step loop.

All run forward and backward of the same network on the same inputs, interleaved, on one core and in process
CPU time; the figure is the fastest round. The step loop is that of snnTorch's tutorials, frames in torch's
default memory order. Both are given spikes as training data hold them, as bytes; the conversion (to floats,
or to a list where they are sparse) is part of the time. Memory is that of all tensors of a step at its peak,
as torch's profiler counts them. Run with OMP_NUM_THREADS=1.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import snntorch
import torch
from snntorch import surrogate
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.common import Outcome, Row, run_benchmark
from models.folding import training_stages
from models.kernel_choice import chosen
from models.network import Pass, run
from models.parameters import Network, initial_network
from models.specification import NetworkSpec

GOAL = "speed against snnTorch's step loop of at least the case's goal, with no more memory at the peak"
_SEED = 0
_CONVOLUTIONAL = "32c3-p2-32c3-p2-256-10"


@dataclass(frozen=True)
class Case:
    """A network, its batch size, the share of its inputs that spike, and the speed that counts as passed."""

    name: str
    spec: NetworkSpec
    batch: int
    density: float
    goal: float


CASES = (
    Case("conv rate T10", NetworkSpec(_CONVOLUTIONAL, (28, 28), 10), 32, 0.13, 2.2),
    Case("conv direct T10", NetworkSpec(_CONVOLUTIONAL, (28, 28), 10, "direct"), 32, 0.13, 3.3),
    Case("700-200r-20 T100, dense", NetworkSpec("200r-20", (700,), 100), 64, 0.13, 3.0),
    Case("700-200r-20 T100, 1.2 % spikes", NetworkSpec("200r-20", (700,), 100), 64, 0.012, 5.0),
    Case("784-512-10 T100", NetworkSpec("512-10", (784,), 100), 128, 0.13, 1.5),
    Case("784-512-10 T100, 1.2 % spikes", NetworkSpec("512-10", (784,), 100), 128, 0.012, 2.5),
)


def body(quick: bool) -> Outcome:
    """Measure every case."""
    torch.set_num_threads(1)
    rows = [measure(case, rounds=2 if quick else 20) for case in CASES]
    passed = all(row["speed"] >= row["goal"] and row["ours_mib"] <= row["snntorch_mib"] for row in rows)
    return rows, passed, {"seeds": [_SEED], "threads": 1, "scan": chosen().reason}


def measure(case: Case, rounds: int) -> Row:
    """CPU milliseconds and peak memory of one step for both ways, and how far the losses are apart."""
    ways = _ways(case)
    best = dict.fromkeys(ways, float("inf"))
    losses = {}
    for _ in range(rounds):
        for way, step in ways.items():
            start = time.process_time()
            losses[way] = step()
            best[way] = min(best[way], time.process_time() - start)
    return {
        "case": case.name,
        **{f"{way}_ms": round(seconds * 1e3, 1) for way, seconds in best.items()},
        "speed": round(best["snntorch"] / best["ours"], 2),
        "goal": case.goal,
        **{f"{way}_mib": round(_peak_mib(ways[way])) for way in ways},
        "loss_difference": abs(losses["ours"] - losses["snntorch"]),
    }


def _ways(case: Case) -> dict[str, Callable[[], float]]:
    """One step of each engine, from the same weights: returns the loss."""
    generator = torch.Generator().manual_seed(_SEED)
    network = initial_network(case.spec, _SEED)
    width = case.spec.layers[0].n_in
    labels = torch.randint(0, case.spec.classes, (case.batch,), generator=generator)
    if case.spec.direct:
        values = torch.rand(case.batch, width, generator=generator) * 2 * case.density
    else:
        noise = torch.rand(case.spec.time_steps, case.batch, width, generator=generator)
        values = (noise < case.density).to(torch.uint8)
    loop = _step_loop(network, values)
    return {
        "ours": lambda: _learn(lambda: _ours(network, values), labels),
        "snntorch": lambda: _learn(loop, labels),
    }


def _learn(forward: Callable[[], Tensor], labels: Tensor) -> float:
    """Forward and backward; gradients are thrown away with the graph's leaves being cleared."""
    loss = functional.cross_entropy(forward(), labels)
    loss.backward()
    return float(loss.detach())


def _ours(network: Network, inputs: Tensor) -> Tensor:
    for learned in network.learned(0.0):
        learned.tensor.grad = None
    return run(training_stages(network), inputs, Pass(network.spec.time_steps)).output.counts


def _step_loop(network: Network, inputs: Tensor) -> Callable[[], Tensor]:
    """snnTorch's way: every layer at every time step; weights in torch's default memory order."""
    spec = network.spec
    weights = [nn.Parameter(each.weight.detach().contiguous()) for each in network.layers]
    neurons = [_neuron(network, index) for index in range(len(weights))]
    parameters = [*weights, *(each for neuron in neurons for each in neuron.parameters())]

    def step() -> Tensor:
        for parameter in parameters:
            parameter.grad = None
        samples = len(inputs) if spec.direct else inputs.shape[1]
        states = [
            [torch.zeros(samples, *layer.neurons_shape)] * (1 + layer.recurrent) for layer in spec.layers
        ]
        outputs = []
        for time_step in range(spec.time_steps):
            spikes = inputs if spec.direct else inputs[time_step].float()
            for index, (weight, neuron) in enumerate(zip(weights, neurons, strict=True)):
                spikes, states[index] = _fire(network, index, (weight, neuron), spikes, states[index])
            outputs.append(spikes)
        return torch.stack(outputs).sum(0)

    return step


def _neuron(network: Network, index: int) -> nn.Module:
    spec, recurrent = network.spec, network.layers[index].recurrent
    gradient = surrogate.fast_sigmoid(spec.neuron.slope)
    constants = {"beta": spec.betas[index], "threshold": spec.thresholds[index], "spike_grad": gradient}
    if recurrent is None:
        return snntorch.Leaky(**constants)
    neuron = snntorch.RLeaky(**constants, linear_features=len(recurrent))
    neuron.recurrent = nn.Linear(len(recurrent), len(recurrent), bias=False)
    neuron.recurrent.weight = nn.Parameter(recurrent.detach().clone())
    return neuron


def _fire(
    network: Network, index: int, modules: tuple[Tensor, nn.Module], spikes: Tensor, state: list[Tensor]
) -> tuple[Tensor, list[Tensor]]:
    """One layer in one step: its spikes behind any pooling, and its new state."""
    layer, (weight, neuron) = network.spec.layers[index], modules
    frames = spikes.reshape(len(spikes), *layer.in_shape)
    if layer.convolutional:
        currents = functional.conv2d(frames, weight, None, layer.stride, layer.padding)
    else:
        currents = functional.linear(frames, weight)
    fired, *kept = neuron(currents, *state)
    state = [fired, *kept] if layer.recurrent else kept
    return functional.max_pool2d(fired, 2) if layer.pool == 2 else fired, state


def _peak_mib(step: Callable[[], float]) -> float:
    """MiB of tensors that a step holds at its peak, beyond what there was before it."""
    with torch.profiler.profile(
        activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True
    ) as seen:
        step()
    held = peak = 0
    for event in seen.profiler.kineto_results.events():
        if event.name() == "[memory]":
            held += event.nbytes()
            peak = max(peak, held)
    return peak / 2**20


if __name__ == "__main__":
    sys.exit(run_benchmark("training.layers", GOAL, body))
