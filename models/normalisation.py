"""Batch normalisation of a layer's currents, with one set of statistics for all time steps."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

EPSILON = 1e-5
MOMENTUM = 0.1  # of the running statistics, PyTorch's default


@dataclass(frozen=True, eq=False)
class BatchNorm:
    """Batch normalisation (Ioffe and Szegedy, arXiv 1502.03167) over samples, time steps and pixels.

    One set of statistics for all steps can be folded into the weights after training; normalising every step
    by its own could not. The gain starts at the threshold, as in Zheng et al. (arXiv 2011.05280): currents of
    unit deviation would seldom reach a high one.

    Attributes:
        gain, shift: learned, (channels,).
        mean, variance: running statistics, (channels,), moved at every forward pass of the training.
    """

    gain: Tensor
    shift: Tensor
    mean: Tensor
    variance: Tensor

    @classmethod
    def start(cls, channels: int, threshold: float, device: torch.device) -> "BatchNorm":
        """Before training: a gain of the layer's threshold, no shift."""
        return cls(
            gain=torch.full((channels,), threshold, device=device).requires_grad_(),
            shift=torch.zeros(channels, device=device).requires_grad_(),
            mean=torch.zeros(channels, device=device),
            variance=torch.ones(channels, device=device),
        )

    def tensors(self) -> dict[str, Tensor]:
        """All tensors by name."""
        return dict(self.__dict__)

    def __call__(self, currents: Tensor) -> Tensor:
        """Normalise (samples, channels, ...) by the batch's statistics, and move the running ones.

        A single value per channel has no spread: it is normalised by the running statistics.
        """
        several = currents.numel() > currents.shape[1]
        return functional.batch_norm(
            currents, self.mean, self.variance, self.gain, self.shift, several, MOMENTUM, EPSILON
        )

    def factor(self) -> Tensor:
        """What the normalisation multiplies by, from its running statistics, (channels,)."""
        return self.gain * torch.rsqrt(self.variance + EPSILON)

    def offset(self) -> Tensor:
        """What it then adds, (channels,)."""
        return self.shift - self.mean * self.factor()
