"""The plain records by which the hardware side knows a network and an accelerator.

No torch here: a trained network arrives as arrays and numbers, so that ``hardware`` can be used alone.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Reset = Literal["subtract", "zero", "none"]
Encoding = Literal["rate", "latency", "direct"]
Leak = Literal["multiply", "shift"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
SpikeArray = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class TrainedLayer:
    """One fully connected spiking layer with float weights.

    The membrane potential follows snnTorch's order of operations (``reset_delay=True``)::

        m[t] = beta * m[t-1] + weight @ s_in[t] - (m[t-1] > threshold) * threshold      reset "subtract"
        m[t] = beta * (m[t-1] <= threshold) * m[t-1] + weight @ s_in[t]                 reset "zero"
        m[t] = beta * m[t-1] + weight @ s_in[t]                                         reset "none"
        s[t] = m[t] > threshold

    Attributes:
        weight: float array (n_out, n_in); a neuron's input gain is already folded in.
        beta: effective decay of the membrane potential per time step, 0..1.
        threshold: firing threshold, above zero, in the unit of ``weight``.
        reset: what a spike does to the membrane potential.
        blank_after_spike: with reset "zero", whether the input of the step after a spike is discarded too
            (snnTorch's Lapicque does: ``m[t] = (1 - r) * (beta * m[t-1] + I[t])``; its Leaky does not).
    """

    weight: FloatArray
    beta: float
    threshold: float
    reset: Reset
    blank_after_spike: bool = False


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """A trained feed-forward network: what ``models`` hands to ``hardware``.

    Attributes:
        layers: first to last; layer k's n_out is layer k+1's n_in.
        time_steps: steps per inference.
        encoding: "rate" and "latency" feed spikes (N, T, n_in); "direct" feeds one constant current (N, n_in)
            with values 0..1 at every step.
    """

    layers: tuple[TrainedLayer, ...]
    time_steps: int
    encoding: Encoding

    @property
    def sizes(self) -> tuple[int, ...]:
        """Neurons per layer, inputs first: (n_in, n_1, ..., n_out)."""
        return (self.layers[0].weight.shape[1], *(layer.weight.shape[0] for layer in self.layers))


@dataclass(frozen=True)
class AcceleratorConfig:
    """One configuration of an accelerator.

    Attributes:
        lanes: neuron cores per layer (P); one weight-memory word holds the weights of P neurons.
        weight_bits: signed weight width, sign included.
        membrane_bits: stored membrane potential width, sign included; saturation happens at this width.
        leak: decay by fixed-point multiply (``(v * b) >> leak_bits``) or by shift (``v - (v >> k)``).
        leak_bits: fraction bits of the multiply leak.
        input_bits: width of one input value under direct encoding.
        chunk_bits: inputs that the spike scanner looks at in one cycle (W).
        clock_mhz: nominal clock.
        family: accelerator family.
    """

    lanes: tuple[int, ...]
    weight_bits: int = 8
    membrane_bits: int = 16
    leak: Leak = "multiply"
    leak_bits: int = 8
    input_bits: int = 8
    chunk_bits: int = 32
    clock_mhz: float = 100.0
    family: Literal["event_driven"] = "event_driven"

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values, ``lanes`` as a list."""
        return {**self.__dict__, "lanes": list(self.lanes)}
