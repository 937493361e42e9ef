"""Random small networks and inputs on which the RTL, the integer reference and the cycle formula must agree.

Sizes, lanes and chunks do not divide one another; widths are narrow enough to saturate; inputs are uniform,
empty, full, or bursts of all spikes in few steps before slow layers, so that buffers fill and layers wait.
"""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

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

SAMPLES = 3
KINDS = ("uniform", "turn", "pressure", "sparse", "burst", "turn", "full", "empty")
PRESSED = {"pressure", "turn"}


@dataclass(frozen=True, eq=False)
class Case:
    """A network, its inputs, what to call it, and which of ``KINDS`` its inputs are."""

    name: str
    kind: str
    net: IntegerNetwork
    inputs: NDArray[np.unsignedinteger]


def cases(count: int, seed: int = 0) -> list[Case]:
    """Return ``count`` cases; case i is the same for every count."""
    return [_case(np.random.default_rng([seed, i]), i) for i in range(count)]


def clock_cases(count: int, seed: int = 0) -> list[Case]:
    """Return ``count`` cases of ``cases`` when clock-driven, every second with one lane per neuron."""
    return [_on_clock(case, parallel=i % 2 == 0) for i, case in enumerate(cases(count, seed))]


def _on_clock(case: Case, *, parallel: bool) -> Case:
    lanes = case.net.sizes[1:] if parallel else case.net.config.lanes
    config = replace(case.net.config, family="clock_driven", lanes=lanes, schedule="pipelined")
    return replace(case, name=f"{case.name} clock", net=replace(case.net, config=config))


def _case(rng: np.random.Generator, index: int) -> Case:
    kind = KINDS[index % len(KINDS)]
    pressure = kind in PRESSED
    sizes = _sizes(rng, kind)
    direct = bool(rng.random() < 0.25) and kind != "turn"
    config = _config(rng, sizes, kind)
    time_steps = int(rng.integers(*{"pressure": (5, 9), "turn": (7, 11)}.get(kind, (1, 7))))
    build = _pressed_layer if pressure else _layer
    frames = [] if pressure or rng.random() > 0.4 else _frames(rng)
    if frames:
        behind = sizes[-1:] if rng.random() < 0.6 else []
        sizes = [frames[0][1].n_in, *(_pixels(*frame) for frame in frames), *behind]
        config = replace(config, lanes=tuple(int(rng.integers(1, 5)) for _ in sizes[1:]))
    layers = tuple(build(rng, n_in, n_out, config) for n_in, n_out in pairwise(sizes))
    layers = (
        *(_convolved(rng, layers[k], *frame, config) for k, frame in enumerate(frames)),
        *layers[len(frames) :],
    )
    if kind == "turn":
        layers = (_turning_layer(rng, layers[0]), *layers[1:])
    share = 0.6 if kind == "turn" else 0.5 if direct else 0.25
    layers = tuple(
        layer if layer.convolution or rng.random() > share else _looped(rng, layer, config)
        for layer in layers
    )
    readout, population = _readout(rng, layers[-1])
    encoding: Encoding = "direct" if direct else "rate"
    net = quantize(TrainedNetwork(layers, time_steps, encoding, readout, population), config)
    inputs = _currents(rng, net, kind) if direct else _spikes(rng, net, kind)
    shape = "-".join(
        f"{len(layer.weight)}{'r' if layer.recurrent is not None else 'c' if layer.convolution else ''}"
        for layer in layers
    )
    name = f"{index}: {sizes[0]}-{shape} T={time_steps} P={config.lanes} W={config.chunk_bits} {kind}"
    name += f" {config.schedule} {readout}/{population}"
    return Case(name + (" direct" if direct else ""), kind, net, inputs)


def _readout(rng: np.random.Generator, last: TrainedLayer) -> tuple[Readout, int]:
    """Return what decides the class, and a number of neurons per class: often a frame's."""
    kind: Readout = ("count", "count", "first_spike", "max_membrane")[int(rng.integers(4))]
    if last.convolution and rng.random() < 0.5:
        return kind, last.n_out // len(last.weight)
    divisors = [n for n in range(1, last.n_out + 1) if last.n_out % n == 0]
    return kind, int(rng.choice(divisors)) if rng.random() < 0.4 else 1


