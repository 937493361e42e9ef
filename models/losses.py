"""Losses on output spike counts, as in ``snntorch.functional``, without their loop over time."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from spikefront.errors import SpecError

Loss = Callable[[Tensor, Tensor, int], Tensor]

_CORRECT_RATE = 0.8
_INCORRECT_RATE = 0.2


def ce_count(counts: Tensor, labels: Tensor, time_steps: int) -> Tensor:  # noqa: ARG001 - one signature for all
    """Cross-entropy with the output spike counts (B, classes) as logits; equals ``ce_count_loss``."""
    return functional.cross_entropy(counts, labels)


def mse_count(counts: Tensor, labels: Tensor, time_steps: int) -> Tensor:
    """Mean squared error of the counts (B, classes), over time steps; equals ``mse_count_loss``.

    The right class should fire in 80 % of the steps and the others in 20 %, both rounded down to whole
    spikes.
    """
    targets = torch.full_like(counts, int(time_steps * _INCORRECT_RATE))
    targets.scatter_(1, labels.unsqueeze(1), float(int(time_steps * _CORRECT_RATE)))
    return functional.mse_loss(counts, targets) / time_steps


LOSSES: dict[str, Loss] = {"ce_count": ce_count, "mse_count": mse_count}


def loss_named(name: str) -> Loss:
    """The loss of that name.

    Raises:
        SpecError: no loss has that name.
    """
    if name not in LOSSES:
        raise SpecError(f"loss {name!r} is unknown; choose one of {', '.join(sorted(LOSSES))}")
    return LOSSES[name]
