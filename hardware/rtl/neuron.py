"""One neuron lane as wires; ``hardware.neuron`` specifies it, and computes the same in numpy."""

from dataclasses import dataclass
from typing import Any

import pyrtl

from hardware.integer import IntegerLayer
from hardware.network import AcceleratorConfig
from hardware.rtl.shape import rest_bits

Wire = Any


def resized(value: Wire, width: int) -> Wire:
    """Return the signed ``value`` in ``width`` bits, which the caller knows to be enough."""
    return value.truncate(width) if len(value) > width else value.sign_extended(width)


def signed_sum(a: Wire, b: Wire, width: int) -> Wire:
    """Return ``a + b`` as two's complement of ``width`` bits, which the caller knows to be enough."""
    return (resized(a, width) + resized(b, width)).truncate(width)


def clip(total: Wire, width: int) -> Wire:
    """Saturate the signed ``total`` to ``width`` bits."""
    if len(total) <= width:
        return total.sign_extended(width)
    upper = total[width - 1 :]
    fits = (upper == 0) | (upper == 2 ** len(upper) - 1)
    negative = total[-1]
    limit = pyrtl.concat(negative, *[~negative] * (width - 1))
    return pyrtl.select(fits, total[:width], limit)


def is_above(membrane: Wire, threshold: int) -> Wire:
    """Return whether the signed ``membrane`` is above ``threshold``, which is at least 1."""
    return ~membrane[-1] & (membrane > threshold)


def leak(value: Wire, parameter: int, config: AcceleratorConfig) -> Wire:
    """Return the decayed ``value``: ``(x * b) >> leak_bits`` or ``x - (x >> k)``, floored; k = 0 is none."""
    width = len(value)
    if config.leak == "shift":
        if parameter == 0:
            return value
        lost = value[min(parameter, width - 1) :].sign_extended(width)
        return (value - lost).truncate(width)
    factor = pyrtl.Const(parameter, config.leak_bits + 1)
    # x = unsigned(x) - sign * 2^width, so one unsigned product and one subtraction in the upper bits suffice.
    product = value * factor
    borrow = pyrtl.select(value[-1], factor, pyrtl.Const(0, len(factor)))
    upper = (product[width:] - borrow).truncate(len(factor))
    return pyrtl.concat(upper, product[:width])[config.leak_bits : config.leak_bits + width]


def reset(leaked: Wire, spike: Wire, layer: IntegerLayer) -> Wire:
    """Return the membrane potential that the next step starts from."""
    width = len(leaked)
    if layer.reset == "none":
        return leaked
    if layer.reset == "subtract":
        lost = pyrtl.select(spike, pyrtl.Const(layer.threshold, width), pyrtl.Const(0, width))
        return (leaked - lost).truncate(width)
    value = layer.reset_value if layer.reset == "fixed" else 0
    return pyrtl.select(spike, pyrtl.Const(value % 2**width, width), leaked)


@dataclass(frozen=True)
class Decided:
    """A lane between deciding and settling; ``synapse`` and ``rest`` only where the neuron has them."""

    membrane: Wire
    spike: Wire
    synapse: Wire | None
    rest: Wire | None


def accumulate(layer: IntegerLayer, word: Wire, weight: Wire) -> Wire:
    """Return ``word`` with an input's ``weight`` added; a refractory neuron without synapse ignores it."""
    if layer.synapse_leak is None:
        weight = _unless_resting(layer, word, weight)
    total = signed_sum(word[: layer.state_bits], weight, layer.state_bits)
    return pyrtl.concat(word[layer.state_bits :], total) if len(word) > layer.state_bits else total


def decide(layer: IntegerLayer, config: AcceleratorConfig, word: Wire, currents: list[Wire]) -> Decided:
    """Integrate ``currents`` on top of what ``word`` accumulated, and compare with the threshold."""
    kept, bits = word[: layer.state_bits], config.membrane_bits
    synapse = None
    if layer.synapse_leak is not None:
        synapse = clip(_total(kept, currents), bits)
        kept, currents = word[layer.state_bits : layer.state_bits + bits], [synapse]
    currents = [_unless_resting(layer, word, current) for current in currents]
    membrane = clip(_total(kept, currents), bits)
    spike = is_above(membrane, layer.threshold)
    rest = _rest(layer, word)
    if rest is None:
        return Decided(membrane, spike, synapse, None)
    spike = spike & (rest == 0)
    fewer = pyrtl.select(rest == 0, rest, (rest - 1).truncate(len(rest)))
    return Decided(
        membrane, spike, synapse, pyrtl.select(spike, pyrtl.Const(layer.refractory_steps, len(rest)), fewer)
    )


def settle(layer: IntegerLayer, config: AcceleratorConfig, decided: Decided) -> Wire:
    """Leak and reset; return the word that the next step starts from."""
    potential = reset(leak(decided.membrane, layer.leak, config), decided.spike, layer)
    fields = [potential.sign_extended(layer.state_bits)]
    if layer.synapse_leak is not None and decided.synapse is not None:
        synapse = leak(decided.synapse, layer.synapse_leak, config)
        fields = [potential, synapse.sign_extended(layer.state_bits)]
    return pyrtl.concat(*([] if decided.rest is None else [decided.rest]), *fields)


def _rest(layer: IntegerLayer, word: Wire) -> Wire | None:
    bits = rest_bits(layer)
    return word[len(word) - bits :] if bits else None


def _unless_resting(layer: IntegerLayer, word: Wire, current: Wire) -> Wire:
    rest = _rest(layer, word)
    return current if rest is None else pyrtl.select(rest == 0, current, pyrtl.Const(0, len(current)))


def _total(start: Wire, currents: list[Wire]) -> Wire:
    for current in currents:
        start = signed_sum(start, current, max(len(start), len(current)) + 1)
    return start
