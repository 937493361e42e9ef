"""The integer network in numpy, batched: what the RTL computes, bit for bit.

A neuron's step is that of ``hardware.neuron``, with ``drive`` the sum of the weights of the inputs that
spike, plus the bias. Under direct encoding the first layer's input is a constant current x of ``input_bits``
bits. The accelerator adds ``weight << plane`` for every set bit of x once, before step 0, and keeps the sum::

    current = 2^(input_bits-1) + sum of weight * x                 half an LSB: the shift rounds half up
    drive   = (current >> input_bits) + bias                       at every step
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hardware import convolution, neuron
from hardware.integer import IntegerLayer, IntegerNetwork
from hardware.network import AcceleratorConfig, IntArray, SpikeArray
from hardware.neuron import Array
from spikefront.errors import InputError


@dataclass(frozen=True, eq=False)
class ReferenceRun:
    """Spikes of an integer network on N samples.

    Attributes:
        spikes: per layer, uint8 (N, T, n_out).
        counts: output spikes per class, int64 (N, classes).
        predicted: class that the network's readout finds, the lowest on ties, int64 (N,).
    """

    spikes: tuple[SpikeArray, ...]
    counts: IntArray
    predicted: IntArray


def run(net: IntegerNetwork, inputs: NDArray[np.unsignedinteger], batch: int = 500) -> ReferenceRun:
    """Run ``inputs`` through ``net`` in integer arithmetic, ``batch`` samples at a time.

    Args:
        net: the quantised network.
        inputs: spikes 0 or 1 (N, T, n_in) under rate and latency encoding; currents 0..2^input_bits-1
            (N, n_in) under direct encoding.
        batch: samples held in memory as floats at once.

    Raises:
        InputError: where ``inputs`` has another shape or other values.
    """
    inputs = check_inputs(net, inputs)
    parts = [_run_batch(net, inputs[i : i + batch]) for i in range(0, len(inputs), batch)]
    spikes = tuple(np.concatenate(layer) for layer in zip(*(layers for layers, _ in parts), strict=True))
    by_class = spikes[-1].reshape(len(inputs), net.time_steps, net.classes, net.population)
    counts = by_class.sum(axis=(1, 3), dtype=np.int64)
    if net.readout == "count":
        return ReferenceRun(spikes, counts, counts.argmax(axis=1))
    if net.readout == "first_spike":
        fired = by_class.any(axis=3).reshape(len(inputs), -1)
        return ReferenceRun(spikes, counts, fired.argmax(axis=1) % net.classes)
    peaks = np.concatenate([peak for _, peak in parts])
    return ReferenceRun(spikes, counts, peaks.argmax(axis=1) // net.population)


def check_inputs(net: IntegerNetwork, inputs: NDArray[np.unsignedinteger]) -> NDArray[np.unsignedinteger]:
    """Return ``inputs`` if ``net`` can take them.

    Raises:
        InputError: where the shape, the type or a value is wrong.
    """
    inputs = np.asarray(inputs)
    expected = (net.sizes[0],) if net.direct else (net.time_steps, net.sizes[0])
    if inputs.ndim != len(expected) + 1 or inputs.shape[1:] != expected or len(inputs) == 0:
        raise InputError(
            f"Inputs have shape {inputs.shape}, but this {net.encoding} network takes (N, "
            f"{', '.join(map(str, expected))}) with N of at least 1; reshape them."
        )
    if inputs.dtype.kind not in "ub":
        raise InputError(
            f"Inputs have dtype {inputs.dtype}; give unsigned integers (or booleans for spikes)."
        )
    top = 2**net.config.input_bits - 1 if net.direct else 1
    if int(inputs.max()) > top:
        raise InputError(
            f"Inputs reach {int(inputs.max())}, above the {top} that this network takes; scale them."
        )
    return inputs


def _run_batch(net: IntegerNetwork, inputs: NDArray[np.unsignedinteger]) -> tuple[list[SpikeArray], Array]:
    """Return the spikes of every layer, and the last one's highest membrane potentials (N, n_out)."""
    signal: NDArray[np.unsignedinteger] = inputs
    peak: Array = np.zeros((0, 0), dtype=np.int64)
    out = []
    for index, layer in enumerate(net.layers):
        current = net.direct and index == 0
        drive = _drive(signal, layer, 2**net.config.input_bits - 1 if current else 1)
        if current:
            drive = ((drive + 2 ** (net.config.input_bits - 1)) >> net.config.input_bits)[:, None, :]
        spikes, peak = _spikes(layer, net.config, drive, net.time_steps)
        signal = spikes if layer.convolution is None else convolution.pooled(spikes, layer.convolution)
        out.append(signal)
    return out, peak


def _drive(signal: NDArray[np.unsignedinteger], layer: IntegerLayer, top: int) -> Array:
    """Return the weighted sums (..., neurons) of ``signal`` (..., n_in) whose values reach ``top``."""
    if layer.convolution is None:
        return _matmul(signal, layer.weight, top)
    real = _exact_type(layer.rows, top)
    return np.asarray(convolution.drive(signal, layer.weight, layer.convolution, real), dtype=np.int64)


def _exact_type(weight: IntArray, top: int) -> type[np.number]:
    """Return the narrowest float that holds every partial sum of a row times inputs up to ``top``."""
    bound = int(np.abs(weight).sum(axis=1).max()) * top
    return np.int64 if bound >= 2**53 else np.float32 if bound < 2**24 else np.float64


def _matmul(signal: NDArray[np.unsignedinteger], weight: IntArray, top: int) -> Array:
    """Return ``signal @ weight.T`` exactly."""
    real = _exact_type(weight, top)
    flat = signal.reshape(-1, weight.shape[1]).astype(real) @ weight.T.astype(real)
    return np.asarray(flat, dtype=np.int64).reshape(*signal.shape[:-1], weight.shape[0])


def _spikes(
    layer: IntegerLayer, config: AcceleratorConfig, drive: Array, time_steps: int
) -> tuple[SpikeArray, Array]:
    """Return spikes (N, T, n_out) of input sums ``drive`` (N, T or 1, n_out), and the highest membrane
    potentials."""
    if layer.bias is not None:
        drive = drive + np.repeat(layer.bias, layer.pixels)
    drive = _narrow(drive, layer, config)
    neurons = layer.channels * layer.pixels
    state = neuron.initial_state(layer, (len(drive), neurons), drive.dtype)
    spikes = np.zeros((len(drive), time_steps, neurons), dtype=np.uint8)
    peak: Array = state.potential
    for t in range(time_steps):
        arriving = drive[:, t % drive.shape[1]]
        if layer.recurrent is not None and t > 0:
            arriving = arriving + _matmul(spikes[:, t - 1], layer.recurrent, 1).astype(drive.dtype)
        done = neuron.step(layer, config, state, arriving)
        state, spikes[:, t] = done.state, done.spikes
        peak = done.membrane if t == 0 else np.maximum(peak, done.membrane)
    return spikes, peak


def _narrow(drive: Array, layer: IntegerLayer, config: AcceleratorConfig) -> Array:
    """Use 32-bit integers where neither the sum nor the leak's product can leave them: twice as fast."""
    widest = max(
        max(layer.accumulator_bits, layer.bias_bits) + 2,
        config.membrane_bits + config.leak_bits + 1,
        config.membrane_bits + 2,
    )
    return drive.astype(np.int32) if widest <= 31 else drive
