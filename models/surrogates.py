"""Surrogate derivatives: what stands in for the derivative of the spike function in the backward pass.

Every surrogate is a formula in u = m - threshold with one scale, called ``slope``. Names are those of
``snntorch.surrogate`` 1.0 and the formulas its own, so that published settings can be carried over; where
snnTorch's form is not what its documentation says, its form and the right one have a name each. The page
``docs/training.md`` lists them.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from models.dynamics import Constant
from spikefront.errors import SpecError

_ESCAPE_HEIGHT = 25.0  # snnTorch's own default factor, which the papers on surrogates leave untouched

Formula = Callable[[Tensor, Constant], Tensor]
RandomFormula = Callable[[Tensor, Constant, torch.Generator], Tensor]


@dataclass(frozen=True, eq=False)
class BoundSurrogate:
    """The function u -> ds/du for one slope; it works in place, for speed: u becomes the result.

    Attributes:
        name: the surrogate's name.
        slope: its scale, a number or a tensor that broadcasts against one step's currents (B, *n).
        formula: the surrogate as a function of u and slope.
    """

    name: str
    slope: Constant
    formula: Formula

    def __call__(self, u: Tensor) -> Tensor:
        """The derivative at u (any shape that ``slope`` broadcasts against), written over u."""
        slope = self.slope
        return self.formula(u, slope.to(u) if isinstance(slope, Tensor) else slope)


@dataclass(frozen=True)
class Surrogate:
    """A family of surrogate derivatives.

    Attributes:
        name: name in campaign files.
        formula: function of u and slope, in place; or of u, slope and a generator, if ``random``.
        random: whether it draws random numbers.
        default_slope: what snnTorch takes, or what makes our own forms comparable.
    """

    name: str
    formula: Formula | RandomFormula
    default_slope: float
    random: bool = False

    def derivative(self, slope: Constant, generator: torch.Generator | None = None) -> BoundSurrogate:
        """Bind the slope, and the source of random numbers where the surrogate draws them.

        Args:
            slope: scale: a number, or a tensor that broadcasts against one step's currents (B, *n).
            generator: on the device of the currents; the same seed gives the same gradients. The global
                random generator is never used.

        Raises:
            SpecError: the slope is not finite or not above 0, or a random surrogate has no generator.
        """
        if not isinstance(slope, Tensor) and not (math.isfinite(slope) and slope > 0):
            raise SpecError(f"surrogate slope of {self.name} is {slope}; give a finite number above 0")
        if not self.random:
            return BoundSurrogate(self.name, slope, self.formula)  # type: ignore[arg-type]
        if generator is None:
            raise SpecError(f"surrogate {self.name} draws random numbers; give it a seeded generator")
        formula, source = self.formula, generator
        return BoundSurrogate(self.name, slope, lambda u, scale: formula(u, scale, source))  # type: ignore[call-arg]


def _fast_sigmoid(u: Tensor, slope: Constant) -> Tensor:
    """1 / (1 + k|u|)^2 (Zenke and Ganguli 2018)."""
    return u.abs_().mul_(slope).add_(1.0).square_().reciprocal_()


def _arctangent(u: Tensor, slope: Constant) -> Tensor:
    """(a/2) / (1 + (pi a u / 2)^2) (Fang et al. 2021, as coded in snnTorch)."""
    return u.mul_(math.pi / 2 * slope).square_().add_(1.0).reciprocal_().mul_(slope / 2)


def _sigmoid(u: Tensor, slope: Constant) -> Tensor:
    """k e / (1 + e)^2 with e = exp(-k|u|): the derivative of the logistic function, finite for every u."""
    tail = u.abs_().mul_(-slope).exp_()
    return tail.div_((tail + 1.0).square_()).mul_(slope)


def _triangular(u: Tensor, slope: Constant) -> Tensor:
    """max(0, 1 - k|u|) (Esser et al. 2016; Bellec et al. 2018)."""
    return u.abs_().mul_(-slope).add_(1.0).clamp_(min=0.0)


def _triangular_snntorch(u: Tensor, slope: Constant) -> Tensor:
    """+k below the threshold, -k at it and above: as coded in snnTorch, whose gradient pushes backwards."""
    return torch.lt(u, 0.0, out=u).mul_(2.0).sub_(1.0).mul_(slope)


def _straight_through(u: Tensor, slope: Constant) -> Tensor:
    """K everywhere; snnTorch's has k = 1 (Bengio et al. 2013)."""
    return u.fill_(1.0).mul_(slope)


def _spike_rate_escape(u: Tensor, slope: Constant) -> Tensor:
    """25 exp(-b |u - 1|): as coded in snnTorch, so its peak lies one unit above the threshold."""
    return u.sub_(1.0).abs_().mul_(-slope).exp_().mul_(_ESCAPE_HEIGHT)


def _spike_rate_escape_centred(u: Tensor, slope: Constant) -> Tensor:
    """exp(-b |u|): the escape rate with its peak of 1 at the threshold (Gerstner and Kistler 2002)."""
    return u.abs_().mul_(-slope).exp_()


def _leaky_spike_operator(u: Tensor, slope: Constant) -> Tensor:
    """1 above the threshold, k at it and below: what snnTorch's LSO documents (calling that one raises)."""
    above = torch.gt(u, 0.0, out=u)
    return above.add_((1.0 - above) * slope)


def _stochastic_spike_operator(u: Tensor, slope: Constant, generator: torch.Generator) -> Tensor:
    """1 above the threshold, k (U - 0.5) at it and below, U uniform over 0..1: snnTorch's SSO, mean 0."""
    noise = torch.rand(u.shape, generator=generator, dtype=u.dtype, device=u.device)
    above = torch.gt(u, 0.0, out=u)
    return above.add_(noise.sub_(0.5).mul_(slope).mul_(1.0 - above))


SURROGATES: dict[str, Surrogate] = {
    surrogate.name: surrogate
    for surrogate in (
        Surrogate("fast_sigmoid", _fast_sigmoid, 25.0),
        Surrogate("arctangent", _arctangent, 2.0),
        Surrogate("sigmoid", _sigmoid, 25.0),
        Surrogate("triangular", _triangular, 1.0),
        Surrogate("triangular_snntorch", _triangular_snntorch, 1.0),
        Surrogate("straight_through", _straight_through, 1.0),
        Surrogate("spike_rate_escape", _spike_rate_escape, 1.0),
        Surrogate("spike_rate_escape_centred", _spike_rate_escape_centred, 1.0),
        Surrogate("leaky_spike_operator", _leaky_spike_operator, 0.1),
        Surrogate("stochastic_spike_operator", _stochastic_spike_operator, 0.2, random=True),
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
