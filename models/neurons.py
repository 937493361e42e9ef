"""Neuron models: how a name and a beta become the constants of the recurrence."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from spikefront.errors import SpecError


@dataclass(frozen=True)
class NeuronConstants:
    """What a neuron model says about one layer.

    Attributes:
        decay: factor on the membrane potential per time step.
        gain: factor on the input current.
        blank_after_spike: with reset "zero", the input of the step after a spike is discarded too.
    """

    decay: float
    gain: float
    blank_after_spike: bool


NeuronModel = Callable[[float], NeuronConstants]


def leaky(beta: float) -> NeuronConstants:
    """snnTorch's ``Leaky``: m[t] = beta * m[t-1] + I[t].

    Raises:
        SpecError: beta outside 0..1.
    """
    if not 0.0 <= beta <= 1.0:
        raise SpecError(f"beta of a leaky neuron is {beta}; give a value from 0 to 1")
    return NeuronConstants(decay=beta, gain=1.0, blank_after_spike=False)


def lapicque(beta: float) -> NeuronConstants:
    """snnTorch's ``Lapicque`` with only beta given: R = 1 and C = 1 / ln(1/beta), by forward Euler.

    The decay that acts is therefore 1 + ln(beta), not beta, and the input gain is -ln(beta).

    Raises:
        SpecError: beta below 1/e, where that decay is negative, or not below 1, where the gain is zero.
    """
    if not math.exp(-1.0) <= beta < 1.0:
        raise SpecError(
            f"beta of a lapicque neuron is {beta}, but its decay 1 + ln(beta) is only meaningful for beta"
            " from 0.368 (1/e) to below 1; raise beta or choose the leaky neuron"
        )
    return NeuronConstants(decay=1.0 + math.log(beta), gain=-math.log(beta), blank_after_spike=True)


NEURONS: dict[str, NeuronModel] = {"leaky": leaky, "lapicque": lapicque}


def neuron_constants(name: str, beta: float) -> NeuronConstants:
    """The constants of the neuron model of that name.

    Raises:
        SpecError: no neuron model has that name, or beta is outside its range.
    """
    if name not in NEURONS:
        raise SpecError(f"neuron {name!r} is unknown; choose one of {', '.join(sorted(NEURONS))}")
    return NEURONS[name](beta)
