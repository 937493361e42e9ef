"""Two independent float simulations: of a NIR graph by its nodes' equations, of a network by its record's."""

import nir
import numpy as np
import torch
from torch.nn import functional


def simulate_nir(graph, inputs, dt, decay="euler"):
    """Spikes (T, n) that leave a graph fed with ``inputs`` (T, n_in), stepwise by NIR's equations.

    A value that is needed before it is there, as in every recurrence, is that of the step before.
    """
    running = Running(graph, dt, decay)
    shape = next(node.input_type["input"] for node in graph.nodes.values() if isinstance(node, nir.Input))
    return np.array([running.step(given.astype(float).reshape(shape)).reshape(-1) for given in inputs])


class Running:
    """A graph in the middle of a simulation."""

    def __init__(self, graph, dt, decay):
        self.graph, self.dt, self.decay = graph, dt, decay
        self.state = {}
        self.nested = {
            name: Running(node, dt, decay)
            for name, node in graph.nodes.items()
            if isinstance(node, nir.NIRGraph)
        }
        start = next(name for name, node in graph.nodes.items() if isinstance(node, nir.Input))
        self.order = [start]
        for name in self.order:
            self.order += [b for a, b in graph.edges if a == name and b not in self.order]
        # Before the first step there are no spikes; weights of none are the bias.
        dense = {n: node for n, node in graph.nodes.items() if isinstance(node, nir.Linear | nir.Affine)}
        self.values = {
            name: np.zeros(len(node.weight)) + getattr(node, "bias", 0.0) for name, node in dense.items()
        }

    def step(self, given):
        for name in self.order:
            sources = [self.values[a] for a, b in self.graph.edges if b == name and a in self.values]
            self.values[name] = self.out(name, given if name == self.order[0] else sum(sources))
            if isinstance(self.graph.nodes[name], nir.Output):
                result = self.values[name]
        return result

    def out(self, name, signal):  # noqa: PLR0911  # one per kind of node
        node = self.graph.nodes[name]
        match type(node).__name__:
            case "Linear":
                return node.weight @ signal
            case "Affine":
                return node.weight @ signal + node.bias
            case "Conv2d":
                return convolved(node, signal)
            case "SumPool2d":
                return pooled(node, signal) * float(np.prod(node.kernel_size))
            case "AvgPool2d":
                return pooled(node, signal)
            case "Flatten":
                return signal.reshape(-1)
            case "Threshold":
                return (signal > node.threshold).astype(float)
            case "NIRGraph":
                return self.nested[name].step(signal)
            case "Input" | "Output":
                return signal
        return self.neuron(name, node, signal)

    def share(self, tau):
        return self.dt / tau if self.decay == "euler" else 1 - np.exp(-self.dt / tau)

    def neuron(self, name, node, signal):
        v, current, fired = self.state.get(name, (np.zeros(signal.shape),) * 3)
        kind = type(node).__name__
        subtract = node.metadata.get("spikefront", {}).get("reset") == "subtract"
        if "Cuba" in kind:
            share = self.share(node.tau_syn)
            current = (1 - share) * current + share * node.w_in * signal
            signal = current
        if kind in {"IF", "I"}:
            v = v + self.dt * node.r * signal
        else:
            share = self.share(node.tau_mem if "Cuba" in kind else node.tau)
            v = (1 - share) * v + share * (node.v_leak + node.r * signal)
        if not hasattr(node, "v_threshold"):
            self.state[name] = (v, current, fired)
            return v
        if subtract:
            v = v - fired * node.v_threshold
        fired = (v > node.v_threshold).astype(float)
        if not subtract:
            v = np.where(fired > 0, node.v_reset, v)
        self.state[name] = (v, current, fired)
        return fired


def convolved(node, signal):
    padding = node.padding if isinstance(node.padding, str) else tuple(map(int, node.padding))
    tensors = (torch.as_tensor(np.asarray(a, dtype=float)) for a in (signal[None], node.weight, node.bias))
    stride = tuple(np.broadcast_to(node.stride, 2).tolist())
    return functional.conv2d(*tensors, stride=stride, padding=padding)[0].numpy()


def pooled(node, signal):
    size, stride = (tuple(np.broadcast_to(v, 2).tolist()) for v in (node.kernel_size, node.stride))
    return functional.avg_pool2d(torch.as_tensor(signal[None]), size, stride)[0].numpy()


def simulate_network(network, inputs):
    """Spikes (T, n) of the last layer, by the equations of ``TrainedLayer``."""
    entering = inputs.astype(float)
    for layer in network.layers:
        entering = simulate_layer(layer, entering)
    return entering


def simulate_layer(layer, entering):
    bias = 0.0 if layer.bias is None else layer.bias
    shape = layer.convolution
    neurons = layer.weight.shape[:1] if shape is None else (len(layer.weight), *shape.frame)
    m, current, fired = np.zeros(neurons), np.zeros(neurons), np.zeros(neurons)
    out = []
    for s in entering:
        drive = layer.weight @ s + bias if shape is None else windows(layer, s) + np.reshape(bias, (-1, 1, 1))
        if layer.recurrent is not None:
            drive = drive + layer.recurrent @ fired
        current = drive if layer.alpha is None else layer.alpha * current + drive
        kept = m if layer.reset in {"subtract", "none"} else (1 - fired) * m
        m = layer.beta * kept + fired * layer.reset_value + current
        m = m - fired * layer.threshold * (layer.reset == "subtract")
        fired = (m > layer.threshold).astype(float)
        out.append(fired if shape is None or shape.pool == 1 else ored(fired, shape.pool))
    return np.array(out).reshape(len(out), -1)


def windows(layer, spikes):
    """Sums of a convolution (channels, rows, columns), window by window."""
    shape, (rows, columns) = layer.convolution, layer.convolution.frame
    frame = np.pad(spikes.reshape(shape.in_shape), ((0, 0), *((shape.padding,) * 2,) * 2))
    total = np.zeros((len(layer.weight), rows, columns))
    for y in range(rows):
        for x in range(columns):
            top, left = y * shape.stride, x * shape.stride
            seen = frame[:, top : top + shape.kernel, left : left + shape.kernel]
            total[:, y, x] = np.tensordot(layer.weight, seen, 3)
    return total


def ored(fired, size):
    rows, columns = fired.shape[1] // size, fired.shape[2] // size
    cut = fired[:, : rows * size, : columns * size].reshape(len(fired), rows, size, columns, size)
    return cut.max(axis=(2, 4))
