"""What of a network decides its area and, with its spikes, its cycles: known before any training.

The layers' ``leaks`` are the decays as configured. Where training decides them too they are unknown, and what
depends on them is assumed as for a decay that needs its multiplier.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from hardware.integer import IntegerLayer, IntegerNetwork
from hardware.network import AcceleratorConfig, Convolution, Encoding, Readout, TrainedLayer, TrainedNetwork
from spikefront.errors import DesignError

Leaks = tuple[float | None, ...]


@dataclass(frozen=True)
class LayerShape:
    """One spiking layer without its weights.

    Attributes:
        n_in: inputs.
        channels: neurons with weights of their own: output channels of a convolution, or all neurons.
        convolution: geometry of a convolutional layer; None for a fully connected one.
        recurrent: whether its own spikes of the step before are inputs as well.
        bias: whether there are biases.
        leaks: decay per time step of the membrane potential and, for neurons of order II, of the synaptic
            current behind it; None where it is not known.
        subtracts: whether a spike subtracts the threshold.
        refractory_steps: steps behind a spike without current and without spike.
    """

    n_in: int
    channels: int
    convolution: Convolution | None = None
    recurrent: bool = False
    bias: bool = False
    leaks: Leaks = (None,)
    subtracts: bool = True
    refractory_steps: int = 0

    @property
    def n_out(self) -> int:
        """Outputs: neurons, or pixels of all channels behind the pooling."""
        return self.channels * (1 if self.convolution is None else self.convolution.out_pixels)

    @property
    def pixels(self) -> int:
        """Neurons that share a channel's weights: 1 in a fully connected layer."""
        return 1 if self.convolution is None else self.convolution.pixels

    @property
    def taps(self) -> int:
        """Weights of a channel that one input meets: the kernel's, or 1 in a fully connected layer."""
        return 1 if self.convolution is None else self.convolution.taps

    @property
    def fan_in(self) -> int:
        """Weights that add up in one neuron, those of own spikes included."""
        if self.convolution is not None:
            return self.convolution.in_shape[0] * self.taps
        return self.n_in + self.own

    @property
    def own(self) -> int:
        """Own spikes of the step before that add up in one neuron; 0 without recurrence."""
        return self.channels * self.recurrent


@dataclass(frozen=True)
class NetworkShape:
    """A network without its weights.

    Attributes:
        layers: first to last; layer k's n_out is layer k+1's n_in.
        time_steps: steps per inference.
        encoding: how the input is fed.
        readout: what decides the class.
        population: output neurons per class.
    """

    layers: tuple[LayerShape, ...]
    time_steps: int
    encoding: Encoding
    readout: Readout = "count"
    population: int = 1

    def __post_init__(self) -> None:
        if not self.layers:
            raise DesignError("The network has no layers; give at least one.")
        if self.time_steps < 1:
            raise DesignError(f"time_steps = {self.time_steps} leaves nothing to do; choose at least 1.")
        for k, layer in enumerate(self.layers):
            if min(layer.n_in, layer.channels) < 1:
                raise DesignError(
                    f"Layer {k} has {layer.n_in} inputs and {layer.channels} channels; give at least one of "
                    "each."
                )
            if layer.convolution is not None and layer.convolution.n_in != layer.n_in:
                raise DesignError(
                    f"Layer {k} has {layer.n_in} inputs but a frame {layer.convolution.in_shape}; "
                    "the two must be equal."
                )
        for k, (before, after) in enumerate(pairwise(self.layers)):
            if before.n_out != after.n_in:
                raise DesignError(
                    f"Layer {k} has {before.n_out} outputs but layer {k + 1} has {after.n_in} inputs; "
                    "the two must be equal."
                )
        if self.population < 1 or self.layers[-1].n_out % self.population:
            raise DesignError(
                f"population = {self.population} does not divide the {self.layers[-1].n_out} output neurons; "
                "choose a divisor."
            )

    @property
    def sizes(self) -> tuple[int, ...]:
        """Inputs, then the outputs of every layer."""
        return (self.layers[0].n_in, *(layer.n_out for layer in self.layers))

    @property
    def direct(self) -> bool:
        """Whether the input is a constant current instead of spikes."""
        return self.encoding == "direct"

    @property
    def classes(self) -> int:
        """Classes that the readout tells apart."""
        return self.layers[-1].n_out // self.population

    @property
    def ranked(self) -> int:
        """Cycles in which the readout compares candidates, behind the last spike vector."""
        return {"count": self.classes, "max_membrane": self.layers[-1].n_out, "first_spike": 0}[self.readout]

    def vectors(self, layer: int, input_bits: int) -> int:
        """Input vectors of ``layer`` per inference: time steps, or bit planes of a constant current."""
        return input_bits if self.direct and layer == 0 else self.time_steps

    def lanes(self, config: AcceleratorConfig) -> tuple[int, ...]:
        """Neuron cores that are built per layer: as configured, but never more than it has channels."""
        return tuple(min(p, layer.channels) for p, layer in zip(config.lanes, self.layers, strict=True))

    def groups(self, config: AcceleratorConfig) -> tuple[int, ...]:
        """Groups of lanes per layer (G)."""
        return tuple(
            -(-layer.channels // p) for layer, p in zip(self.layers, self.lanes(config), strict=True)
        )


def fully_connected(sizes: tuple[int, ...], time_steps: int, encoding: Encoding) -> NetworkShape:
    """Return the shape of a feed-forward network of fully connected layers with ``sizes``, inputs first.

    Neurons are of order I with a leak that is not known; resets subtract; spikes are counted.
    """
    return NetworkShape(tuple(LayerShape(a, b) for a, b in pairwise(sizes)), time_steps, encoding)


def shape_of(net: TrainedNetwork | IntegerNetwork) -> NetworkShape:
    """Return the shape of a network whose weights are there.

    Raises:
        DesignError: where its layers do not fit one another.
    """
    layers: Iterable[LayerShape]
    if isinstance(net, TrainedNetwork):
        layers = (_layer(found, _trained_leaks(found), found.rest) for found in net.layers)
    else:
        layers = (
            _layer(found, _integer_leaks(found, net.config), found.refractory_steps) for found in net.layers
        )
    return NetworkShape(tuple(layers), net.time_steps, net.encoding, net.readout, net.population)


def _layer(layer: TrainedLayer | IntegerLayer, leaks: Leaks, rest: int) -> LayerShape:
    return LayerShape(
        n_in=layer.n_in,
        channels=len(layer.weight),
        convolution=layer.convolution,
        recurrent=layer.recurrent is not None,
        bias=layer.bias is not None,
        leaks=leaks,
        subtracts=layer.reset == "subtract",
        refractory_steps=rest,
    )


def _trained_leaks(layer: TrainedLayer) -> Leaks:
    return (layer.beta,) if layer.alpha is None else (layer.beta, layer.alpha)


def _integer_leaks(layer: IntegerLayer, config: AcceleratorConfig) -> Leaks:
    if layer.synapse_leak is None:
        return (layer.beta,)
    if config.leak == "multiply":
        return layer.beta, layer.synapse_leak / 2**config.leak_bits
    return layer.beta, 1 - 2.0**-layer.synapse_leak if layer.synapse_leak else 1.0
