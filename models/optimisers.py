"""Optimisers on a list of tensors, equal to those of ``torch.optim``.

They are our own because the first use of ``torch.optim`` imports torch's compiler: over a second in every new
worker process.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Tensor

OptimiserName = Literal["adam", "adamw", "sgd"]
OPTIMISERS: tuple[OptimiserName, ...] = ("adam", "adamw", "sgd")

FIRST, SECOND, EPSILON = 0.9, 0.999, 1e-8
"""Of Adam: decay of the mean gradient, of its mean square, and what is added to the latter's root."""


@dataclass(frozen=True, eq=False)
class Learned:
    """A tensor that is learned, and the weight decay it is under."""

    tensor: Tensor
    weight_decay: float


class Optimiser(Protocol):
    """Moves tensors against their gradients."""

    def step(self, learning_rate: float) -> None:
        """Move every tensor that has a gradient, then clear the gradients."""
        ...


class Adam:
    """Adam (Kingma and Ba, arXiv 1412.6980); ``decoupled`` makes it AdamW (arXiv 1711.05101).

    Weight decay is added to the gradient, or, decoupled, taken off the tensor in proportion to the learning
    rate.
    """

    def __init__(self, learned: Sequence[Learned], *, decoupled: bool = False) -> None:
        self._learned = list(learned)
        self._decoupled = decoupled
        self._means = [torch.zeros_like(each.tensor) for each in learned]
        self._squares = [torch.zeros_like(each.tensor) for each in learned]
        self._steps = 0

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Move every tensor that has a gradient, then clear the gradients."""
        self._steps += 1
        rate = learning_rate / (1.0 - FIRST**self._steps)
        correction = math.sqrt(1.0 - SECOND**self._steps)
        for each, mean, square in zip(self._learned, self._means, self._squares, strict=True):
            tensor = each.tensor
            if tensor.grad is None:
                continue
            gradient = tensor.grad
            if self._decoupled:
                tensor.mul_(1.0 - learning_rate * each.weight_decay)
            elif each.weight_decay:
                gradient = gradient.add(tensor, alpha=each.weight_decay)
            mean.lerp_(gradient, 1.0 - FIRST)
            square.mul_(SECOND).addcmul_(gradient, gradient, value=1.0 - SECOND)
            tensor.addcdiv_(mean, square.sqrt().div_(correction).add_(EPSILON), value=-rate)
            tensor.grad = None


class Sgd:
    """Stochastic gradient descent with momentum (Sutskever et al. 2013, in torch's form).

    v = momentum * v + gradient; tensor = tensor - learning_rate * v. Weight decay is added to the gradient.
    """

    def __init__(self, learned: Sequence[Learned], momentum: float) -> None:
        self._learned = list(learned)
        self._momentum = momentum
        self._velocities = [torch.zeros_like(each.tensor) for each in learned]

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Move every tensor that has a gradient, then clear the gradients."""
        for each, velocity in zip(self._learned, self._velocities, strict=True):
            if each.tensor.grad is None:
                continue
            gradient = each.tensor.grad.add(each.tensor, alpha=each.weight_decay)
            velocity.mul_(self._momentum).add_(gradient)
            each.tensor.add_(velocity, alpha=-learning_rate)
            each.tensor.grad = None


def optimiser_named(name: OptimiserName, learned: Sequence[Learned], momentum: float) -> Optimiser:
    """The optimiser of that name; only "sgd" uses the momentum."""
    if name == "sgd":
        return Sgd(learned, momentum)
    return Adam(learned, decoupled=name == "adamw")


@torch.no_grad()
def gradient_norms(learned: Sequence[Learned]) -> tuple[float, ...]:
    """The norm of every tensor's gradient, one transfer from the device for all."""
    gradients = [each.tensor.grad for each in learned if each.tensor.grad is not None]
    norms: list[float] = torch.stack([torch.linalg.vector_norm(gradient) for gradient in gradients]).tolist()
    return tuple(norms)


def clip_gradients(learned: Sequence[Learned], limit: float) -> Tensor:
    """Scale all gradients so that their common norm is at most ``limit``; returns the norm before.

    Equal to ``torch.nn.utils.clip_grad_norm_`` (Pascanu et al., arXiv 1211.5063).
    """
    gradients = [each.tensor.grad for each in learned if each.tensor.grad is not None]
    norm: Tensor = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(g) for g in gradients]))
    factor = torch.clamp(limit / (norm + 1e-6), max=1.0)
    for gradient in gradients:
        gradient.mul_(factor)
    return norm
