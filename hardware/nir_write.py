"""From a trained network to a NIR graph: per layer a node of weights and a node of neurons.

Time constants are those whose forward Euler steps give the network's decays: tau = dt / (1 - beta).
What NIR's neurons leave to whoever takes them in steps, the reset by subtraction, is marked in their
metadata; what they cannot express is written in other nodes that mean exactly it, or refused:

* reset "none": LI, I or CubaLI with a Threshold behind it;
* a 2x2 max-pool of spikes, which is an OR: SumPool2d with a Threshold of 1/2 behind it;
* refractory steps: refused.
"""

import json
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from hardware.checks import check_network
from hardware.network import AcceleratorConfig, FloatArray, TrainedLayer, TrainedNetwork
from hardware.nir_neuron import MARK
from spikefront.errors import DesignError

ENDLESS = 1e-17
"""dt/tau of a decay of 1 where a node must have a tau: 1 minus it is 1 in double precision."""


@dataclass(frozen=True)
class Writing:
    """What a graph says beside its network.

    Attributes:
        dt_s: step in seconds that the time constants are stated for.
        accelerator: the accelerator of a design, so that it can be priced again as it was; None without.
    """

    dt_s: float
    accelerator: AcceleratorConfig | None = None


def to_nir(nir: Any, network: TrainedNetwork, how: Writing) -> Any:
    """Return ``network`` as a ``nir.NIRGraph``.

    Args:
        nir: the nir package.
        network: the trained network.
        how: the step and what else the graph says.

    Raises:
        DesignError: where a layer has no equivalent in NIR, or the step is no time.
    """
    if not (np.isfinite(how.dt_s) and how.dt_s > 0):
        raise DesignError(f"The step dt = {how.dt_s} is no time; give seconds above zero.")
    check_network(network)
    writer = _Writer(nir, how.dt_s)
    for index, layer in enumerate(network.layers):
        _check_exportable(layer, index)
        writer.layer(index, layer)
    writer.add("output", nir.Output({"output": np.array(writer.shape)}))
    names = list(writer.nodes)
    return nir.NIRGraph(writer.nodes, list(pairwise(names)), metadata=_metadata(network, how))


def _metadata(network: TrainedNetwork, how: Writing) -> dict[str, Any]:
    mark: dict[str, Any] = {
        "time_steps": int(network.time_steps),
        "encoding": network.encoding,
        "readout": network.readout,
        "population": int(network.population),
    }
    if how.accelerator is not None:
        mark["accelerator"] = json.dumps(how.accelerator.as_dict())
    return {"dt": how.dt_s, MARK: mark}


def _check_exportable(layer: TrainedLayer, index: int) -> None:
    if layer.rest > 0:
        raise DesignError(
            f"Layer {index} has {layer.rest} refractory steps, which NIR's neurons do not have; train "
            "without them (Lapicque with reset 'zero' has one)."
        )
    if layer.reset == "fixed" and layer.beta == 0:
        raise DesignError(
            f"Layer {index} resets to {layer.reset_value:g} with beta 0, so that NIR's reset would be "
            "forgotten by the next step; train with reset 'zero'."
        )


