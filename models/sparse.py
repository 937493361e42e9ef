"""Products of a layer's weights with few spikes, whose cost follows the spikes and not the inputs.

Event data have one input in a hundred spiking in a step: adding up the weights of those takes a fraction of
the time of a dense product, forwards and for the gradient of the weights. Above some per cent the dense one
wins.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from models.kernel_choice import chosen
from models.packed import PackedSpikes

DENSEST = 0.05
"""Share of spiking inputs above which the dense product is about as fast: measured on 784 inputs."""


@dataclass(frozen=True, eq=False)
class SparseSpikes:
    """Spikes (T, B, n), listed.

    Attributes:
        shape: (T, B, n).
        rows, columns: of every spike, int64: which step and sample (T * B of them), and which input; in the
            order of rows.
    """

    shape: tuple[int, int, int]
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]

    @classmethod
    def of(cls, spikes: Tensor) -> "SparseSpikes | None":
        """List spikes uint8 (T, B, n) of 0 and 1; None where they are too many, or not on the CPU."""
        if spikes.device.type != "cpu" or spikes.numel() == 0:
            return None
        flat = spikes.contiguous().numpy().view(np.bool_).ravel()
        if np.count_nonzero(flat) > DENSEST * flat.size:
            return None
        steps, samples, n_in = spikes.shape
        rows, columns = np.divmod(np.flatnonzero(flat), n_in)
        return cls((steps, samples, n_in), rows, columns)

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """Where the spikes of every row begin, (T * B,)."""
        return np.searchsorted(self.rows, np.arange(self.shape[0] * self.shape[1]))

    @cached_property
    def by_input(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows of the spikes in the order of inputs, and where those of every input begin (n,)."""
        n_in = self.shape[2]
        short = self.columns.astype(np.uint16) if n_in < 1 << 16 else self.columns  # radix-sorted, linear
        order = np.argsort(short, kind="stable")
        return self.rows[order], np.searchsorted(short[order], np.arange(n_in, dtype=short.dtype))

    def times(self, weight: Tensor) -> Tensor:
        """The products with weights (n_out, n), (T, B, n_out), differentiable for the weights.

        Of several networks' weights (K, n_out, n) they are (K, T, B, n_out).
        """
        product: Tensor = _Product.apply(weight.flatten(0, -2), self)  # type: ignore[no-untyped-call]
        found = product.view(*self.shape[:2], *weight.shape[:-1])
        return found if weight.ndim == 2 else found.movedim(2, 0)


ListedSpikes = SparseSpikes | PackedSpikes


def listed_spikes(spikes: Tensor, weight: Tensor) -> ListedSpikes | None:
    """List spikes uint8 (T, B, n) for the product with weights; None where the dense one is better."""
    kernel = chosen().kernel
    if kernel is not None and kernel.multiplies(weight):
        return PackedSpikes.of(spikes, kernel)
    return SparseSpikes.of(spikes)


class _Product(torch.autograd.Function):
    """Sums of weight columns, forwards; sums of gradient rows, backwards."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, spikes: SparseSpikes) -> Tensor:
        """(T * B, n_out): for every row, the sum of the columns that spike."""
        ctx.spikes = spikes
        return _summed(weight.detach().t().contiguous(), spikes.columns, spikes.starts)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        """(n_out, n): for every input, the sum of the rows in which it spikes."""
        rows, starts = ctx.spikes.by_input
        return _summed(grads[0].contiguous(), rows, starts).t(), None


def _summed(values: Tensor, chosen: NDArray[np.int64], starts: NDArray[np.int64]) -> Tensor:
    """Sums of chosen rows of ``values``, one sum from each start to the next."""
    return functional.embedding_bag(
        torch.from_numpy(chosen), values, torch.from_numpy(starts.astype(np.int64)), mode="sum"
    )
