"""The integer network: what the accelerator computes, and the shapes that follow from its configuration."""

from dataclasses import dataclass

import numpy as np

from hardware.network import AcceleratorConfig, Convolution, Encoding, IntArray, Readout, Reset


@dataclass(frozen=True, eq=False)
class IntegerLayer:
    """One spiking layer in integers.

    Attributes:
        weight: int64 (n_out, n_in), or (channels, Cin, K, K) of a convolution; unit ``scale``.
        threshold: a neuron fires when its membrane potential is above it; unit ``scale``, at least 1.
        leak: multiplier b of ``(m * b) >> leak_bits``, or shift k of ``m - (m >> k)`` where k = 0 stands for
            no leak, by ``config.leak``.
        reset: what a spike does to the membrane potential.
        accumulator_bits: signed width that no sum of this layer's inputs can overflow; under direct encoding
            the first layer's is the width of the kept current, ``input_bits`` fraction bits included.
        scale: value of one membrane potential LSB in the unit of the float weights.
        beta: decay per time step that ``leak`` gives before rounding.
        refractory_steps: steps behind a spike without current and without spike.
        reset_value: what reset "fixed" sets the membrane potential to.
        synapse_leak: as ``leak``, of the synaptic current; None without one (order I).
        bias: int64 (channels,) added to the current of every step, or None.
        state_bits: width in which a neuron keeps what its inputs add to: ``accumulator_bits``; or, where a
            kept current takes the inputs, what its own spikes need on top of ``membrane_bits``.
        recurrent: int64 (n_out, n_out), unit ``scale``, weights of the layer's own spikes one step before.
        convolution: geometry of a convolutional layer.
    """

    weight: IntArray
    threshold: int
    leak: int
    reset: Reset
    accumulator_bits: int
    scale: float
    beta: float
    refractory_steps: int = 0
    reset_value: int = 0
    synapse_leak: int | None = None
    bias: IntArray | None = None
    state_bits: int = 0
    recurrent: IntArray | None = None
    convolution: Convolution | None = None

    @property
    def n_in(self) -> int:
        """Inputs."""
        return int(self.weight.shape[1]) if self.convolution is None else self.convolution.n_in

    @property
    def n_out(self) -> int:
        """Outputs: neurons, or pixels of all channels behind the pooling."""
        return self.channels * (1 if self.convolution is None else self.convolution.out_pixels)

    @property
    def channels(self) -> int:
        """Neurons with weights of their own: output channels, or all neurons of a fully connected layer."""
        return int(self.weight.shape[0])

    @property
    def pixels(self) -> int:
        """Neurons that share a channel's weights: 1 in a fully connected layer."""
        return 1 if self.convolution is None else self.convolution.pixels

    @property
    def taps(self) -> int:
        """Weights of a channel that one input meets: the kernel's, or 1 in a fully connected layer."""
        return 1 if self.convolution is None else self.convolution.taps

    @property
    def rows(self) -> IntArray:
        """Weights as the weight memory holds them: int64 (channels, inputs and own spikes, or kernel)."""
        if self.convolution is not None:
            return self.weight.reshape(self.channels, -1)
        return self.weight if self.recurrent is None else np.hstack([self.weight, self.recurrent])

    @property
    def bias_bits(self) -> int:
        """Signed width of a bias; 0 without one."""
        if self.bias is None:
            return 0
        return signed_bits(int(self.bias.min()), int(self.bias.max()))


@dataclass(frozen=True, eq=False)
class IntegerNetwork:
    """A quantised network on one accelerator configuration.

    Spikes depend on the layers, ``time_steps``, ``encoding`` and the widths of ``config``, but not on its
    ``lanes``, ``chunk_bits``, ``family``, ``schedule``, ``sweep`` and ``clock_mhz``: those may be replaced at
    will.
    """

    layers: tuple[IntegerLayer, ...]
    time_steps: int
    encoding: Encoding
    config: AcceleratorConfig
    readout: Readout = "count"
    population: int = 1

    @property
    def sizes(self) -> tuple[int, ...]:
        """Neurons per layer, inputs first."""
        return (self.layers[0].n_in, *(layer.n_out for layer in self.layers))

    @property
    def classes(self) -> int:
        """Classes that the readout tells apart."""
        return self.sizes[-1] // self.population

    @property
    def ranked(self) -> int:
        """Cycles in which the readout compares candidates, behind the last spike vector."""
        return {"count": self.classes, "max_membrane": self.sizes[-1], "first_spike": 0}[self.readout]

    @property
    def direct(self) -> bool:
        """Whether the input is a constant current instead of spikes."""
        return self.encoding == "direct"

    @property
    def lanes(self) -> tuple[int, ...]:
        """Neuron cores that are built per layer: as configured, but never more than the layer has neurons."""
        return tuple(min(p, layer.channels) for p, layer in zip(self.config.lanes, self.layers, strict=True))

    @property
    def groups(self) -> tuple[int, ...]:
        """Groups of ``lanes`` channels per layer (G)."""
        return tuple(-(-layer.channels // p) for layer, p in zip(self.layers, self.lanes, strict=True))

    @property
    def beats(self) -> tuple[int, ...]:
        """Cycles per input spike and layer: G, or K x K x G of a convolution."""
        return tuple(g * layer.taps for g, layer in zip(self.groups, self.layers, strict=True))

    @property
    def sweeps(self) -> tuple[int, ...]:
        """State words of a layer, which a dense sweep fires one per cycle: G, or Ho x Wo x G of a
        convolution."""
        return tuple(g * layer.pixels for g, layer in zip(self.groups, self.layers, strict=True))

    @property
    def chunks(self) -> tuple[int, ...]:
        """Chunks of ``chunk_bits`` that one input vector of each layer takes (C)."""
        return tuple(-(-n // self.config.chunk_bits) for n in self.sizes[:-1])

    @property
    def echo_chunks(self) -> tuple[int, ...]:
        """Chunks that a recurrent layer's own spikes take behind each input vector; 0 elsewhere."""
        width = self.config.chunk_bits
        return tuple(0 if layer.recurrent is None else -(-layer.n_out // width) for layer in self.layers)

    @property
    def input_vectors(self) -> int:
        """Vectors of n_in bits that the host loads per inference: spike vectors, or direct bit planes."""
        return self.config.input_bits if self.direct else self.time_steps

    @property
    def input_words(self) -> int:
        """Words of ``chunk_bits`` that the host loads per inference."""
        return self.input_vectors * self.chunks[0]


def signed_bits(lowest: int, highest: int) -> int:
    """Return the least two's complement width that holds ``lowest`` and ``highest``."""
    return 1 + max(max(highest, 0).bit_length(), (-1 - min(lowest, 0)).bit_length())


def membrane_range(config: AcceleratorConfig) -> tuple[int, int]:
    """Return the least and the greatest membrane potential that ``membrane_bits`` can store."""
    top = 1 << (config.membrane_bits - 1)
    return -top, top - 1
