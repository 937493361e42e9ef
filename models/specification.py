"""What a network is asked to be: its layers, its neurons, how its weights start and are constrained."""

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import torch

from models.architecture import Layer, parse
from models.dynamics import RESETS, Adaptation, Constant, Dynamics, Reset
from models.encoders import Code, Encoding
from models.neurons import neuron_constants
from models.surrogates import surrogate_named
from spikefront.errors import SpecError

Readout = Literal["count", "first_spike", "max_membrane"]
Initial = Literal["uniform", "kaiming", "xavier", "orthogonal"]
Learn = Literal["fixed", "layer", "neuron"]
Leak = Literal["multiply", "shift"]
READOUTS: tuple[Readout, ...] = ("count", "first_spike", "max_membrane")
INITIALS: tuple[Initial, ...] = ("uniform", "kaiming", "xavier", "orthogonal")
LEARNS: tuple[Learn, ...] = ("fixed", "layer", "neuron")

PerLayer = float | tuple[float, ...]
"""One value for every layer, or one per layer."""


@dataclass(frozen=True)
class NeuronSpec:
    """The neurons of a network: one model in every layer.

    Attributes:
        model: a key of ``models.neurons.NEURONS``.
        beta: decay parameter, as in snnTorch; one for all layers or one per layer.
        threshold: firing threshold; likewise.
        alpha: decay of the synaptic current, for the models that have one ("synaptic", "alpha"); the others
            do not look at it.
        reset: "subtract", "zero" or "none".
        refractory_steps: steps behind a spike in which a neuron neither takes its current nor fires.
        adaptation: what spikes do to the threshold; None for nothing.
        surrogate: name of the surrogate derivative.
        slope: its slope, one over membrane potential.
        learn_beta, learn_threshold: whether the value stays "fixed", or is where learning starts: one value
            per "layer", or one per "neuron" (in a convolution: per channel, whose neurons share everything).
    """

    model: str = "leaky"
    beta: PerLayer = 0.9
    threshold: PerLayer = 1.0
    alpha: float = 0.8
    reset: Reset = "subtract"
    refractory_steps: int = 0
    adaptation: Adaptation | None = None
    surrogate: str = "fast_sigmoid"
    slope: float = 5.0
    learn_beta: Learn = "fixed"
    learn_threshold: Learn = "fixed"

    def __post_init__(self) -> None:
        if self.reset not in RESETS:
            raise SpecError(f"reset {self.reset!r} is unknown; choose one of {', '.join(RESETS)}")
        for threshold in _values(self.threshold):
            if not (math.isfinite(threshold) and threshold > 0):
                raise SpecError(f"threshold is {threshold}; give a finite number above 0")
        for name in ("learn_beta", "learn_threshold"):
            if getattr(self, name) not in LEARNS:
                raise SpecError(
                    f"{name} is {getattr(self, name)!r}; choose one of {', '.join(map(repr, LEARNS))}"
                )
        for beta in _values(self.beta):
            self.dynamics(beta, 1.0)  # built here once, so that a wrong name or value is refused early

    def dynamics(
        self,
        beta: Constant,
        threshold: Constant,
        *,
        recurrent: bool = False,
        generator: torch.Generator | None = None,
    ) -> Dynamics:
        """Constants of the recurrence of a layer.

        Args:
            beta, threshold: of the layer; tensors that require a gradient get one.
            recurrent: whether the layer's own spikes are inputs too.
            generator: of a surrogate that draws random numbers; needed only where gradients are.
        """
        constants = neuron_constants(self.model, beta, self.alpha, recurrent=recurrent)
        surrogate = surrogate_named(self.surrogate)
        return Dynamics(
            decay=constants.decay,
            gain=constants.gain,
            threshold=threshold,
            reset=self.reset,
            blank_after_spike=constants.blank_after_spike,
            derivative=surrogate.derivative(self.slope, generator or torch.Generator()),
            alpha=constants.alpha,
            refractory_steps=self.refractory_steps,
            adaptation=self.adaptation,
            kind=constants.kind,
        )


