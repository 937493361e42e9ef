"""Fully connected spiking networks: their specification, weights, and forward pass."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from models.encoders import Code, Encoding
from models.neurons import neuron_constants
from models.scan import RESETS, Dynamics, Reset, scan
from models.surrogates import surrogate_named
from spikefront.errors import SpecError


@dataclass(frozen=True)
class NetworkSpec:
    """A fully connected network without biases, the same neuron in every layer.

    Attributes:
        sizes: neurons per layer, inputs first, classes last.
        time_steps: steps per sample.
        encoding: "rate", "latency" or "direct".
        neuron: "leaky" or "lapicque".
        beta: decay parameter of the neuron, as in snnTorch.
        threshold: firing threshold.
        reset: "subtract", "zero" or "none".
        surrogate: name of the surrogate derivative.
        surrogate_slope: its slope, one over membrane potential.
        init_scale: weights start uniform over +-init_scale / sqrt(n_in); 1 is what PyTorch's Linear does.
    """

    sizes: tuple[int, ...]
    time_steps: int
    encoding: Encoding = "rate"
    neuron: str = "leaky"
    beta: float = 0.9
    threshold: float = 1.0
    reset: Reset = "subtract"
    surrogate: str = "fast_sigmoid"
    surrogate_slope: float = 5.0
    init_scale: float = 1.0

    def __post_init__(self) -> None:
        if len(self.sizes) < 2 or min(self.sizes) < 1:
            raise SpecError(
                f"network sizes are {self.sizes}; give inputs and classes at least, each 1 or more"
            )
        if not (math.isfinite(self.threshold) and self.threshold > 0):
            raise SpecError(f"threshold is {self.threshold}; give a finite number above 0")
        if not (math.isfinite(self.init_scale) and self.init_scale > 0):
            raise SpecError(f"init_scale is {self.init_scale}; give a finite number above 0")
        if self.reset not in RESETS:
            raise SpecError(f"reset {self.reset!r} is unknown; choose one of {', '.join(RESETS)}")
        _ = self.code, self.dynamics  # built here once, so that a wrong name or value is refused early

    @property
    def code(self) -> Code:
        """Encoding and time steps."""
        return Code(self.encoding, self.time_steps)

    @property
    def dynamics(self) -> Dynamics:
        """Constants of the recurrence in every layer."""
        constants = neuron_constants(self.neuron, self.beta)
        return Dynamics(
            decay=constants.decay,
            gain=constants.gain,
            threshold=self.threshold,
            reset=self.reset,
            blank_after_spike=constants.blank_after_spike,
            derivative=surrogate_named(self.surrogate).derivative(self.surrogate_slope),
        )


@dataclass(frozen=True, eq=False)
class LayerWeights:
    """One trained layer as plain numbers.

    Attributes:
        weight: float64 (n_out, n_in), the neuron's input gain folded in.
        beta: effective decay of the membrane potential per time step.
        threshold: firing threshold, in the unit of ``weight``.
        reset: what a spike does to the membrane potential.
        blank_after_spike: with reset "zero", whether the input of the step after a spike is discarded too.
    """

    weight: NDArray[np.float64]
    beta: float
    threshold: float
    reset: Reset
    blank_after_spike: bool


@dataclass(frozen=True, eq=False)
class TrainedWeights:
    """A trained network as plain numbers: all that is needed to run it elsewhere."""

    layers: tuple[LayerWeights, ...]
    time_steps: int
    encoding: Encoding


@dataclass(frozen=True, eq=False)
class Activity:
    """What a batch did.

    Attributes:
        counts: output spikes per sample and class (B, classes), differentiable.
        layer_spikes: spikes per sample and layer (B, L), summed over neurons and time steps, int64.
    """

    counts: Tensor
    layer_spikes: Tensor


def run(
    weights: Sequence[Tensor],
    dynamics: Sequence[Dynamics],
    inputs: Tensor,
    time_steps: int,
    columns: Tensor | None = None,
) -> Activity:
    """Run a batch through the network, layer by layer over all time steps.

    Args:
        weights: one (n_out, n_in) per layer.
        dynamics: constants of each layer's recurrence.
        inputs: spikes (T, B, n_in), or a constant current (B, n_in) that the first layer multiplies only
            once.
        time_steps: T.
        columns: when given, ``inputs`` holds only these of the n_in inputs, the others being zero.
    """
    per_layer: list[Tensor] = []
    first = weights[0] if columns is None else weights[0].index_select(1, columns)
    spikes = inputs
    for weight, constants in zip((first, *weights[1:]), dynamics, strict=True):
        currents = functional.linear(spikes, weight)
        if currents.ndim == 2:
            currents = currents.expand(time_steps, -1, -1)
        spikes, _ = scan(currents, constants)
        per_layer.append(spikes.detach().sum(2).sum(0))
    return Activity(spikes.sum(0), torch.stack(per_layer, dim=1).to(torch.int64))


def initial_weights(spec: NetworkSpec, seed: int) -> list[Tensor]:
    """Draw float32 weights, uniform over +-init_scale / sqrt(n_in); depends on the arguments alone."""
    generator = torch.Generator().manual_seed(seed)
    weights = []
    for n_in, n_out in pairwise(spec.sizes):
        draw = torch.rand((n_out, n_in), generator=generator)
        weights.append((draw * 2.0 - 1.0) * (spec.init_scale / math.sqrt(n_in)))
    return weights


def trained_weights(spec: NetworkSpec, weights: Sequence[Tensor]) -> TrainedWeights:
    """The network as plain numbers."""
    dynamics = spec.dynamics
    layers = tuple(
        LayerWeights(
            weight=weight.detach().to(torch.float64).numpy() * float(dynamics.gain),
            beta=float(dynamics.decay),
            threshold=float(dynamics.threshold),
            reset=dynamics.reset,
            blank_after_spike=dynamics.blank_after_spike,
        )
        for weight in weights
    )
    return TrainedWeights(layers, spec.time_steps, spec.encoding)
