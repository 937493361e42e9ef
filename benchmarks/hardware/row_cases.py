"""Random small convolutional networks for the sweep of touched rows, and inputs that touch few rows or all.

Kernels of 1 to 5, strides, padding and pooling that leaves rows over; neurons that hold still and that do
not; events that keep to a few rows, come in bursts, or do not come at all; none to two layers behind.
"""

from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from benchmarks.hardware.cases import SAMPLES, Case
from hardware.integer import IntegerNetwork
from hardware.network import (
    AcceleratorConfig,
    Convolution,
    Encoding,
    Readout,
    Reset,
    TrainedLayer,
    TrainedNetwork,
)
from hardware.quantize import quantize

INPUTS = ("rows", "bursts", "uniform", "first", "rows", "first", "bursts", "full", "first", "empty")


def row_cases(count: int, seed: int = 0) -> list[Case]:
    """Return ``count`` cases whose convolutions fire touched rows; case i is the same for every count."""
    return [_case(np.random.default_rng([seed, i]), i) for i in range(count)]


def on_dense(case: Case) -> Case:
    """Return ``case`` with dense sweeps."""
    net = replace(case.net, config=replace(case.net.config, sweep="dense"))
    return replace(case, name=f"{case.name} dense", net=net)


def _case(rng: np.random.Generator, index: int) -> Case:
    kind = INPUTS[index % len(INPUTS)]  # those with empty steps more often
    config = _config(rng)
    frames = _frames(rng)
    layers = [_convolved(rng, channels, shape, config) for channels, shape in frames]
    sizes = [layers[-1].n_out, *(int(rng.integers(1, 7)) for _ in range(int(rng.choice([0, 1, 1, 2]))))]
    layers += [_neurons(rng, rng.normal(0.2, 1.0, (n_out, n_in)), config) for n_in, n_out in pairwise(sizes)]
    config = replace(config, lanes=tuple(int(rng.integers(1, 4)) for _ in layers))
    encoding: Encoding = "direct" if rng.random() < 0.15 else "rate"
    readout: Readout = ("count", "first_spike", "max_membrane")[int(rng.integers(3))]
    steps = int(rng.integers(1, 8))
    net = quantize(TrainedNetwork(tuple(layers), steps, encoding, readout), config)
    shapes = " ".join(f"{c}c{s.kernel}s{s.stride}p{s.padding}/{s.pool} on {s.in_shape}" for c, s in frames)
    name = f"{index}: {shapes} T={steps} P={config.lanes} {kind} {config.schedule} {encoding} {readout}"
    return Case(name, kind, net, _inputs(rng, net, kind))


def _config(rng: np.random.Generator) -> AcceleratorConfig:
    return AcceleratorConfig(
        lanes=(1,),
        weight_bits=int(rng.integers(2, 7)),
        membrane_bits=int(rng.integers(6, 11)),
        leak="multiply" if rng.random() < 0.5 else "shift",
        leak_bits=int(rng.integers(1, 9)),
        input_bits=int(rng.integers(1, 4)),
        chunk_bits=int(rng.integers(4, 33)),
        schedule="sequential" if rng.random() < 0.2 else "pipelined",
        sweep="touched_rows",
    )


def _frames(rng: np.random.Generator) -> list[tuple[int, Convolution]]:
    """Return one or two convolutions, one behind the other: output channels and geometry."""
    shape = (int(rng.integers(1, 3)), int(rng.integers(1, 9)), int(rng.integers(1, 6)))
    found = []
    for _ in range(int(rng.integers(1, 3))):
        kernel = int(rng.integers(1, 6))
        padding = int(rng.integers(max(0, -(-(kernel - min(shape[1:])) // 2)), min(kernel, 3)))
        geometry = Convolution(shape, kernel, int(rng.integers(1, 4)), padding)
        if min(geometry.frame) > 1 and rng.random() < 0.5:
            geometry = replace(geometry, pool=2)
        found.append((int(rng.integers(1, 4)), geometry))
        shape = (found[-1][0], *geometry.out_frame)
    return found


def _convolved(
    rng: np.random.Generator, channels: int, shape: Convolution, config: AcceleratorConfig
) -> TrainedLayer:
    weight = rng.normal(0.2, 1.0, (channels, shape.in_shape[0], shape.kernel, shape.kernel))
    return replace(_neurons(rng, weight, config), convolution=shape)


def _neurons(
    rng: np.random.Generator, weight: NDArray[np.float64], config: AcceleratorConfig
) -> TrainedLayer:
    """Return a layer that leaks, or one that holds still and may fire several times for one input."""
    reset: Reset = ("subtract", "subtract", "zero", "fixed", "none")[int(rng.integers(5))]
    least = float(np.abs(weight).max() / (2 ** (config.weight_bits - 1) - 1))
    restless = rng.random() < 0.5
    threshold = max(float(rng.uniform(0.5, 3.0) if restless else rng.uniform(0.3, 1.5)), least)
    return TrainedLayer(
        weight,
        beta=float(rng.choice([0.5, 0.9, 1.0])) if restless else 1.0,
        threshold=threshold,
        reset=reset,
        alpha=float(rng.random()) if restless and rng.random() < 0.3 else None,
        bias=rng.normal(0.0, 1.0, len(weight)) if rng.random() < 0.1 else None,
        refractory_steps=int(rng.integers(1, 4)) if restless and rng.random() < 0.3 else 0,
        reset_value=float(rng.uniform(-2.0, 0.9)) * threshold if reset == "fixed" else 0.0,
    )


def _inputs(rng: np.random.Generator, net: IntegerNetwork, kind: str) -> NDArray[np.unsignedinteger]:
    if net.direct:
        return rng.integers(0, 2**net.config.input_bits, (SAMPLES, net.sizes[0])).astype(np.uint16)
    shape, frame = (SAMPLES, net.time_steps, net.sizes[0]), net.layers[0].convolution
    rate = {"uniform": 0.2, "rows": 0.5, "bursts": 0.7, "first": 0.7, "full": 1.0, "empty": 0.0}[kind]
    spikes = rng.random(shape) < rate
    if kind == "bursts":
        spikes &= rng.random((*shape[:2], 1)) < 0.4
    if kind == "first":
        spikes[:, 1:] = False
    if kind == "rows" and frame is not None:
        lines = rng.random((*shape[:2], 1, frame.in_shape[1], 1)) < 0.15
        spikes &= np.broadcast_to(lines, (*shape[:2], *frame.in_shape)).reshape(shape)
    return spikes.astype(np.uint8)
