"""The optimisers of ``models.optimisers`` on tensors of several networks, each with rates of its own."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from models.optimisers import EPSILON, FIRST, SECOND, OptimiserName

_CACHE_ELEMENTS = 1 << 16
"""Networks are moved together as long as one of their tensors stays within the processor's cache."""


@dataclass(frozen=True, eq=False)
class StackedLearned:
    """A tensor (K, ...) that is learned, and the weight decay that each network's part is under."""

    tensor: Tensor
    weight_decays: tuple[float, ...]

    def parts(self) -> Iterator[slice]:
        """Networks to move at once."""
        size = max(1, _CACHE_ELEMENTS // max(1, self.tensor[0].numel()))
        for start in range(0, len(self.tensor), size):
            yield slice(start, start + size)

    def per_network(self, values: Sequence[float]) -> Tensor:
        """Numbers of each network, to broadcast against the tensor."""
        return self.tensor.new_tensor(values).view(-1, *[1] * (self.tensor.ndim - 1))


class StackedOptimiser(Protocol):
    """Moves tensors against their gradients."""

    def step(self, learning_rates: Sequence[float]) -> None:
        """Move every tensor that has a gradient at each network's rate, then clear the gradients."""
        ...

    def keep(self, places: Sequence[int], learned: Sequence[StackedLearned]) -> None:
        """Go on with some of the networks, whose tensors are now these."""
        ...


class StackedAdam:
    """``models.optimisers.Adam`` for every network."""

    def __init__(self, learned: Sequence[StackedLearned], *, decoupled: bool) -> None:
        self._learned = list(learned)
        self._decoupled = decoupled
        self._means = [torch.zeros_like(each.tensor) for each in learned]
        self._squares = [torch.zeros_like(each.tensor) for each in learned]
        self._steps = 0

    @torch.no_grad()
    def step(self, learning_rates: Sequence[float]) -> None:
        """Move every tensor that has a gradient at each network's rate, then clear the gradients."""
        self._steps += 1
        bias = 1.0 - FIRST**self._steps
        for each, mean, square in zip(self._learned, self._means, self._squares, strict=True):
            gradient = each.tensor.grad
            if gradient is None:
                continue
            rates = each.per_network([-rate / bias for rate in learning_rates])
            decays = each.per_network(self._decays(each, learning_rates))
            for part in each.parts():
                slope = gradient[part]
                if any(each.weight_decays[part]):
                    slope = self._decayed(each.tensor[part], slope, decays[part])
                self._move(each.tensor[part], slope, (mean[part], square[part]), rates[part])
            each.tensor.grad = None

    def keep(self, places: Sequence[int], learned: Sequence[StackedLearned]) -> None:
        """Go on with some of the networks, whose tensors are now these."""
        self._learned = list(learned)
        self._means = [mean[list(places)] for mean in self._means]
        self._squares = [square[list(places)] for square in self._squares]

    def _decays(self, each: StackedLearned, learning_rates: Sequence[float]) -> list[float]:
        """What the tensor is multiplied by, decoupled; else what of it the gradient gains."""
        if not self._decoupled:
            return list(each.weight_decays)
        return [1.0 - rate * decay for rate, decay in zip(learning_rates, each.weight_decays, strict=True)]

    def _decayed(self, tensor: Tensor, gradient: Tensor, decays: Tensor) -> Tensor:
        """The gradient to use; decoupled, the tensor decays instead."""
        if self._decoupled:
            tensor.mul_(decays)
            return gradient
        return gradient.addcmul(tensor, decays)

    def _move(self, tensor: Tensor, gradient: Tensor, moments: tuple[Tensor, Tensor], rates: Tensor) -> None:
        mean, square = moments
        mean.lerp_(gradient, 1.0 - FIRST)
        square.mul_(SECOND).addcmul_(gradient, gradient, value=1.0 - SECOND)
        size = square.sqrt().div_(math.sqrt(1.0 - SECOND**self._steps)).add_(EPSILON)
        tensor.addcdiv_(mean * rates, size)


class StackedSgd:
    """``models.optimisers.Sgd`` for every network."""

    def __init__(self, learned: Sequence[StackedLearned], momenta: Sequence[float]) -> None:
        self._learned = list(learned)
        self._momenta = list(momenta)
        self._velocities = [torch.zeros_like(each.tensor) for each in learned]

    @torch.no_grad()
    def step(self, learning_rates: Sequence[float]) -> None:
        """Move every tensor that has a gradient at each network's rate, then clear the gradients."""
        for each, velocity in zip(self._learned, self._velocities, strict=True):
            tensor, gradient = each.tensor, each.tensor.grad
            if gradient is None:
                continue
            if any(each.weight_decays):
                gradient = gradient.addcmul(tensor, each.per_network(each.weight_decays))
            velocity.mul_(each.per_network(self._momenta)).add_(gradient)
            tensor.addcmul_(velocity, each.per_network([-rate for rate in learning_rates]))
            tensor.grad = None

    def keep(self, places: Sequence[int], learned: Sequence[StackedLearned]) -> None:
        """Go on with some of the networks, whose tensors are now these."""
        self._learned = list(learned)
        self._momenta = [self._momenta[place] for place in places]
        self._velocities = [velocity[list(places)] for velocity in self._velocities]


def stacked_optimiser(
    name: OptimiserName, learned: Sequence[StackedLearned], momenta: Sequence[float]
) -> StackedOptimiser:
    """The optimiser of that name; only "sgd" uses the momenta, one per network."""
    if name == "sgd":
        return StackedSgd(learned, momenta)
    return StackedAdam(learned, decoupled=name == "adamw")


@torch.no_grad()
def stacked_norms(learned: Sequence[StackedLearned]) -> Tensor:
    """The norm of every tensor's gradient, one row per network: (K, tensors)."""
    gradients = [each.tensor.grad for each in learned if each.tensor.grad is not None]
    return torch.stack([torch.linalg.vector_norm(g.reshape(len(g), -1), dim=1) for g in gradients], dim=1)


def clip_stacked(learned: Sequence[StackedLearned], norms: Tensor, limits: Sequence[float]) -> None:
    """Scale each network's gradients so that their common norm is at most its limit; 0 is no limit.

    Args:
        learned: the tensors.
        norms: what ``stacked_norms`` gave.
        limits: one per network.
    """
    if not any(limits):
        return
    bounds = norms.new_tensor([limit or math.inf for limit in limits])
    factors = torch.clamp(bounds / (torch.linalg.vector_norm(norms, dim=1) + 1e-6), max=1.0)
    for each in learned:
        if each.tensor.grad is not None:
            each.tensor.grad.mul_(factors.view(-1, *[1] * (each.tensor.ndim - 1)))