class _Writer:
    """Nodes in the order of the chain; ``shape`` is that of the signal behind the last of them."""

    def __init__(self, nir: Any, dt_s: float) -> None:
        self.nir = nir
        self.dt_s = dt_s
        self.nodes: dict[str, Any] = {}
        self.shape: tuple[int, ...] = ()

    def add(self, name: str, node: Any) -> None:
        self.nodes[name] = node

    def layer(self, index: int, layer: TrainedLayer) -> None:
        """Append the nodes of a layer."""
        nir, weight = self.nir, np.asarray(layer.weight, dtype=np.float64)
        if not self.nodes:
            geometry = layer.convolution
            self.shape = (layer.n_in,) if geometry is None else geometry.in_shape
            self.add("input", nir.Input({"input": np.array(self.shape)}))
        if layer.convolution is not None:
            self._convolution(index, layer, weight)
        else:
            if len(self.shape) > 1:
                self.add(f"flatten{index}", nir.Flatten({"input": np.array(self.shape)}, 0, -1))
            bias = layer.bias
            self.add(
                f"synapse{index}", nir.Linear(weight) if bias is None else nir.Affine(weight, _floats(bias))
            )
            self.shape = (len(weight),)
        self._neurons(index, layer)
        if layer.convolution is not None and layer.convolution.pool > 1:
            self._or(index, len(weight), layer.convolution.out_frame)

    def _convolution(self, index: int, layer: TrainedLayer, weight: FloatArray) -> None:
        geometry = layer.convolution
        if geometry is None or self.shape != geometry.in_shape:
            raise DesignError(
                f"Layer {index} reads {list(self.shape)} values as frames of another shape, for which NIR "
                "has no node; put fully connected layers last."
            )
        bias = np.zeros(len(weight)) if layer.bias is None else _floats(layer.bias)
        self.add(
            f"synapse{index}",
            self.nir.Conv2d(
                geometry.in_shape[1:],
                weight,
                int(geometry.stride),
                int(geometry.padding),
                dilation=1,
                groups=1,
                bias=bias,
            ),
        )
        self.shape = (len(weight), *geometry.frame)

    def _or(self, index: int, channels: int, frame: tuple[int, int]) -> None:
        two, none = np.array([2, 2]), np.array([0, 0])
        self.add(f"pool{index}", self.nir.SumPool2d(two, two, none))
        self.shape = (channels, *frame)
        self.add(f"or{index}", self.nir.Threshold(np.full(self.shape, 0.5)))

    def _neurons(self, index: int, layer: TrainedLayer) -> None:
        """Append a layer's neurons; recurrent ones as a nested graph, as snnTorch writes them."""
        nir, ones = self.nir, np.ones(self.shape)
        nodes = {"lif": _neuron(nir, layer, self.dt_s, ones)}
        if layer.reset == "none":
            nodes = {"li": nodes["lif"], "threshold": nir.Threshold(layer.threshold * ones)}
        names = list(nodes)
        if layer.recurrent is None:
            for name, node in nodes.items():
                self.add(f"{name}{index}", node)
            return
        edges = [("input", names[0]), *pairwise(names), (names[-1], "w_rec"), ("w_rec", names[0])]
        inner = {
            "input": nir.Input({"input": np.array(self.shape)}),
            **nodes,
            "w_rec": nir.Linear(_floats(layer.recurrent)),
            "output": nir.Output({"output": np.array(self.shape)}),
        }
        self.add(f"recurrent{index}", nir.NIRGraph(inner, [*edges, (names[-1], "output")]))


def _floats(values: FloatArray) -> FloatArray:
    return np.asarray(values, dtype=np.float64)


def _neuron(nir: Any, layer: TrainedLayer, dt_s: float, ones: FloatArray) -> Any:
    """Return the node of a layer's neurons, with every parameter per neuron."""
    mark: dict[str, Any] = {"metadata": {MARK: {"reset": "subtract"}}} if layer.reset == "subtract" else {}
    free = layer.reset == "none"
    if not free:
        reset = layer.reset_value / layer.beta if layer.reset == "fixed" else 0.0
        mark |= {"v_threshold": layer.threshold * ones, "v_reset": reset * ones}
    if layer.alpha is None and layer.beta == 1:
        return (nir.I if free else nir.IF)(r=ones / dt_s, **mark)
    tau = dt_s / max(1 - layer.beta, ENDLESS)
    leaky = {"r": tau / dt_s * ones, "v_leak": 0 * ones, **mark}
    if layer.alpha is None:
        return (nir.LI if free else nir.LIF)(tau=tau * ones, **leaky)
    tau_syn = dt_s / max(1 - layer.alpha, ENDLESS)
    kind = nir.CubaLI if free else nir.CubaLIF
    return kind(tau_syn=tau_syn * ones, tau_mem=tau * ones, w_in=tau_syn / dt_s * ones, **leaky)
