"""The integer network in numpy or torch, batched: what the RTL computes, bit for bit.

A neuron's step is that of ``hardware.neuron``, with ``drive`` the sum of the weights of the inputs that
spike, plus the bias. Under direct encoding the first layer's input is a constant current x of ``input_bits``
bits. The accelerator adds ``weight << plane`` for every set bit of x once, before step 0, and keeps the sum::

    current = 2^(input_bits-1) + sum of weight * x                 half an LSB: the shift rounds half up
    drive   = (current >> input_bits) + bias                       at every step
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from hardware import convolution, neuron
from hardware.arrays import Array, cast, countable, exact_type, is_tensor, like, namespace
from hardware.integer import IntegerLayer, IntegerNetwork
from hardware.network import AcceleratorConfig, IntArray
from spikefront.errors import InputError


@dataclass(frozen=True, eq=False)
class ReferenceRun:
    """Spikes of an integer network on N samples: numpy arrays, or tensors where the inputs were.

    Attributes:
        spikes: per layer, uint8 (N, T, n_out).
        counts: output spikes per class, int64 (N, classes).
        predicted: class that the network's readout finds, the lowest on ties, int64 (N,).
    """

    spikes: tuple[Array, ...]
    counts: Array
    predicted: Array


def run(net: IntegerNetwork, inputs: Array, batch: int = 500) -> ReferenceRun:
    """Run ``inputs`` through ``net`` in integer arithmetic, ``batch`` samples at a time.

    Args:
        net: the quantised network.
        inputs: spikes 0 or 1 (N, T, n_in) under rate and latency encoding; currents 0..2^input_bits-1
            (N, n_in) under direct encoding. A numpy array, or a torch tensor on any device that knows
            float64: that is where the network runs, and its results are the same to the bit.
        batch: samples held in memory as floats at once.

    Raises:
        InputError: where ``inputs`` has another shape or other values.
    """
    inputs = check_inputs(net, inputs)
    parts = [_run_batch(net, inputs[i : i + batch]) for i in range(0, len(inputs), batch)]
    xp = namespace(inputs)
    spikes = tuple(xp.concatenate(layer) for layer in zip(*(layers for layers, _ in parts), strict=True))
    by_class = spikes[-1].reshape(len(inputs), net.time_steps, net.classes, net.population)
    counts = by_class.sum(axis=(1, 3), dtype=xp.int64)
    if net.readout == "count":
        return ReferenceRun(spikes, counts, counts.argmax(axis=1))
    if net.readout == "first_spike":
        fired = xp.amax(by_class, 3).reshape(len(inputs), -1)
        return ReferenceRun(spikes, counts, fired.argmax(axis=1) % net.classes)
    peaks = xp.concatenate([peak for _, peak in parts])
    return ReferenceRun(spikes, counts, peaks.argmax(axis=1) // net.population)


def check_inputs(net: IntegerNetwork, inputs: Array) -> Array:
    """Return ``inputs`` as an array if ``net`` can take them.

    Raises:
        InputError: where the shape, the type or a value is wrong.
    """
    inputs = inputs if is_tensor(inputs) else np.asarray(inputs)
    expected = (net.sizes[0],) if net.direct else (net.time_steps, net.sizes[0])
    if inputs.ndim != len(expected) + 1 or inputs.shape[1:] != expected or len(inputs) == 0:
        raise InputError(
            f"Inputs have shape {tuple(inputs.shape)}, but this {net.encoding} network takes (N, "
            f"{', '.join(map(str, expected))}) with N of at least 1; reshape them."
        )
    if not str(inputs.dtype).removeprefix("torch.").startswith(("uint", "bool")):
        raise InputError(
            f"Inputs have dtype {inputs.dtype}; give unsigned integers (or booleans for spikes)."
        )
    inputs = countable(inputs)
    top = 2**net.config.input_bits - 1 if net.direct else 1
    if int(inputs.max()) > top:
        raise InputError(
            f"Inputs reach {int(inputs.max())}, above the {top} that this network takes; scale them."
        )
    return inputs


def _run_batch(net: IntegerNetwork, inputs: Array) -> tuple[list[Array], Array]:
    """Return the spikes of every layer, and the last one's highest membrane potentials (N, n_out)."""
    signal, peak, out = inputs, None, []
    for index, layer in enumerate(net.layers):
        spikes, peak = _spikes(layer, net.config, _layer_drive(net, index, signal), net.time_steps)
        if layer.convolution is not None:
            spikes, peak = (convolution.pooled(values, layer.convolution) for values in (spikes, peak))
        signal = spikes
        out.append(spikes)
    return out, peak


