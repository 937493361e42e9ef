"""Losses on what the output layer did, as in ``snntorch.functional`` 1.0 but without loops over time.

A class may have a population of output neurons, next to each other: their spikes add up, the first of them to
fire counts, and the highest membrane potential (or, step by step, the sum of them) is the class's.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from spikefront.errors import SpecError


@dataclass(frozen=True, eq=False)
class Output:
    """What the last layer did with a batch.

    Attributes:
        spikes: (T, B, classes * population), 0 or 1, differentiable.
        membrane: membrane potentials of the same shape, before the reset; None where no loss asked for them.
        population: neurons per class.
    """

    spikes: Tensor
    membrane: Tensor | None = None
    population: int = 1

    @property
    def counts(self) -> Tensor:
        """Output spikes per sample and class, (B, classes)."""
        return self._by_class(self.spikes.sum(0)).sum(-1)

    @property
    def spikes_by_class(self) -> Tensor:
        """Spikes per step, sample and class, (T, B, classes)."""
        return self._by_class(self.spikes).sum(-1)

    @property
    def membrane_by_class(self) -> Tensor:
        """Sum of a class's membrane potentials, (T, B, classes)."""
        return self._by_class(self._membrane()).sum(-1)

    @property
    def highest_membrane(self) -> Tensor:
        """Highest membrane potential of a class's neurons over all steps, (B, classes)."""
        return self._by_class(self._membrane().max(dim=0).values).max(dim=-1).values

    @property
    def first_spike(self) -> Tensor:
        """Step of a class's first spike, T - 1 where there is none, (B, classes)."""
        times: Tensor = _FirstSpike.apply(self.spikes)  # type: ignore[no-untyped-call]
        return self._by_class(times).amin(-1)

    def _membrane(self) -> Tensor:
        if self.membrane is None:
            raise ValueError("the network was run without its membrane potentials")
        return self.membrane

    def _by_class(self, values: Tensor) -> Tensor:
        return values.view(*values.shape[:-1], -1, self.population)


