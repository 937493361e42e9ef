"""The arithmetic of one neuron lane, as wires; ``hardware.reference`` states the same in numpy."""

from typing import Any

import pyrtl

from hardware.integer import IntegerLayer
from hardware.network import AcceleratorConfig

Wire = Any


def signed_sum(a: Wire, b: Wire, width: int) -> Wire:
    """Return ``a + b`` as two's complement of ``width`` bits, which the caller knows to be enough."""
    return (a.sign_extended(width) + b.sign_extended(width)).truncate(width)


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


def leak(membrane: Wire, layer: IntegerLayer, config: AcceleratorConfig) -> Wire:
    """Return the decayed membrane potential: ``(m * b) >> leak_bits`` or ``m - (m >> k)``, floor shifts."""
    width = len(membrane)
    if config.leak == "shift":
        lost = membrane[min(layer.leak, width - 1) :].sign_extended(width)
        return (membrane - lost).truncate(width)
    factor = pyrtl.Const(layer.leak, config.leak_bits + 1)
    # m = unsigned(m) - sign * 2^width, so one unsigned product and one subtraction in the upper bits suffice.
    product = membrane * factor
    borrow = pyrtl.select(membrane[-1], factor, pyrtl.Const(0, len(factor)))
    upper = (product[width:] - borrow).truncate(len(factor))
    return pyrtl.concat(upper, product[:width])[config.leak_bits : config.leak_bits + width]


def reset(leaked: Wire, spike: Wire, layer: IntegerLayer) -> Wire:
    """Return the membrane potential that the next step starts from."""
    width = len(leaked)
    if layer.reset == "none":
        return leaked
    if layer.reset == "zero":
        return pyrtl.select(spike, pyrtl.Const(0, width), leaked)
    lost = pyrtl.select(spike, pyrtl.Const(layer.threshold, width), pyrtl.Const(0, width))
    return (leaked - lost).truncate(width)
