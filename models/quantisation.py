"""The hardware's rounding, for training with it: that of ``hardware.quantize`` and ``hardware.neuron``."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from models.dynamics import Constant, Dynamics, LeakRounding
from models.specification import Quantisation


def scale_of(weight: Tensor, recurrent: Tensor | None, threshold: float, bits: Quantisation) -> float:
    """The value of one unit of a layer's weights and membrane potential.

    It is the larger of max|weight| / (2^(weight_bits - 1) - 1) and threshold / (2^(membrane_bits - 1) - 2).
    """
    largest: float = max(float(each.detach().abs().max()) for each in (weight, recurrent) if each is not None)
    tops = 2.0 ** (bits.weight_bits - 1) - 1.0, 2.0 ** (bits.membrane_bits - 1) - 2.0
    return max(largest / tops[0], threshold / tops[1])


@dataclass(frozen=True, eq=False)
class Intake:
    """How a layer takes in a constant current.

    Attributes:
        input_bits: width of an input value.
        unit: what its currents, before any gain, are whole multiples of.
    """

    input_bits: int
    unit: Constant

    def inputs(self, values: Tensor) -> Tensor:
        """Values 0..1 in ``input_bits`` bits: ``hardware.quantize.quantize_inputs``."""
        levels = 2.0**self.input_bits
        return torch.round(values * levels).clamp_(max=levels - 1.0).div_(levels)

    def currents(self, values: Tensor) -> Tensor:
        """Currents (B, ...) as the accelerator keeps them: whole, halves up; backwards nothing is rounded.

        Half the smallest fraction makes up for what floating point lost.
        """
        half = 0.5 + 2.0 ** -(self.input_bits + 1)
        with torch.no_grad():
            change = torch.floor(values / self.unit + half) * self.unit - values
        return values + change


def with_leak(dynamics: Dynamics, rounding: LeakRounding, bits: Quantisation) -> Dynamics:
    """The dynamics with the leaks that the accelerator has, rounded as it does."""
    return replace(
        dynamics,
        decay=leak_of(dynamics.decay, bits),
        alpha=None if dynamics.alpha is None else leak_of(dynamics.alpha, bits),
        rounding=rounding,
    )


def leak_of(decay: Constant, bits: Quantisation) -> Constant:
    """The decay that the accelerator has, nearest to the one given; backwards it stays the one given."""
    if not isinstance(decay, Tensor):
        return float(_nearest(torch.tensor(decay, dtype=torch.float64), bits))
    with torch.no_grad():
        change = _nearest(decay, bits) - decay
    return decay + change


def rounding_of(unit: Constant, bits: Quantisation) -> LeakRounding:
    """How the leak is rounded, where membrane potentials are whole multiples of ``unit``."""
    if bits.leak == "multiply":
        return LeakRounding(unit, 2.0**-bits.leak_bits)
    return LeakRounding(unit, 2.0 ** (1 - bits.membrane_bits), up=True)


def _nearest(decay: Tensor, bits: Quantisation) -> Tensor:
    if bits.leak == "multiply":
        return torch.round(decay * 2.0**bits.leak_bits) / 2.0**bits.leak_bits
    shifts = [1.0 - 2.0**-k for k in range(1, bits.membrane_bits)] + [1.0]
    decays = torch.tensor(shifts, dtype=decay.dtype, device=decay.device)
    return decays[(decay.detach().unsqueeze(-1) - decays).abs().argmin(-1)]