Frame = tuple[int, Convolution]


def _frames(rng: np.random.Generator) -> list[Frame]:
    """Return one or two convolutions, one behind the other: output channels and geometry."""
    shape, found = (int(rng.integers(1, 3)), int(rng.integers(2, 7)), int(rng.integers(2, 7))), []
    for _ in range(int(rng.integers(1, 3))):
        kernel = int(rng.integers(1, 4))
        padding = int(rng.integers(max(0, kernel - min(shape[1:])), kernel))
        geometry = Convolution(shape, kernel, int(rng.integers(1, 4)), padding)
        if min(geometry.frame) > 1 and rng.random() < 0.5:
            geometry = replace(geometry, pool=2)
        channels = int(rng.integers(1, 6))
        found.append((channels, geometry))
        shape = (channels, *geometry.out_frame)
    return found


def _pixels(channels: int, geometry: Convolution) -> int:
    return channels * geometry.out_pixels


def _convolved(
    rng: np.random.Generator,
    layer: TrainedLayer,
    channels: int,
    geometry: Convolution,
    config: AcceleratorConfig,
) -> TrainedLayer:
    """Return ``layer`` with kernels instead of a matrix."""
    shape = (channels, geometry.in_shape[0], geometry.kernel, geometry.kernel)
    weight = rng.normal(rng.uniform(-0.1, 0.4), 1.0, shape)
    threshold = max(layer.threshold, _least_threshold(weight, config))
    bias = None if layer.bias is None else layer.bias[:channels]
    return replace(layer, weight=weight, threshold=threshold, bias=bias, convolution=geometry)


def _size(rng: np.random.Generator) -> int:
    return int(rng.integers(1, 41) if rng.random() < 0.5 else rng.integers(1, 13))


def _sizes(rng: np.random.Generator, kind: str) -> list[int]:
    """Return inputs and layers, under pressure wide enough to keep each other waiting."""
    if kind not in PRESSED:
        return [_size(rng) for _ in range(int(rng.integers(2, 5)))]
    if kind == "turn":
        return [int(n) for n in (rng.integers(8, 19), rng.integers(3, 10), rng.integers(2, 5))]
    return [int(rng.integers(4, 25)) for _ in range(int(rng.integers(2, 4)))] + [int(rng.integers(2, 13))]


def _config(rng: np.random.Generator, sizes: list[int], kind: str) -> AcceleratorConfig:
    pressure, turn = kind in PRESSED, kind == "turn"
    weight_bits = int(rng.integers(4 if pressure else 2, 9))
    return AcceleratorConfig(
        lanes=tuple(1 if turn else _lanes(rng, n, pressure) for n in sizes[1:]),
        weight_bits=weight_bits,
        membrane_bits=int(rng.integers(max(4, weight_bits), weight_bits + 6)),
        leak="multiply" if rng.random() < 0.5 else "shift",
        leak_bits=int(rng.integers(1, 10)),
        input_bits=int(rng.integers(1, 6)),
        chunk_bits=int(rng.integers(4, 25 if pressure else 33)),
        schedule="sequential" if not turn and rng.random() < 0.2 else "pipelined",
    )


