"""A trained network as plain numbers: all that is needed to run it elsewhere."""

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from models.architecture import Layer
from models.dynamics import Kind, Reset
from models.encoders import Encoding
from models.folding import plain_stages
from models.network import Stage
from models.normalisation import BatchNorm
from models.parameters import LayerParameters, Network
from models.specification import Readout

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LayerWeights:
    """One trained layer.

    Attributes:
        layer: its shapes.
        weight: float64 (n, n_in) or (channels, input channels, kernel, kernel); input gain, normalisation and
            thresholds of single neurons folded in.
        bias: float64 (n,) or (channels,), added to the current of every step; None without.
        recurrent: float64 (n, n), from neuron (column) to neuron (row); None without.
        beta: effective decay of the membrane potential per time step; an array where neurons have their own.
        threshold: firing threshold, in the unit of ``weight``.
        reset: what a spike does to the membrane potential.
        blank_after_spike: whether the input of the step after a spike is discarded too (reset "zero" only).
        alpha: decay of the synaptic current per time step; None without one.
        refractory_steps: steps behind a spike without input and without spike.
        kind: which equations hold (``models.dynamics.Dynamics``).
        adaptive: whether spikes move the threshold.
    """

    layer: Layer
    weight: FloatArray
    bias: FloatArray | None
    recurrent: FloatArray | None
    beta: float | FloatArray
    threshold: float
    reset: Reset
    blank_after_spike: bool
    alpha: float | None = None
    refractory_steps: int = 0
    kind: Kind = "leaky"
    adaptive: bool = False


@dataclass(frozen=True, eq=False)
class TrainedWeights:
    """A trained network: its layers, and how its inputs and outputs are read."""

    layers: tuple[LayerWeights, ...]
    time_steps: int
    encoding: Encoding
    readout: Readout
    population: int


def trained_weights(network: Network) -> TrainedWeights:
    """The network as plain numbers; weights keep their full precision also where training rounded them."""
    spec = network.spec
    stages = plain_stages(in_double(network), quantised=False)
    return TrainedWeights(
        tuple(_layer_weights(stage) for stage in stages),
        spec.time_steps,
        spec.encoding,
        spec.readout,
        spec.population,
    )


def _layer_weights(stage: Stage) -> LayerWeights:
    dynamics = stage.dynamics
    return LayerWeights(
        layer=stage.layer,
        weight=np.ascontiguousarray(stage.weight.detach().numpy(force=True)),
        bias=_array(stage.bias),
        recurrent=_array(stage.recurrent),
        beta=_plain(dynamics.decay),
        threshold=float(dynamics.threshold),
        reset=dynamics.reset,
        blank_after_spike=dynamics.blank_after_spike and dynamics.reset == "zero",
        alpha=None if dynamics.alpha is None else float(dynamics.alpha),
        refractory_steps=dynamics.refractory_steps,
        kind=dynamics.kind,
        adaptive=dynamics.adaptation is not None,
    )


def _array(values: Tensor | None) -> FloatArray | None:
    return None if values is None else np.array(values.detach().numpy(force=True))


def _plain(value: float | Tensor) -> float | FloatArray:
    if not isinstance(value, Tensor):
        return value
    array = value.detach().numpy(force=True)
    return float(array) if array.ndim == 0 else np.array(array)


def in_double(network: Network) -> Network:
    """The same network in float64, without gradients."""
    return Network(network.spec, tuple(_doubled(layer) for layer in network.layers))


def _doubled(layer: LayerParameters) -> LayerParameters:
    values = {each.name: getattr(layer, each.name) for each in fields(layer)}
    tensors = {name: value.detach().double() for name, value in values.items() if isinstance(value, Tensor)}
    norm = layer.norm
    if norm is not None:
        norm = BatchNorm(**{name: value.detach().double() for name, value in norm.tensors().items()})
    return replace(layer, **tensors, norm=norm)
