"""Keeping firing rates within bounds while training."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from spikefront.errors import SpecError


@dataclass(frozen=True)
class RateBounds:
    """A penalty on firing rates outside bounds, after Zenke and Vogels (Neural Computation 33, 2021).

    With r the mean over a batch and all time steps of one output of a layer (0..1), every layer adds ::

        lower_strength * mean(max(0, lower - r) ^ 2) + upper_strength * mean(max(0, r - upper) ^ 2)

    where the means are over the layer's outputs. The lower bound wakes silent neurons, as far as the
    surrogate derivative reaches; the upper one saves spikes, and so energy.

    Attributes:
        lower, upper: bounds, spikes per time step.
        lower_strength, upper_strength: factors; 0 leaves the bound out.
    """

    lower: float = 0.0
    lower_strength: float = 0.0
    upper: float = 1.0
    upper_strength: float = 0.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.lower <= self.upper <= 1.0:
            raise SpecError(
                f"firing rate bounds are {self.lower} and {self.upper}; give a lower and an upper rate"
                " from 0 to 1, in this order"
            )
        for name in ("lower_strength", "upper_strength"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise SpecError(
                    f"{name} of the firing rate bounds is {value}; give a finite number of 0 or more"
                )

    @property
    def active(self) -> bool:
        """Whether there is anything to add to the loss."""
        return self.lower_strength > 0 or self.upper_strength > 0

    def penalty(self, spikes: Sequence[Tensor]) -> Tensor:
        """The penalty of every layer's spikes, each (T, B, ...), added up."""
        return self.of_rates([layer.mean(dim=(0, 1)).flatten() for layer in spikes])

    def of_rates(self, rates: Sequence[Tensor]) -> Tensor:
        """The penalty of every layer's firing rates, each (..., outputs), added up: (...)."""
        return torch.stack([self._of_layer(layer) for layer in rates]).sum(0)

    def _of_layer(self, rates: Tensor) -> Tensor:
        below = (self.lower - rates).clamp_min(0.0).square().mean(-1)
        above = (rates - self.upper).clamp_min(0.0).square().mean(-1)
        return self.lower_strength * below + self.upper_strength * above
