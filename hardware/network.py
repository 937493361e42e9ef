"""The plain records by which the hardware side knows a network and an accelerator.

No torch here: a trained network arrives as arrays and numbers, so that ``hardware`` can be used alone.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Reset = Literal["subtract", "zero", "fixed", "none"]
Encoding = Literal["rate", "latency", "direct", "delta", "events"]
Leak = Literal["multiply", "shift"]
Family = Literal["event_driven", "clock_driven"]
Readout = Literal["count", "first_spike", "max_membrane"]
Schedule = Literal["pipelined", "sequential"]
Sweep = Literal["dense", "touched_rows"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
SpikeArray = NDArray[np.uint8]


@dataclass(frozen=True)
class Convolution:
    """The geometry of a convolutional layer: square kernels, as torch's Conv2d, and pooling of its spikes.

    Attributes:
        in_shape: channels, rows and columns of the input frame.
        kernel: rows and columns of the kernel (K).
        stride: step between output pixels.
        padding: empty rows and columns around the frame.
        pool: 2 for a 2x2 max-pool behind the neurons, which is an OR of spikes; 1 for none.
    """

    in_shape: tuple[int, int, int]
    kernel: int
    stride: int = 1
    padding: int = 0
    pool: int = 1

    @property
    def n_in(self) -> int:
        """Inputs: pixels of all channels."""
        return self.in_shape[0] * self.in_shape[1] * self.in_shape[2]

    @property
    def frame(self) -> tuple[int, int]:
        """Rows and columns of neurons."""
        grown = [n + 2 * self.padding - self.kernel for n in self.in_shape[1:]]
        return grown[0] // self.stride + 1, grown[1] // self.stride + 1

    @property
    def out_frame(self) -> tuple[int, int]:
        """Rows and columns of spikes, behind the pooling."""
        return self.frame[0] // self.pool, self.frame[1] // self.pool

    @property
    def pixels(self) -> int:
        """Neurons of a channel."""
        return self.frame[0] * self.frame[1]

    @property
    def out_pixels(self) -> int:
        """Outputs of a channel, behind the pooling."""
        return self.out_frame[0] * self.out_frame[1]

    @property
    def taps(self) -> int:
        """Weights of a kernel that one input meets."""
        return self.kernel**2


@dataclass(frozen=True, eq=False)
class TrainedLayer:
    """One spiking layer with float weights: fully connected, or convolutional.

    The membrane potential follows snnTorch's order of operations (``reset_delay=True``), where r[t] is 1 if
    the neuron fired at t - 1 and I[t] is the input current::

        m[t] = beta * m[t-1] + I[t] - r[t] * threshold                  reset "subtract"
        m[t] = (1 - r[t]) * beta * m[t-1] + I[t]                        reset "zero"
        m[t] = (1 - r[t]) * beta * m[t-1] + r[t] * reset_value + I[t]   reset "fixed"
        m[t] = beta * m[t-1] + I[t]                                     reset "none"
        s[t] = m[t] > threshold
        I[t] = D[t]                                                     order I: alpha is None
        I[t] = alpha * I[t-1] + D[t]                                    order II, snnTorch's Synaptic
        D[t] = weight @ s_in[t] + bias + recurrent @ s[t-1]

    beta 1 is the integrate-and-fire neuron (IF); snnTorch's Lapicque is order I with its effective decay.

    Attributes:
        weight: float array (n_out, n_in), or (channels, Cin, K, K) with ``convolution``; a neuron's input
            gain is already folded in.
        beta: effective decay of the membrane potential per time step, 0..1.
        threshold: firing threshold, above zero, in the unit of ``weight``.
        reset: what a spike does to the membrane potential.
        blank_after_spike: with reset "zero", whether the input of the step after a spike is discarded too
            (snnTorch's Lapicque does: ``m[t] = (1 - r) * (beta * m[t-1] + I[t])``; its Leaky does not). It
            means one refractory step.
        alpha: decay of the synaptic current per time step, 0..1; None for a neuron without one (order I).
        bias: float array (n_out,), or (channels,) with ``convolution``, added to the current in every step;
            or None.
        refractory_steps: steps behind a spike in which a neuron neither takes its current nor fires; the
            membrane potential still leaks, and a synaptic current goes on.
        reset_value: what reset "fixed" sets the membrane potential to, below the threshold.
        recurrent: float array (n_out, n_out) that weighs the layer's own spikes of the step before, from
            neuron (column) to neuron (row), in the unit of ``weight``; None for a feed-forward layer.
        convolution: geometry of a convolutional layer; None for a fully connected one. Frames are flattened
            as (channel, row, column).
    """

    weight: FloatArray
    beta: float
    threshold: float
    reset: Reset
    blank_after_spike: bool = False
    alpha: float | None = None
    bias: FloatArray | None = None
    refractory_steps: int = 0
    reset_value: float = 0.0
    recurrent: FloatArray | None = None
    convolution: Convolution | None = None

    @property
    def n_in(self) -> int:
        """Inputs."""
        return int(self.weight.shape[1]) if self.convolution is None else self.convolution.n_in

    @property
    def n_out(self) -> int:
        """Outputs: neurons, or pixels of all channels behind the pooling."""
        return int(self.weight.shape[0]) * (1 if self.convolution is None else self.convolution.out_pixels)

    @property
    def rest(self) -> int:
        """Refractory steps behind a spike, ``blank_after_spike`` included."""
        return max(self.refractory_steps, int(self.blank_after_spike))


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """A trained feed-forward network: what ``models`` hands to ``hardware``.

    Attributes:
        layers: first to last; layer k's n_out is layer k+1's n_in.
        time_steps: steps per inference.
        encoding: "direct" feeds one constant current (N, n_in), every other one spikes (N, T, n_in)
            with values 0..1 at every step.
        readout: what the class is decided by: most output spikes ("count"), the earliest output spike
            ("first_spike"), or the highest membrane potential of the last layer over all steps, before the
            reset ("max_membrane"). The lowest class wins a tie, and where there is no spike at all.
        population: output neurons per class: class c has the neurons c * population and up. Their spikes add
            up; the first of them to fire counts, or the highest. Where a convolution is last, its neurons are
            the pixels behind the pooling, in the order (channel, row, column), and the membrane potential of
            a pixel is the highest in its window; so rows times columns of neurons per class make every
            channel a class.
    """

    layers: tuple[TrainedLayer, ...]
    time_steps: int
    encoding: Encoding
    readout: Readout = "count"
    population: int = 1

    @property
    def sizes(self) -> tuple[int, ...]:
        """Neurons per layer, inputs first: (n_in, n_1, ..., n_out)."""
        return (self.layers[0].n_in, *(layer.n_out for layer in self.layers))


@dataclass(frozen=True)
class AcceleratorConfig:
    """One configuration of an accelerator.

    Attributes:
        lanes: neuron cores per layer (P); one weight-memory word holds the weights of P neurons, or of P
            output channels of a convolution.
        weight_bits: signed weight width, sign included.
        membrane_bits: stored membrane potential width, sign included; saturation happens at this width.
        leak: decay by fixed-point multiply (``(v * b) >> leak_bits``) or by shift (``v - (v >> k)``).
        leak_bits: fraction bits of the multiply leak.
        input_bits: width of one input value under direct encoding.
        chunk_bits: inputs that the spike scanner looks at in one cycle (W).
        clock_mhz: nominal clock.
        family: "event_driven" scans for spikes, which alone cost time; "clock_driven" walks all inputs of a
            step that has any spike, one per cycle, all layers in step.
        schedule: layers work on successive time steps at once ("pipelined"), or a step enters the first layer
            only when the last layer has finished the step before ("sequential").
        sweep: neurons of an event-driven convolutional layer that fire in a step: all ("dense"), or those of
            rows whose state can change ("touched_rows", ``hardware.rows``).
    """

    lanes: tuple[int, ...]
    weight_bits: int = 8
    membrane_bits: int = 16
    leak: Leak = "multiply"
    leak_bits: int = 8
    input_bits: int = 8
    chunk_bits: int = 32
    clock_mhz: float = 100.0
    family: Family = "event_driven"
    schedule: Schedule = "pipelined"
    sweep: Sweep = "dense"

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values, ``lanes`` as a list."""
        return {**self.__dict__, "lanes": list(self.lanes)}
