"""Surrogate derivatives: what stands in for the derivative of the spike function in the backward pass.

Every surrogate is a formula in u = m - threshold with one ``slope``; names and formulas are those of
``snntorch.surrogate`` 1.0, so that published settings can be carried over.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from spikefront.errors import SpecError

Derivative = Callable[[Tensor], Tensor]

_ESCAPE_HEIGHT = 25.0  # snnTorch's own default factor, which the papers on surrogates leave untouched


class Surrogate(Protocol):
    """A family of surrogate derivatives."""

    @property
    def name(self) -> str:
        """Name in campaign files."""
        ...

    def derivative(self, slope: float) -> Derivative:
        """The function u -> ds/du for one slope; it works in place, for speed: u becomes the result."""
        ...


@dataclass(frozen=True)
class _Formula:
    """A surrogate given by a function of (u, slope)."""

    name: str
    formula: Callable[[Tensor, float], Tensor]

    def derivative(self, slope: float) -> Derivative:
        """Bind the slope after checking that it is a usable number."""
        if not (math.isfinite(slope) and slope > 0):
            raise SpecError(f"surrogate slope of {self.name} is {slope}; give a finite number above 0")
        return lambda u: self.formula(u, slope)


def _fast_sigmoid(u: Tensor, slope: float) -> Tensor:
    """1 / (1 + k|u|)^2 (Zenke and Ganguli 2018)."""
    return u.abs_().mul_(slope).add_(1.0).square_().reciprocal_()


def _arctangent(u: Tensor, slope: float) -> Tensor:
    """(a/2) / (1 + (pi a u / 2)^2) (Fang et al. 2021, as coded in snnTorch)."""
    return u.mul_(math.pi / 2 * slope).square_().add_(1.0).reciprocal_().mul_(slope / 2)


def _spike_rate_escape(u: Tensor, slope: float) -> Tensor:
    """25 exp(-b |u - 1|): as coded in snnTorch, so its peak lies one unit above the threshold."""
    return u.sub_(1.0).abs_().mul_(-slope).exp_().mul_(_ESCAPE_HEIGHT)


def _spike_rate_escape_centred(u: Tensor, slope: float) -> Tensor:
    """exp(-b |u|): the escape rate with its peak of 1 at the threshold."""
    return u.abs_().mul_(-slope).exp_()


SURROGATES: dict[str, Surrogate] = {
    formula.name: formula
    for formula in (
        _Formula("fast_sigmoid", _fast_sigmoid),
        _Formula("arctangent", _arctangent),
        _Formula("spike_rate_escape", _spike_rate_escape),
        _Formula("spike_rate_escape_centred", _spike_rate_escape_centred),
    )
}


def surrogate_named(name: str) -> Surrogate:
    """The surrogate of that name.

    Raises:
        SpecError: no surrogate has that name.
    """
    if name not in SURROGATES:
        raise SpecError(f"surrogate {name!r} is unknown; choose one of {', '.join(sorted(SURROGATES))}")
    return SURROGATES[name]
