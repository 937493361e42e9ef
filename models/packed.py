"""Compiled products of weights with spikes, whose cost follows the spikes up to a third of all inputs.

Sums are taken spike by spike, in the order of inputs, and for the gradient in that of steps and samples.
"""

import ctypes
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from models.kernel import Kernel, address

DENSEST = 0.3
"""Share of spiking inputs above which the dense product is nearly as fast: measured on 64 to 784 inputs."""
_WORD = 64  # inputs of a word, as in product_kernel.c
_TILE_BYTES = 512  # a row of a tile
_ALIGNMENT = 64


@dataclass(frozen=True, eq=False)
class SpikeList:
    """Bits (rows, words), listed for ``product_kernel.c``; all are uint8.

    Attributes:
        counts: spikes of every row in every word, of the word's rows in the order that follows.
        order: rows of a chunk by their spikes in the word.
        places: which bits of the word the spikes are.
    """

    counts: Tensor
    order: Tensor
    places: Tensor

    @classmethod
    def of(cls, bits: Tensor, size: tuple[int, int], spikes: int, kernel: Kernel) -> "SpikeList":
        """List that many spikes of (rows, inputs), given as bits."""
        rows, inputs = size
        counts, order = torch.empty((2, -(-inputs // _WORD) * rows), dtype=torch.uint8)
        places = torch.empty(spikes, dtype=torch.uint8)
        kernel.library.list_bits(address(bits), *_sizes(size), *map(address, (counts, order, places)))
        return cls(counts, order, places)


@dataclass(frozen=True, eq=False)
class PackedSpikes:
    """Spikes (T, B, n), listed for products with weights, and on demand for the gradient.

    Attributes:
        kernel: the compiled functions.
        shape: (T, B, n).
        bits: the spikes, int64 (T * B, ceil(n / 64)).
        by_row: their list.
    """

    kernel: Kernel
    shape: tuple[int, int, int]
    bits: Tensor
    by_row: SpikeList

    @classmethod
    def of(cls, spikes: Tensor, kernel: Kernel) -> "PackedSpikes | None":
        """List spikes uint8 (T, B, n) of 0 and 1; None where they are too many, or not on the CPU."""
        if spikes.device.type != "cpu" or spikes.numel() == 0:
            return None
        spikes = spikes.contiguous()
        size = spikes.shape[:2].numel(), spikes.shape[2]
        bits = torch.empty((size[0], -(-size[1] // _WORD)), dtype=torch.int64)
        count = kernel.library.spike_bits
        count.restype = ctypes.c_ssize_t
        found = count(address(spikes), *_sizes(size), address(bits))
        if found > DENSEST * spikes.numel():
            return None
        steps, samples, n_in = spikes.shape
        return cls(kernel, (steps, samples, n_in), bits, SpikeList.of(bits, size, found, kernel))

    @cached_property
    def by_input(self) -> SpikeList:
        """The list of the transpose: of every input, the rows in which it spikes."""
        steps, samples, n_in = self.shape
        rows = steps * samples
        turned = torch.empty((n_in, -(-rows // _WORD)), dtype=torch.int64)
        self.kernel.library.turn_bits(address(self.bits), *_sizes((rows, n_in)), address(turned))
        return SpikeList.of(turned, (n_in, rows), len(self.by_row.places), self.kernel)

    def times(self, weight: Tensor) -> Tensor:
        """The products with weights (n_out, n), (T, B, n_out), differentiable for the weights.

        Of several networks' weights (K, n_out, n) they are (K, T, B, n_out), each network's those that its
        weights alone would give, bit for bit.
        """
        product: Tensor = _Product.apply(weight, self)  # type: ignore[no-untyped-call]
        return product

    def sums(self, weight: Tensor) -> Tensor:
        """([K,] T, B, n_out): for every row, the sum of the columns of ``weight`` that spike."""
        networks, width = weight.shape[:-2], weight.shape[-2]
        sums = weight.new_empty(*networks, *self.shape[:2], width)
        self._call("spikes_times", self.by_row, (weight.contiguous(), sums), (networks.numel(), width))
        return sums

    def gradient(self, arriving: Tensor) -> Tensor:
        """([K,] n_out, n): for every input, the sum of ``arriving`` ([K,] T, B, n_out) where it spikes."""
        networks, width = arriving.shape[:-3], arriving.shape[-1]
        gradient = arriving.new_empty(*networks, width, self.shape[2])
        matrices = arriving.contiguous(), gradient
        self._call("times_spikes", self.by_input, matrices, (networks.numel(), width))
        return gradient

    def _call(
        self, function: str, spikes: SpikeList, matrices: tuple[Tensor, Tensor], size: tuple[int, int]
    ) -> None:
        """Run a function of the kernel on matrices of some networks and some width."""
        steps, samples, n_in = self.shape
        scratch = torch.empty(n_in * _TILE_BYTES + _ALIGNMENT, dtype=torch.uint8)
        self.kernel.function(function, matrices[0])(
            *map(address, (spikes.counts, spikes.order, spikes.places)),
            *map(ctypes.c_ssize_t, (steps * samples, n_in, size[0])),
            *map(address, matrices),
            ctypes.c_ssize_t(size[1]),
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


def _sizes(numbers: tuple[int, int]) -> tuple[ctypes.c_ssize_t, ctypes.c_ssize_t]:
    return ctypes.c_ssize_t(numbers[0]), ctypes.c_ssize_t(numbers[1])
