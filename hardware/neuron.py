"""The integer neuron: the one place that fixes the order of leak, reset and threshold.

One time step of a neuron whose inputs add up to ``drive`` (bias included), with mb membrane bits::

    i    = drive                                            order I
    i    = clip(leak_i(i[t-1]) + drive)                     order II: the synaptic current is kept
    m    = clip(v + (0 if refractory else i))               saturation, once per step: -2^(mb-1)..2^(mb-1)-1
    s    = m > threshold and not refractory
    v    = leak_v(m) - s * threshold                        reset "subtract"
    v    = 0, or reset_value, where s, else leak_v(m)       reset "zero", "fixed"
    v    = leak_v(m)                                        reset "none"
    leak = (x * b) >> leak_bits  |  x - (x >> k)            floor shifts; k = 0 is no leak

So integration comes first, then threshold, then leak, then reset: snnTorch's order with ``reset_delay=True``,
written such that v is what the next step starts from. A neuron is refractory in the ``refractory_steps``
steps behind a spike. No sum before ``clip`` overflows, so the order in which inputs arrive is free.

``hardware.rtl.neuron`` states the same as wires.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hardware.integer import IntegerLayer, membrane_range
from hardware.network import AcceleratorConfig

Array = NDArray[np.signedinteger]


@dataclass(frozen=True, eq=False)
class NeuronState:
    """What neurons keep between steps: arrays of one shape; ``synapse`` and ``rest`` only where needed."""

    potential: Array
    synapse: Array | None
    rest: Array | None


@dataclass(frozen=True, eq=False)
class Step:
    """One step's result: spikes (bool), the membrane potentials they were decided on, the next state."""

    spikes: NDArray[np.bool_]
    membrane: Array
    state: NeuronState


def initial_state(
    layer: IntegerLayer, shape: tuple[int, ...], dtype: np.dtype[np.signedinteger]
) -> NeuronState:
    """Return the state that every inference starts from: zeros."""
    zeros = np.zeros(shape, dtype=dtype)
    return NeuronState(
        zeros, None if layer.synapse_leak is None else zeros, zeros if layer.refractory_steps else None
    )


def step(layer: IntegerLayer, config: AcceleratorConfig, state: NeuronState, drive: Array) -> Step:
    """Return what neurons in ``state`` do with ``drive``, their weighted inputs plus bias."""
    low, high = membrane_range(config)
    current, synapse = drive, state.synapse
    if synapse is not None and layer.synapse_leak is not None:
        current = np.clip(synapse + drive, low, high)
        synapse = leak(current, layer.synapse_leak, config)
    if state.rest is not None:
        current = np.where(state.rest > 0, drive.dtype.type(0), current)
    membrane = np.clip(state.potential + current, low, high)
    spikes = membrane > layer.threshold
    rest = state.rest
    if rest is not None:
        spikes &= rest == 0
        rest = np.where(spikes, drive.dtype.type(layer.refractory_steps), np.maximum(rest - 1, 0))
    potential = reset(layer, leak(membrane, layer.leak, config), spikes)
    return Step(spikes, membrane, NeuronState(potential, synapse, rest))


def reset(layer: IntegerLayer, leaked: Array, spikes: NDArray[np.bool_]) -> Array:
    """Return the membrane potential that the next step starts from."""
    if layer.reset == "none":
        return leaked
    if layer.reset == "subtract":
        return np.asarray(leaked - spikes * leaked.dtype.type(layer.threshold))
    value = layer.reset_value if layer.reset == "fixed" else 0
    return np.where(spikes, leaked.dtype.type(value), leaked)


def leak(value: Array, parameter: int, config: AcceleratorConfig) -> Array:
    """Return the decayed ``value`` by the form of ``config.leak``."""
    if config.leak == "multiply":
        return np.asarray((value * value.dtype.type(parameter)) >> config.leak_bits)
    return np.asarray(value - (value >> parameter)) if parameter else value
