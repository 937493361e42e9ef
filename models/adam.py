"""Adam (Kingma and Ba, arXiv 1412.6980) on a list of tensors.

Equal to ``torch.optim.Adam``, whose first use imports torch's compiler: over a second in every new worker
process.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

_FIRST, _SECOND, _EPSILON = 0.9, 0.999, 1e-8


class Adam:
    """Optimiser state of some weights; weight decay is added to the gradient, as in ``torch.optim.Adam``."""

    def __init__(self, weights: Sequence[Tensor], weight_decay: float) -> None:
        self._weights = list(weights)
        self._weight_decay = weight_decay
        self._means = [torch.zeros_like(weight) for weight in weights]
        self._squares = [torch.zeros_like(weight) for weight in weights]
        self._steps = 0

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Move every weight against its gradient, then clear the gradients."""
        self._steps += 1
        rate = learning_rate / (1.0 - _FIRST**self._steps)
        correction = math.sqrt(1.0 - _SECOND**self._steps)
        for weight, mean, square in zip(self._weights, self._means, self._squares, strict=True):
            if weight.grad is None:
                continue
            gradient = weight.grad.add(weight, alpha=self._weight_decay)
            mean.lerp_(gradient, 1.0 - _FIRST)
            square.mul_(_SECOND).addcmul_(gradient, gradient, value=1.0 - _SECOND)
            weight.addcdiv_(mean, square.sqrt().div_(correction).add_(_EPSILON), value=-rate)
            weight.grad = None
