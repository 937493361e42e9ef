"""A trained record run step by step in float64 numpy, independently of the engine and of ``hardware``."""

import numpy as np


def simulate(trained, inputs):
    """Spikes behind each layer's pooling, list of (N, T, n_out), and the last layer's membrane potentials.

    ``inputs`` is (N, T, n_in), or (N, n_in) for the same current in every step.
    """
    signal = inputs if inputs.ndim == 3 else np.repeat(inputs[:, None], trained.time_steps, axis=1)
    spikes = []
    for layer in trained.layers:
        signal, membranes = _layer(layer, signal.astype(np.float64))
        spikes.append(signal)
    return spikes, membranes


def _layer(weights, signal):
    samples, steps, _ = signal.shape
    neurons = int(np.prod(weights.layer.neurons_shape))
    membrane, fired, synapse = (np.zeros((samples, neurons)) for _ in range(3))
    rest = np.zeros((samples, neurons), dtype=int)
    outputs, membranes = [], []
    beta = np.asarray(weights.beta)
    for step in range(steps):
        drive = _drive(weights, signal[:, step])
        if weights.recurrent is not None:
            drive = drive + fired @ weights.recurrent.T
        if weights.alpha is not None:
            synapse = weights.alpha * synapse + drive
            drive = synapse
        drive = np.where(rest > 0, 0.0, drive)
        membrane = _reset(weights, membrane, fired, drive, beta)
        fired = ((membrane > weights.threshold) & (rest == 0)).astype(np.float64)
        rest = np.where(fired > 0, weights.refractory_steps, np.maximum(rest - 1, 0))
        outputs.append(_pooled(weights.layer, fired))
        membranes.append(membrane)
    return np.stack(outputs, axis=1), np.stack(membranes, axis=1)


def _reset(weights, membrane, fired, drive, beta):
    if weights.reset == "subtract":
        return beta * membrane + drive - fired * weights.threshold
    if weights.reset == "none":
        return beta * membrane + drive
    if weights.blank_after_spike:
        return (1 - fired) * (beta * membrane + drive)
    return (1 - fired) * beta * membrane + drive


def _drive(weights, signal):
    layer = weights.layer
    bias = 0.0 if weights.bias is None else weights.bias
    if not layer.convolutional:
        return signal @ weights.weight.T + bias
    frames = signal.reshape(-1, *layer.in_shape)
    pad = layer.padding
    frames = np.pad(frames, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    channels, rows, columns = layer.neurons_shape
    out = np.zeros((len(signal), channels, rows, columns))
    for row in range(rows):
        for column in range(columns):
            y, x = row * layer.stride, column * layer.stride
            window = frames[:, :, y : y + layer.kernel, x : x + layer.kernel]
            out[:, :, row, column] = np.einsum("nchw,ochw->no", window, weights.weight) + bias
    return out.reshape(len(signal), -1)


def _pooled(layer, spikes):
    if layer.pool == 1:
        return spikes
    frames = spikes.reshape(-1, *layer.neurons_shape)
    _, rows, columns = layer.out_shape
    out = np.zeros((len(frames), *layer.out_shape))
    for row in range(rows):
        for column in range(columns):
            out[:, :, row, column] = frames[:, :, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2].max(
                (2, 3)
            )
    return out.reshape(len(frames), -1)