def _lanes(rng: np.random.Generator, n_out: int, pressure: bool) -> int:
    if pressure:
        return int(rng.choice([1, 1, 2, (n_out + 1) // 2, n_out]))
    return int(rng.integers(1, n_out + 3 if rng.random() < 0.5 else 5))


def _layer(rng: np.random.Generator, n_in: int, n_out: int, config: AcceleratorConfig) -> TrainedLayer:
    reset: Reset = ("subtract", "zero", "fixed", "none")[int(rng.integers(4))]
    weight = rng.normal(rng.uniform(-0.1, 0.4), 1.0, (n_out, n_in))
    threshold = max(float(rng.uniform(0.4, 3.0)), _least_threshold(weight, config))
    return TrainedLayer(
        weight=weight,
        beta=float(rng.choice([0.0, 0.5, 1.0, rng.random()])),
        threshold=threshold,
        reset=reset,
        blank_after_spike=bool(reset == "zero" and rng.random() < 0.3),
        alpha=float(rng.choice([0.0, 1.0, rng.random()])) if rng.random() < 0.3 else None,
        bias=rng.normal(0.0, 1.0, n_out) if rng.random() < 0.3 else None,
        refractory_steps=int(rng.integers(1, 6)) if rng.random() < 0.25 else 0,
        reset_value=float(rng.uniform(-3.0, 0.9)) * threshold if reset == "fixed" else 0.0,
    )


def _looped(rng: np.random.Generator, layer: TrainedLayer, config: AcceleratorConfig) -> TrainedLayer:
    """Return ``layer`` with recurrent weights."""
    weight = rng.normal(0.0, 1.0, (len(layer.weight), len(layer.weight)))
    threshold = max(layer.threshold, _least_threshold(weight, config))
    return replace(layer, recurrent=weight, threshold=threshold)


def _pressed_layer(
    rng: np.random.Generator, n_in: int, n_out: int, config: AcceleratorConfig
) -> TrainedLayer:
    """Return a layer in which some neurons, once they have fired, fire in every step whatever comes in."""
    weight = rng.normal(0.6, 1.0, (n_out, n_in))
    reset: Reset = "none" if rng.random() < 0.6 else "subtract"
    return TrainedLayer(
        weight, float(rng.choice([1.0, 0.9])), max(1.0, _least_threshold(weight, config)), reset
    )


def _turning_layer(rng: np.random.Generator, layer: TrainedLayer) -> TrainedLayer:
    """Return a layer that input 0 makes fire as a whole, and all other inputs keep silent.

    First it fires at little cost and the layer behind is slow; then it is slow and nothing comes out. A layer
    that had to wait in the first half is late in the second: only then does waiting change the total.
    """
    weight = -rng.uniform(0.1, 0.5, layer.weight.shape)
    weight[:, 0] = 1.6
    return replace(layer, weight=weight, beta=0.0, threshold=0.9, reset="none")


def _least_threshold(weight: NDArray[np.float64], config: AcceleratorConfig) -> float:
    """Return one LSB, the least threshold that does not round to zero."""
    return float(np.abs(weight).max() / (2 ** (config.weight_bits - 1) - 1))


def _spikes(rng: np.random.Generator, net: IntegerNetwork, kind: str) -> NDArray[np.unsignedinteger]:
    shape = (SAMPLES, net.time_steps, net.sizes[0])
    rate = {"uniform": 0.4, "sparse": 0.05, "empty": 0.0, "full": 1.0, "burst": 0.9, "pressure": 0.9}.get(
        kind, 0.8
    )
    spikes = (rng.random(shape) < rate).astype(np.uint8)
    if kind == "turn":
        half = int(rng.integers(4, net.time_steps - 1))
        spikes[:, :half] = np.arange(shape[2]) == 0
        spikes[:, half:, 0] = 0
    if kind in {"burst", "pressure"}:
        quiet = rng.random(shape[:2]) < 0.6
        quiet[:, [0, -1]] = kind != "pressure"
        spikes[quiet] &= rng.random(shape[2]) < 0.1
    return spikes


def _currents(rng: np.random.Generator, net: IntegerNetwork, kind: str) -> NDArray[np.unsignedinteger]:
    top = 2**net.config.input_bits - 1
    currents = rng.integers(0, top + 1, (SAMPLES, net.sizes[0])).astype(np.uint16)
    if kind in {"empty", "full"}:
        currents[:] = 0 if kind == "empty" else top
    if kind in {"sparse", "burst"}:
        currents[rng.random(currents.shape) < 0.8] = 0
    return currents
