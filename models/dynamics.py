"""The constants of one layer's recurrence: what a neuron model, its reset and its surrogate come down to."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from spikefront.errors import SpecError

Reset = Literal["subtract", "zero", "none"]
RESETS: tuple[Reset, ...] = ("subtract", "zero", "none")
Kind = Literal["leaky", "synaptic", "alpha"]

Constant = float | Tensor
"""A number, or a tensor that broadcasts against one step's currents (B, *n): (n,) holds one value per
neuron, (C, 1, 1) one per channel, (K, 1, 1) one per network of currents (T, K, B, n)."""

Derivative = Callable[[Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class Adaptation:
    """An adaptive threshold: every spike raises it, and it relaxes back.

    With the base threshold v, a neuron fires when m[t] > v + theta[t], where theta[0] = 0 and
    theta[t+1] = decay * theta[t] + increment * s[t]. Reset "subtract" takes off the base threshold v. This is
    the ALIF neuron of Bellec et al. 2020 (Nature Communications 11:3625, eq. 8 to 10, with beta a = theta),
    and Diehl and Cook's theta (2015, Frontiers in Computational Neuroscience 9:99) within one sample. theta
    is treated like the reset: no gradient flows through it.

    Attributes:
        decay: factor on theta per time step, 0..1.
        increment: what a spike adds to theta, in the unit of the threshold.
    """

    decay: float
    increment: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.decay <= 1.0:
            raise SpecError(f"decay of the adaptive threshold is {self.decay}; give a value from 0 to 1")
        if not (math.isfinite(self.increment) and self.increment >= 0):
            raise SpecError(
                f"increment of the adaptive threshold is {self.increment}; give a finite number, 0 or more"
            )


@dataclass(frozen=True, eq=False)
class LeakRounding:
    """The rounding of an accelerator's leak, which keeps membrane potentials whole (``hardware.neuron``).

    A leak by multiplication rounds down, one by shift up. No gradient is lost to it: it passes as if nothing
    were rounded.

    Attributes:
        unit: what membrane potentials are whole multiples of.
        fraction: the smallest fraction of a unit that a leak gives, 2^-bits.
        up: whether fractions are rounded up.
    """

    unit: Constant
    fraction: float
    up: bool = False

    def apply_(self, leaked: Tensor) -> None:
        """Round in place; half the smallest fraction makes up for what floating point lost."""
        leaked.div_(self.unit)
        if self.up:
            leaked.sub_(self.fraction / 2).ceil_()
        else:
            leaked.add_(self.fraction / 2).floor_()
        leaked.mul_(self.unit)


@dataclass(frozen=True, eq=False)
class Dynamics:
    """Constants of one layer's recurrence.

    With r[t] = s[t-1] (a spike resets one step later), I[t] the current (that of the layer's own spikes
    included) and a[t] = 0 in the ``refractory_steps`` steps behind a spike, 1 otherwise::

        x[t] = gain * I[t]                                              kind "leaky"
        x[t] = alpha * x[t-1] + gain * I[t]                             kind "synaptic"

        m[t] = decay * m[t-1] + a[t] * x[t] - r[t] * threshold          reset "subtract"
        m[t] = decay * (1 - r[t]) * m[t-1] + a[t] * x[t]                reset "zero"
        m[t] = (1 - r[t]) * (decay * m[t-1] + a[t] * x[t])              reset "zero", blank_after_spike
        m[t] = decay * m[t-1] + a[t] * x[t]                             reset "none"

        s[t] = a[t] * (m[t] > threshold + theta[t])                     theta: see Adaptation

    Kind "alpha" is the difference of two synaptic traces, as in snnTorch (``models.scan_alpha``): e decays by
    ``alpha``, i by ``decay``, and m = gain * (e + i).

    Attributes:
        decay: factor on the membrane potential per time step, 0..1.
        gain: factor on the input current.
        threshold: firing threshold, above zero.
        reset: what a spike does to the membrane potential.
        blank_after_spike: with reset "zero", discard the input of the step after a spike as well.
        derivative: surrogate derivative ds/dm as a function of u = m - threshold - theta, in place.
        alpha: decay of the synaptic current per time step, 0..1; None for kind "leaky".
        refractory_steps: steps behind a spike in which a neuron neither takes its current nor fires; its
            membrane potential leaks and its synaptic current goes on.
        adaptation: what spikes do to the threshold; None for a fixed one.
        kind: which equations hold.
        rounding: of decayed membrane potentials and synaptic currents; None for none.

    decay, gain, threshold and alpha may be tensors that require a gradient. They are used as they are: who
    learns a decay clamps it to 0..1 first, as ``models.neurons`` does.
    """

    decay: Constant
    gain: Constant
    threshold: Constant
    reset: Reset
    blank_after_spike: bool
    derivative: Derivative
    alpha: Constant | None = None
    refractory_steps: int = 0
    adaptation: Adaptation | None = None
    kind: Kind = "leaky"
    rounding: LeakRounding | None = None

    def __post_init__(self) -> None:
        if self.refractory_steps < 0:
            raise SpecError(f"refractory_steps is {self.refractory_steps}; give 0 or more")
        if (self.alpha is None) != (self.kind == "leaky"):
            raise SpecError(
                f"alpha of a neuron of kind {self.kind!r} is {self.alpha}; kinds synaptic and alpha need"
                " one, kind leaky has none"
            )
        if self.kind == "alpha" and (self.refractory_steps or self.adaptation):
            raise SpecError(
                "an alpha neuron has neither refractory steps nor an adaptive threshold; choose the synaptic"
                " neuron or leave them out"
            )

    @property
    def discards_input(self) -> bool:
        """Whether a spike blanks the next step as a whole."""
        return self.reset == "zero" and self.blank_after_spike
