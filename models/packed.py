"""Compiled products of weights with spikes, whose cost follows the spikes up to a third of all inputs.

Sums are taken spike by spike, in the order of inputs, and for the gradient in that of steps and samples.
"""

import ctypes
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models.kernel import Kernel, address

DENSEST = 0.3
"""Share of spiking inputs above which the dense product is nearly as fast: measured on 64 to 784 inputs."""
_SPARE = 8  # bytes that ``list_spikes`` writes beyond the last place
_BLOCK = 64  # inputs of a block, as in product_kernel.c
_TILE_BYTES = 512  # a row of a tile
_ALIGNMENT = 64


@dataclass(frozen=True, eq=False)
class PackedSpikes:
    """Spikes (T, B, n), listed for ``product_kernel.c``.

    Attributes:
        kernel: the compiled functions.
        shape: (T, B, n).
        counts: spikes of every row in every block of inputs, uint8.
        places: which inputs of the block they are, uint8.
    """

    kernel: Kernel
    shape: tuple[int, int, int]
    counts: Tensor
    places: Tensor

    @classmethod
    def of(cls, spikes: Tensor, kernel: Kernel) -> "PackedSpikes | None":
        """List spikes uint8 (T, B, n) of 0 and 1; None where they are too many, or not on the CPU."""
        if spikes.device.type != "cpu" or spikes.numel() == 0:
            return None
        spikes = spikes.contiguous()
        found = int(np.count_nonzero(spikes.numpy().view(np.bool_)))
        if found > DENSEST * spikes.numel():
            return None
        steps, samples, n_in = spikes.shape
        rows = steps * samples
        counts = torch.empty(-(-n_in // _BLOCK) * rows, dtype=torch.uint8)
        places = torch.empty(found + _SPARE, dtype=torch.uint8)
        size = ctypes.c_ssize_t(rows), ctypes.c_ssize_t(n_in)
        kernel.library.list_spikes(address(spikes), *size, address(counts), address(places))
        return cls(kernel, (steps, samples, n_in), counts, places)

    def times(self, weight: Tensor) -> Tensor:
        """The products with weights (n_out, n), (T, B, n_out), differentiable for the weights.

        Of several networks' weights (K, n_out, n) they are (K, T, B, n_out), each network's those that its
        weights alone would give, bit for bit.
        """
        product: Tensor = _Product.apply(weight, self)  # type: ignore[no-untyped-call]
        return product

    def sums(self, weight: Tensor) -> Tensor:
        """([K,] T, B, n_out): for every row, the sum of the columns of ``weight`` that spike."""
        sums = weight.new_empty(*weight.shape[:-2], *self.shape[:2], weight.shape[-2])
        self._call("spikes_times", (weight.contiguous(), sums), weight.shape[:-2].numel(), weight.shape[-2])
        return sums

    def gradient(self, arriving: Tensor) -> Tensor:
        """([K,] n_out, n): for every input, the sum of the rows ``arriving`` ([K,] T, B, n_out) of its spikes."""
        gradient = arriving.new_empty(*arriving.shape[:-3], arriving.shape[-1], self.shape[2])
        self._call(
            "times_spikes", (arriving.contiguous(), gradient), arriving.shape[:-3].numel(), arriving.shape[-1]
        )
        return gradient

    def _call(self, function: str, matrices: tuple[Tensor, Tensor], networks: int, width: int) -> None:
        steps, samples, n_in = self.shape
        scratch = torch.empty(n_in * _TILE_BYTES + _ALIGNMENT, dtype=torch.uint8)
        self.kernel.function(function, matrices[0])(
            *map(address, (self.counts, self.places)),
            *map(ctypes.c_ssize_t, (steps * samples, n_in, networks)),
            *map(address, matrices),
            ctypes.c_ssize_t(width),
            ctypes.c_void_p(-(-scratch.data_ptr() // _ALIGNMENT) * _ALIGNMENT),
        )


class _Product(torch.autograd.Function):
    """Both products, as one differentiable function of the weights."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, spikes: PackedSpikes) -> Tensor:
        """([K,] T, B, n_out)."""
        ctx.spikes = spikes
        return spikes.sums(weight.detach())

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        """([K,] n_out, n)."""
        return ctx.spikes.gradient(grads[0]), None