def membranes(net: IntegerNetwork, inputs: Array, layer: int) -> Array:
    """Return the membrane potentials of a layer's neurons, int64 (N, T, neurons), before the reset.

    Args:
        net: the quantised network.
        inputs: as for ``run``; few samples, for every potential is kept.
        layer: number of the layer, from 0.

    Raises:
        InputError: where ``inputs`` has another shape or other values, or there is no such layer.
    """
    inputs = check_inputs(net, inputs)
    if not 0 <= layer < len(net.layers):
        raise InputError(f"There is no layer {layer}; choose one of 0..{len(net.layers) - 1}.")
    signal = run(net, inputs).spikes[layer - 1] if layer else inputs
    xp, chosen = namespace(inputs), net.layers[layer]
    steps = _steps(chosen, net.config, _layer_drive(net, layer, signal), net.time_steps)
    return cast(xp.stack([done.membrane for done in steps], 1), xp.int64)


def _layer_drive(net: IntegerNetwork, index: int, signal: Array) -> Array:
    """Return a layer's input sums (N, T or 1, neurons) of ``signal``, what enters it."""
    current = net.direct and index == 0
    drive = _drive(signal, net.layers[index], 2**net.config.input_bits - 1 if current else 1)
    return _current(drive, net.config.input_bits)[:, None, :] if current else drive


def _drive(signal: Array, layer: IntegerLayer, top: int) -> Array:
    """Return the weighted sums (..., neurons) of ``signal`` (..., n_in) whose values reach ``top``: whole
    numbers, maybe held as floats."""
    real = exact_type(layer.rows, top, signal)
    if layer.convolution is not None:
        return convolution.drive(signal, layer.weight, layer.convolution, real)
    flat = cast(signal.reshape(-1, layer.n_in), real) @ _matrix(layer.weight, signal, real)
    return flat.reshape(*signal.shape[:-1], -1)


def _current(sums: Array, input_bits: int) -> Array:
    """Return the kept current without its fraction bits, rounded half up."""
    return (cast(sums, namespace(sums).int64) + 2 ** (input_bits - 1)) >> input_bits


def _matrix(weight: IntArray, x: Array, real: Any) -> Array:
    """Return ``weight.T`` in the type ``real``, where ``x`` is."""
    return cast(like(weight.T, x), real)


def _spikes(
    layer: IntegerLayer, config: AcceleratorConfig, drive: Array, time_steps: int
) -> tuple[Array, Array]:
    """Return spikes (N, T, n_out) of input sums ``drive`` (N, T or 1, n_out), and the highest membrane
    potentials."""
    xp = namespace(drive)
    spikes = xp.zeros(
        (len(drive), time_steps, layer.channels * layer.pixels), dtype=xp.uint8, device=drive.device
    )
    peak = None
    for t, done in enumerate(_steps(layer, config, drive, time_steps)):
        spikes[:, t] = done.spikes
        peak = done.membrane if peak is None else xp.maximum(peak, done.membrane)
    return spikes, peak


def _steps(
    layer: IntegerLayer, config: AcceleratorConfig, drive: Array, time_steps: int
) -> Iterator[neuron.Step]:
    """Step a layer through input sums ``drive`` (N, T or 1, neurons)."""
    drive = _integers(drive, layer, config)
    if layer.bias is not None:
        drive = drive + cast(like(np.repeat(layer.bias, layer.pixels), drive), drive.dtype)
    echo = _echo(layer, drive)
    state = neuron.initial_state(layer, (len(drive), drive.shape[2]), drive)
    own = None
    for t in range(time_steps):
        arriving = drive[:, t % drive.shape[1]]
        if own is not None and echo is not None:
            arriving = arriving + echo(own)
        done = neuron.step(layer, config, state, arriving)
        state, own = done.state, done.spikes
        yield done


def _echo(layer: IntegerLayer, drive: Array) -> Callable[[Array], Array] | None:
    """Return what a layer's own spikes (N, n_out) add to its ``drive``, or None without recurrence."""
    if layer.recurrent is None:
        return None
    real = exact_type(layer.recurrent, 1, drive)
    matrix = _matrix(layer.recurrent, drive, real)
    return lambda own: cast(cast(own, real) @ matrix, drive.dtype)


def _integers(drive: Array, layer: IntegerLayer, config: AcceleratorConfig) -> Array:
    """Return ``drive`` in integers, of 32 bits where neither the sum nor the leak's product can leave those:
    twice as fast."""
    widest = max(
        max(layer.accumulator_bits, layer.state_bits, layer.bias_bits) + 2,
        config.membrane_bits + config.leak_bits + 1,
        config.membrane_bits + 2,
    )
    return cast(drive, namespace(drive).int32 if widest <= 31 else namespace(drive).int64)
