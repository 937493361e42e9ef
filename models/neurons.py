"""Neuron models: how a name and its parameters become the constants of the recurrence."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from models.dynamics import Constant, Kind
from spikefront.errors import SpecError

_EULER_LOWEST = math.exp(-1.0)
_BELOW_ONE = 1.0 - 1e-6


@dataclass(frozen=True)
class NeuronConstants:
    """What a neuron model says about one layer.

    Attributes:
        decay: factor on the membrane potential per time step: the effective one, which hardware must use.
        gain: factor on the input current.
        blank_after_spike: with reset "zero", the input of the step after a spike is discarded too.
        alpha: decay of the synaptic current per time step; None for a neuron without one.
        kind: the equations, as in ``models.dynamics.Dynamics``.
    """

    decay: Constant
    gain: Constant
    blank_after_spike: bool
    alpha: Constant | None = None
    kind: Kind = "leaky"


@dataclass(frozen=True)
class NeuronParameters:
    """What a user gives a neuron model.

    Each may be a tensor, as for ``models.dynamics.Dynamics``, which may require a gradient. A number outside
    its range is refused; a tensor is clamped to it, as snnTorch does in every step, because training may move
    it anywhere.

    Attributes:
        beta: decay of the membrane potential per time step.
        alpha: decay of the synaptic current per time step, for "synaptic" and "alpha".
        resistance: membrane resistance R of the Lapicque neurons.
    """

    beta: Constant
    alpha: Constant | None = None
    resistance: float = 1.0


NeuronModel = Callable[[NeuronParameters], NeuronConstants]


def leaky(parameters: NeuronParameters) -> NeuronConstants:
    """snnTorch's ``Leaky``: m[t] = beta * m[t-1] + I[t].

    Raises:
        SpecError: beta outside 0..1.
    """
    return NeuronConstants(_share("beta of a leaky neuron", parameters.beta), 1.0, blank_after_spike=False)


def synaptic(parameters: NeuronParameters) -> NeuronConstants:
    """snnTorch's ``Synaptic``: x[t] = alpha * x[t-1] + I[t], m[t] = beta * m[t-1] + x[t].

    Raises:
        SpecError: no alpha, or alpha or beta outside 0..1.
    """
    return NeuronConstants(
        decay=_share("beta of a synaptic neuron", parameters.beta),
        gain=1.0,
        blank_after_spike=True,
        alpha=_share("alpha of a synaptic neuron", _given_alpha("synaptic", parameters)),
        kind="synaptic",
    )


def alpha(parameters: NeuronParameters) -> NeuronConstants:
    """snnTorch's ``Alpha``: the difference of two traces, m = gain * (e + i) (``models.scan_alpha``).

    Raises:
        SpecError: no alpha, alpha or beta outside 0..1, or alpha not above beta.
    """
    rise = _share("alpha of an alpha neuron", _given_alpha("alpha", parameters))
    fall = _share("beta of an alpha neuron", parameters.beta)
    if not bool((torch.as_tensor(rise) > torch.as_tensor(fall)).all()):
        raise SpecError(
            f"alpha of an alpha neuron is {_shown(rise)} and beta {_shown(fall)}; give an alpha above beta"
        )
    gain = _alpha_gain(torch.as_tensor(rise, dtype=torch.float64), torch.as_tensor(fall, dtype=torch.float64))
    learned = isinstance(rise, Tensor) or isinstance(fall, Tensor)
    return NeuronConstants(fall, gain if learned else float(gain), True, rise, "alpha")


def lapicque(parameters: NeuronParameters) -> NeuronConstants:
    """snnTorch's ``Lapicque`` given beta (and R): an RC membrane with C = 1 / (R ln(1/beta)), forward Euler.

    The decay that acts is therefore 1 + ln(beta), not beta, and the input gain is -R ln(beta).

    Raises:
        SpecError: beta below 1/e, where that decay is negative, or not below 1, where the gain is zero.
    """
    beta = parameters.beta
    if not isinstance(beta, Tensor) and not _EULER_LOWEST <= beta < 1.0:
        raise SpecError(
            f"beta of a lapicque neuron is {beta}, but its decay 1 + ln(beta) is only meaningful for beta"
            " from 0.368 (1/e) to below 1; raise beta or choose the leaky neuron"
        )
    logarithm = beta.clamp(_EULER_LOWEST, _BELOW_ONE).log() if isinstance(beta, Tensor) else math.log(beta)
    gain = -logarithm * _resistance(parameters)
    return NeuronConstants(decay=1.0 + logarithm, gain=gain, blank_after_spike=True)


def lapicque_exact(parameters: NeuronParameters) -> NeuronConstants:
    """An RC membrane with beta = exp(-dt / RC), solved exactly for a current constant within each step.

    m[t] = beta * m[t-1] + R (1 - beta) * I[t]: Gerstner, Kistler, Naud and Paninski 2014, Neuronal Dynamics,
    section 1.3, for a step current. ``rc_beta`` gives beta from R, C and dt.

    Raises:
        SpecError: beta outside 0..1, or 1, where the gain is zero.
    """
    beta = parameters.beta
    if not isinstance(beta, Tensor) and not 0.0 <= beta < 1.0:
        raise SpecError(f"beta of a lapicque_exact neuron is {beta}; give a value from 0 to below 1")
    decay = beta.clamp(0.0, _BELOW_ONE) if isinstance(beta, Tensor) else beta
    return NeuronConstants(decay, (1.0 - decay) * _resistance(parameters), blank_after_spike=True)


NEURONS: dict[str, NeuronModel] = {
    "leaky": leaky,
    "lapicque": lapicque,
    "lapicque_exact": lapicque_exact,
    "synaptic": synaptic,
    "alpha": alpha,
}


def neuron_constants(
    name: str,
    beta: Constant,
    alpha: Constant | None = None,
    *,
    resistance: float = 1.0,
    recurrent: bool = False,
) -> NeuronConstants:
    """The constants of the neuron model of that name.

    Args:
        name: one of ``NEURONS``.
        beta: decay of the membrane potential per time step, a number or a tensor (``NeuronParameters``).
        alpha: decay of the synaptic current, for the neurons that have one.
        resistance: membrane resistance R of the Lapicque neurons.
        recurrent: whether the layer feeds its own spikes back. snnTorch's ``RLeaky``, unlike its ``Leaky``,
            discards the input of the step after a spike under reset "zero".

    Raises:
        SpecError: no neuron model has that name, a parameter is outside its range, or the model has no
            recurrent form.
    """
    if name not in NEURONS:
        raise SpecError(f"neuron {name!r} is unknown; choose one of {', '.join(sorted(NEURONS))}")
    constants = NEURONS[name](NeuronParameters(beta, alpha, resistance))
    if not recurrent:
        return constants
    if constants.kind == "alpha":
        raise SpecError("an alpha neuron has no recurrent form; choose the leaky or the synaptic neuron")
    return NeuronConstants(constants.decay, constants.gain, True, constants.alpha, constants.kind)


def rc_beta(resistance: float, capacitance: float, dt: float) -> float:
    """exp(-dt / RC), the beta of a Lapicque neuron given in ohm, farad and seconds (or any coherent units).

    Raises:
        SpecError: one of them is not above zero.
    """
    if not (resistance > 0 and capacitance > 0 and dt > 0):
        raise SpecError(
            f"resistance, capacitance and dt are {resistance}, {capacitance} and {dt}; give numbers above 0"
        )
    return math.exp(-dt / (resistance * capacitance))


def _alpha_gain(rise: Tensor, fall: Tensor) -> Tensor:
    """snnTorch's normalisation ln a / (ln b - ln a) + 1."""
    return rise.log() / (fall.log() - rise.log()) + 1.0


def _share(what: str, value: Constant) -> Constant:
    """The value, checked (a number) or clamped (a tensor) to 0..1."""
    if isinstance(value, Tensor):
        return value.clamp(0.0, 1.0)
    if not 0.0 <= value <= 1.0:
        raise SpecError(f"{what} is {value}; give a value from 0 to 1")
    return value


def _given_alpha(name: str, parameters: NeuronParameters) -> Constant:
    if parameters.alpha is None:
        raise SpecError(f"alpha of the {name} neuron is not given; give a value from 0 to 1")
    return parameters.alpha


def _resistance(parameters: NeuronParameters) -> float:
    if not parameters.resistance > 0:
        raise SpecError(f"resistance of a lapicque neuron is {parameters.resistance}; give a number above 0")
    return parameters.resistance


def _shown(value: Constant) -> object:
    return value.tolist() if isinstance(value, Tensor) else value