@dataclass(frozen=True)
class Quantisation:
    """Training with the integers that the hardware will have: rounded forwards, straight through backwards.

    Weights, biases and thresholds become whole, and so do membrane potentials at every leak. What is left out
    is saturation.

    Attributes:
        weight_bits: signed weight width.
        membrane_bits: width of the membrane potential, which the threshold must fit.
        leak: decay by fixed-point multiplication or by shift.
        leak_bits: fraction bits of the multiplication.
        input_bits: width of an input value under direct encoding.
    """

    weight_bits: int
    membrane_bits: int = 16
    leak: Leak = "multiply"
    leak_bits: int = 8
    input_bits: int = 8

    def __post_init__(self) -> None:
        if not 2 <= self.weight_bits <= 16:
            raise SpecError(f"weight_bits of the training is {self.weight_bits}; give 2 to 16")
        if not 3 <= self.membrane_bits <= 32:
            raise SpecError(f"membrane_bits of the training is {self.membrane_bits}; give 3 to 32")
        if self.leak not in ("multiply", "shift"):
            raise SpecError(f"leak of the training is {self.leak!r}; choose one of multiply, shift")
        for name in ("leak_bits", "input_bits"):
            if not 1 <= getattr(self, name) <= 16:
                raise SpecError(f"{name} of the training is {getattr(self, name)}; give 1 to 16")


@dataclass(frozen=True)
class NetworkSpec:
    """A spiking network before training.

    Attributes:
        layout: its layers in the compact form of ``models.architecture``, as "32c3-p2-256-10".
        input_shape: of one sample in one time step: (n,), (rows, columns) or (channels, rows, columns).
        time_steps: steps per sample.
        encoding: how samples become inputs.
        neuron: of every layer.
        bias: whether every neuron (or channel) has a constant current of its own; starts at zero.
        batch_norm: normalise the currents of every layer but the last over batch and time steps; takes the
            place of those layers' biases and is folded into weights and biases after training.
        dropout: share of a hidden layer's outputs that are left out in training; a sample's stay out for
            all its time steps (Lee et al. 2020, Frontiers in Neuroscience 14:119), the others are scaled up.
        initial: how weights start: "uniform" over +-1 / sqrt(n_in), as PyTorch's Linear and Conv2d do;
            "kaiming" (normal, gain sqrt 2), "xavier" (uniform) or "orthogonal".
        init_scale: factor on the starting weights.
        population: output neurons per class.
        readout: what decides the class: most output spikes, the first of them, or the highest membrane
            potential; the lowest class on ties.
        quantisation: constraint on the weights while training; None for none.
    """

    layout: str
    input_shape: tuple[int, ...]
    time_steps: int
    encoding: Encoding = "rate"
    neuron: NeuronSpec = field(default_factory=NeuronSpec)
    bias: bool = False
    batch_norm: bool = False
    dropout: float = 0.0
    initial: Initial = "uniform"
    init_scale: float = 1.0
    population: int = 1
    readout: Readout = "count"
    quantisation: Quantisation | None = None

    def __post_init__(self) -> None:
        _ = self.code, self.layers
        for name, values in (("beta", self.neuron.beta), ("threshold", self.neuron.threshold)):
            if isinstance(values, tuple) and len(values) != len(self.layers):
                raise SpecError(
                    f"{name} has {len(values)} values and network {self.layout!r} {len(self.layers)} layers"
                    " of neurons; give one number, or one per layer"
                )
        for layer, beta in zip(self.layers, self.betas, strict=True):
            self.neuron.dynamics(beta, 1.0, recurrent=layer.recurrent)
        if not 0.0 <= self.dropout < 1.0:
            raise SpecError(f"dropout is {self.dropout}; give a share from 0 to below 1")
        if self.initial not in INITIALS:
            raise SpecError(f"initial {self.initial!r} is unknown; choose one of {', '.join(INITIALS)}")
        if not (math.isfinite(self.init_scale) and self.init_scale > 0):
            raise SpecError(f"init_scale is {self.init_scale}; give a finite number above 0")
        if self.readout not in READOUTS:
            raise SpecError(f"readout {self.readout!r} is unknown; choose one of {', '.join(READOUTS)}")

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The layers with their shapes."""
        return parse(self.layout, self.input_shape, self.population)

    @property
    def code(self) -> Code:
        """Encoding and time steps."""
        return Code(self.encoding, self.time_steps)

    @property
    def direct(self) -> bool:
        """Whether the input is one current for all steps."""
        return self.encoding == "direct"

    @property
    def classes(self) -> int:
        """Classes that the readout tells apart."""
        return self.layers[-1].channels // self.population

    @property
    def betas(self) -> tuple[float, ...]:
        """beta of every layer."""
        return _per_layer(self.neuron.beta, len(self.layers))

    @property
    def thresholds(self) -> tuple[float, ...]:
        """Threshold of every layer."""
        return _per_layer(self.neuron.threshold, len(self.layers))

    def normalised(self, layer: int) -> bool:
        """Whether that layer's currents are batch-normalised."""
        return self.batch_norm and layer < len(self.layers) - 1


def _values(value: PerLayer) -> tuple[float, ...]:
    return value if isinstance(value, tuple) else (value,)


def _per_layer(value: PerLayer, layers: int) -> tuple[float, ...]:
    return value if isinstance(value, tuple) else (value,) * layers