@dataclass(frozen=True)
class LossSpec:
    """Which loss, and what it aims at.

    Attributes:
        name: a key of ``LOSSES``.
        correct_rate, incorrect_rate: share of the time steps in which each neuron of the right class and of
            the others should fire ("mse_count"); counts are rounded down to whole spikes.
        correct_membrane, incorrect_membrane: membrane potentials aimed at in every step ("mse_membrane").
        correct_step, incorrect_step: steps of the first spikes aimed at ("mse_temporal"); negative ones count
            from the end (snnTorch 1.0 takes them for 0, whatever its documentation says).
        tolerance: steps by which a first spike must miss its aim to count ("mse_temporal").
    """

    name: str = "ce_count"
    correct_rate: float = 0.8
    incorrect_rate: float = 0.2
    correct_membrane: float = 1.0
    incorrect_membrane: float = 0.0
    correct_step: int = 0
    incorrect_step: int = -1
    tolerance: int = 0

    def __post_init__(self) -> None:
        if self.name not in LOSSES:
            raise SpecError(f"loss {self.name!r} is unknown; choose one of {', '.join(sorted(LOSSES))}")
        for name in ("correct_rate", "incorrect_rate"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise SpecError(f"{name} of the loss is {getattr(self, name)}; give a share from 0 to 1")
        if self.tolerance < 0:
            raise SpecError(f"tolerance of the loss is {self.tolerance} time steps; give 0 or more")

    @property
    def needs_membrane(self) -> bool:
        """Whether the loss is on membrane potentials, whose gradient the network must then carry."""
        return "membrane" in self.name

    def __call__(self, output: Output, labels: Tensor) -> Tensor:
        """The loss of a batch with labels (B,), a mean over its samples."""
        return self.per_sample(output, labels).mean()

    def per_sample(self, output: Output, labels: Tensor) -> Tensor:
        """The loss of every sample of a batch with labels (B,), (B,)."""
        return LOSSES[self.name](output, labels, self)


Loss = Callable[[Output, Tensor, LossSpec], Tensor]
"""From an output, labels (B,) and aims to the loss of every sample, (B,)."""


class _FirstSpike(torch.autograd.Function):
    """First spike time of every neuron, with -1 as its derivative for the spike: more of it comes earlier."""

    @staticmethod
    def forward(ctx: Any, spikes: Tensor) -> Tensor:
        """(B, n) from (T, B, n)."""
        fired, first = spikes.max(dim=0)
        first = torch.where(fired > 0, first, len(spikes) - 1)
        ctx.save_for_backward(first)
        ctx.steps = len(spikes)
        return first.to(spikes.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        """Put the negative gradient at the first spike, or at the last step where there is none."""
        (first,) = ctx.saved_tensors
        grad = grads[0].new_zeros((ctx.steps, *first.shape))
        return grad.scatter_(0, first.unsqueeze(0), -grads[0].unsqueeze(0))


def _ce_count(output: Output, labels: Tensor, _: LossSpec) -> Tensor:
    """Cross-entropy with the spike counts as logits; snnTorch's ``ce_count_loss``."""
    return functional.cross_entropy(output.counts, labels, reduction="none")


def _ce_rate(output: Output, labels: Tensor, _: LossSpec) -> Tensor:
    """Cross-entropy with each step's spikes as logits, averaged; snnTorch's ``ce_rate_loss``."""
    return _ce_every_step(output.spikes_by_class, labels)


def _ce_membrane(output: Output, labels: Tensor, _: LossSpec) -> Tensor:
    """Cross-entropy with each step's membrane potentials as logits, averaged."""
    return _ce_every_step(output.membrane_by_class, labels)


def _ce_every_step(logits: Tensor, labels: Tensor) -> Tensor:
    every = functional.cross_entropy(logits.flatten(0, 1), labels.repeat(len(logits)), reduction="none")
    return every.view(logits.shape[:2]).mean(0)


def _ce_max_membrane(output: Output, labels: Tensor, _: LossSpec) -> Tensor:
    """Cross-entropy with the highest membrane potentials as logits; snnTorch's ``ce_max_membrane_loss``."""
    return functional.cross_entropy(output.highest_membrane, labels, reduction="none")


def _mse_count(output: Output, labels: Tensor, spec: LossSpec) -> Tensor:
    """Mean squared error of the spike counts, over time steps; snnTorch's ``mse_count_loss``."""
    counts, steps = output.counts, len(output.spikes)
    aims = (int(steps * rate * output.population) for rate in (spec.correct_rate, spec.incorrect_rate))
    return (counts - _targets(counts, labels, *aims)).square().mean(1) / steps


def _mse_membrane(output: Output, labels: Tensor, spec: LossSpec) -> Tensor:
    """Mean squared error of every step's membrane potentials; snnTorch's ``mse_membrane_loss``."""
    values = output.membrane_by_class
    aims = _targets(values[0], labels, spec.correct_membrane, spec.incorrect_membrane)
    return (values - aims).square().mean((0, 2))


def _ce_temporal(output: Output, labels: Tensor, _: LossSpec) -> Tensor:
    """Cross-entropy with the negative first spike times as logits; snnTorch's ``ce_temporal_loss``."""
    return functional.cross_entropy(-output.first_spike, labels, reduction="none")


def _mse_temporal(output: Output, labels: Tensor, spec: LossSpec) -> Tensor:
    """Mean squared error of first spike times as shares of T; snnTorch's ``mse_temporal_loss``."""
    times, steps = output.first_spike, len(output.spikes)
    aims = (step + steps * (step < 0) for step in (spec.correct_step, spec.incorrect_step))
    targets = _targets(times, labels, *aims)
    times = torch.where((times - targets).abs() < spec.tolerance, targets, times)
    return (times / steps - targets / steps).square().mean(1)


def _targets(like: Tensor, labels: Tensor, correct: float, incorrect: float) -> Tensor:
    """Aims (B, classes): ``correct`` at the label, ``incorrect`` elsewhere."""
    return torch.full_like(like, incorrect).scatter_(1, labels.unsqueeze(1), correct)


LOSSES: dict[str, Loss] = {
    "ce_count": _ce_count,
    "ce_rate": _ce_rate,
    "ce_membrane": _ce_membrane,
    "ce_max_membrane": _ce_max_membrane,
    "ce_temporal": _ce_temporal,
    "mse_count": _mse_count,
    "mse_membrane": _mse_membrane,
    "mse_temporal": _mse_temporal,
}
