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

from hardware.arrays import Array, cast, namespace
from hardware.integer import IntegerLayer, membrane_range
from hardware.network import AcceleratorConfig


@dataclass(frozen=True, eq=False)
class NeuronState:
    """What neurons keep between steps: arrays of one shape; ``synapse`` and ``rest`` only where needed."""

    potential: Array
    synapse: Array | None
    rest: Array | None


@dataclass(frozen=True, eq=False)
class Step:
    """One step's result: spikes (bool), the membrane potentials they were decided on, the next state."""

    spikes: Array
    membrane: Array
    state: NeuronState


def initial_state(layer: IntegerLayer, shape: tuple[int, ...], drive: Array) -> NeuronState:
    """Return the state that every inference starts from: zeros in ``shape``, of the kind of ``drive``."""
    zeros = namespace(drive).zeros(shape, dtype=drive.dtype, device=drive.device)
    return NeuronState(
        zeros, None if layer.synapse_leak is None else zeros, zeros if layer.refractory_steps else None
    )


def step(layer: IntegerLayer, config: AcceleratorConfig, state: NeuronState, drive: Array) -> Step:
    """Return what neurons in ``state`` do with ``drive``, their weighted inputs plus bias."""
    xp, (low, high) = namespace(drive), membrane_range(config)
    current, synapse = drive, state.synapse
    if synapse is not None and layer.synapse_leak is not None:
        current = xp.clip(synapse + drive, low, high)
        synapse = leak(current, layer.synapse_leak, config)
    if state.rest is not None:
        current = xp.where(state.rest > 0, 0, current)
    membrane = xp.clip(state.potential + current, low, high)
    spikes = membrane > layer.threshold
    rest = state.rest
    if rest is not None:
        spikes &= rest == 0
        rest = xp.where(spikes, layer.refractory_steps, xp.clip(rest - 1, 0, None))
    potential = reset(layer, leak(membrane, layer.leak, config), spikes)
    return Step(spikes, membrane, NeuronState(potential, synapse, rest))


def reset(layer: IntegerLayer, leaked: Array, spikes: Array) -> Array:
    """Return the membrane potential that the next step starts from."""
    if layer.reset == "none":
        return leaked
    if layer.reset == "subtract":
        return leaked - cast(spikes, leaked.dtype) * layer.threshold
    value = layer.reset_value if layer.reset == "fixed" else 0
    return namespace(leaked).where(spikes, value, leaked)


def leak(value: Array, parameter: int, config: AcceleratorConfig) -> Array:
    """Return the decayed ``value`` by the form of ``config.leak``."""
    if config.leak == "multiply":
        return (value * parameter) >> config.leak_bits
    return value - (value >> parameter) if parameter else value
