"""Whether the compiled scan is used: it must build, and pass a test of bit-equality with the PyTorch scan.

The environment variable ``SPIKEFRONT_SCAN`` may say ``torch`` (never) or ``c`` (always: fail where it cannot
be had). Without it the compiled scan is used where it works, and silently not where it does not.
"""

import functools
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

from models import coupled
from models.dynamics import RESETS, Constant, Dynamics, Reset
from models.kernel import KERNEL_SURROGATES, Kernel
from models.kernel_build import BuildError, load
from models.packed import DENSEST, PackedSpikes
from models.pooling import pooled, unpooled
from models.scan_adjoint import Arriving, Wanted, backward
from models.scan_parts import Constants, Trace
from models.scan_steps import forward
from models.surrogates import surrogate_named
from spikefront.errors import SpecError, ToolMissingError

_VARIABLE = "SPIKEFRONT_SCAN"
_PRECISIONS = (torch.float32, torch.float64)
_VALUES: Sequence[Constant] = (0.87, 0.9, 1.7)  # decay, threshold and slope of the test


@dataclass(frozen=True, eq=False)
class Choice:
    """The compiled scan and products, or why there are none.

    Attributes:
        kernel: to be used for the neurons that suit it; None for PyTorch throughout.
        reason: one sentence, for ``spikefront doctor``.
    """

    kernel: Kernel | None
    reason: str


def suitable_kernel(currents: Tensor, constants: Constants, dynamics: Dynamics) -> Kernel | None:
    """The compiled scan, if there is one and it can run these neurons."""
    kernel = chosen().kernel
    if kernel is None:
        return None
    fits = kernel.suits if constants.recurrent is None else kernel.couples
    return kernel if fits(currents, constants, dynamics) else None


def chosen() -> Choice:
    """Which scan this process uses, decided once per value of ``SPIKEFRONT_SCAN``.

    Raises:
        SpecError: the variable is neither empty, ``torch`` nor ``c``.
        ToolMissingError: it is ``c`` and the compiled scan cannot be had.
    """
    wanted = os.environ.get(_VARIABLE, "")
    if wanted not in {"", "torch", "c"}:
        raise SpecError(f"{_VARIABLE} is {wanted!r}; set it to torch or c, or leave it out")
    if wanted == "torch":
        return Choice(None, f"not used, because {_VARIABLE} is torch")
    choice = _built()
    if wanted == "c" and choice.kernel is None:
        raise ToolMissingError(f"{_VARIABLE} is c, but {choice.reason}; install a C compiler or leave it out")
    return choice


@functools.cache
def _built() -> Choice:
    try:
        kernel = Kernel(load())
    except BuildError as error:
        return Choice(None, str(error))
    if not all(_agree(kernel, dtype, dynamics) for dtype, dynamics in _cases()):
        return Choice(None, "the compiled scan differs from PyTorch's")
    if not all(_couples(kernel, dtype, reset) for dtype, reset in product(_PRECISIONS, RESETS)):
        return Choice(None, "the compiled scan of recurrent layers differs from PyTorch's")
    if not all(_pools(kernel, dtype, reset) for dtype, reset in product(_PRECISIONS, RESETS)):
        return Choice(None, "the compiled scan pools otherwise than PyTorch")
    if not all(_multiplies(kernel, dtype) for dtype in _PRECISIONS):
        return Choice(None, "the compiled products differ from PyTorch's")
    return Choice(kernel, "built, and equal to PyTorch's bit for bit")


def _cases() -> Iterator[tuple[torch.dtype, Dynamics]]:
    """Every reset and surrogate in both precisions, with numbers and with one value per neuron."""
    resets: list[tuple[Reset, bool]] = [(reset, False) for reset in RESETS] + [("zero", True)]
    for dtype, (reset, blank), surrogate in product(_PRECISIONS, resets, KERNEL_SURROGATES):
        per_neuron = [torch.linspace(each / 2, each, 19, dtype=dtype) for each in _VALUES]
        for gain, (decay, threshold, slope) in ((0.7, _VALUES), (1.0, per_neuron)):
            derivative = surrogate_named(surrogate).derivative(slope)
            yield dtype, Dynamics(decay, gain, threshold, reset, blank, derivative)


def _agree(kernel: Kernel, dtype: torch.dtype, dynamics: Dynamics) -> bool:
    """Whether both scans give the same membrane potentials, spikes and gradients, bit for bit."""
    generator = torch.Generator().manual_seed(0)
    currents, grads = (torch.randn((2, 5, 29, 19), generator=generator, dtype=torch.float64) * 2).to(dtype)
    constants = Constants(dynamics.decay, dynamics.threshold, None, None)
    traces = [
        kernel.forward(currents, constants, dynamics),
        forward(currents, constants, dynamics, keep_synapse=False),
    ]
    found = [
        (*trace[:2], *_gradients(grads, trace, dynamics, used))
        for trace, used in zip(traces, (kernel, None), strict=True)
    ]
    return all(torch.equal(one, other) for one, other in zip(*found, strict=True))


def _couples(kernel: Kernel, dtype: torch.dtype, reset: Reset) -> bool:
    """Whether a layer that hears its own spikes gives the same bits."""
    generator = torch.Generator().manual_seed(0)
    currents, grads = (torch.randn((2, 5, 31, 19), generator=generator, dtype=torch.float64) * 2).to(dtype)
    recurrent = torch.randn(19, 19, generator=generator, dtype=torch.float64).to(dtype) * 0.3
    dynamics = Dynamics(0.9, 1.0, 1.3, reset, True, surrogate_named("fast_sigmoid").derivative(2.0))
    constants = Constants(dynamics.decay, dynamics.threshold, None, recurrent)
    traces = [
        coupled.forward(kernel, currents, constants, dynamics, None),
        forward(currents, constants, dynamics, keep_synapse=False),
    ]
    wanted = Wanted(decay=False, threshold=False, alpha=False, recurrent=True, summed=False)
    found = []
    for trace, used in zip(traces, (kernel, None), strict=True):
        gradients = backward(Arriving(grads, None), trace, constants, dynamics, wanted, kernel=used)
        found.append((*trace[:2], gradients.currents, gradients.recurrent))
    return all(torch.equal(one, other) for one, other in zip(*found, strict=True))


def _pools(kernel: Kernel, dtype: torch.dtype, reset: Reset) -> bool:
    """Whether pooled spikes and the gradients through them are the same bit for bit, in an odd frame."""
    generator = torch.Generator().manual_seed(0)
    currents = (torch.randn(4, 2, 5, 7, 19, generator=generator, dtype=torch.float64) * 2).to(dtype)
    grads = torch.randn(4, 2, 2, 3, 19, generator=generator, dtype=torch.float64).to(dtype)
    dynamics = Dynamics(0.9, 0.7, 1.3, reset, False, surrogate_named("fast_sigmoid").derivative(2.0))
    constants = Constants(dynamics.decay, dynamics.threshold, None, None)
    found = kernel.forward(currents, constants, dynamics, pool=2)
    trace = forward(currents, constants, dynamics, keep_synapse=False)
    same = torch.equal(found.membrane, trace.membrane) and torch.equal(found.spikes, pooled(trace.spikes))
    gradients = _gradients(unpooled(trace.spikes, grads), trace, dynamics, None)
    for summed, gradient in zip((False, True), gradients, strict=True):
        back = kernel.backward(grads, found.membrane, constants, dynamics, summed=summed, pool=2)
        same = same and torch.equal(back.mul_(0.7), gradient)
    return same


def _multiplies(kernel: Kernel, dtype: torch.dtype) -> bool:
    """Whether products with spikes are sums in order, bit for bit: chunks, blocks and ragged tiles."""
    generator = torch.Generator().manual_seed(0)
    spikes = (torch.rand(3, 90, 139, generator=generator) < DENSEST / 2).to(torch.uint8)
    packed = PackedSpikes.of(spikes, kernel)
    if packed is None:
        return False
    weight = torch.randn(147, 139, generator=generator, dtype=torch.float64).to(dtype)
    arriving = torch.randn(3, 90, 147, generator=generator, dtype=torch.float64).to(dtype)
    rows, grads = spikes.flatten(0, 1).to(dtype), arriving.flatten(0, 1)
    sums = packed.sums(weight).flatten(0, 1), packed.gradient(arriving)
    return torch.equal(sums[0], _in_order(rows, weight)) and torch.equal(sums[1], _in_order(grads.T, rows.T))


def _in_order(left: Tensor, right: Tensor) -> Tensor:
    """Left times the transpose of right, summed in order."""
    total = left.new_zeros(len(left), len(right))
    for one, other in zip(left.T, right.T, strict=True):
        total += one[:, None] * other
    return total


def _gradients(grads: Tensor, trace: Trace, dynamics: Dynamics, kernel: Kernel | None) -> list[Tensor]:
    """Gradients for currents that differ between steps, and for currents that do not."""
    constants = Constants(dynamics.decay, dynamics.threshold, None, None)
    return [
        backward(
            Arriving(grads, None),
            trace,
            constants,
            dynamics,
            Wanted(decay=False, threshold=False, alpha=False, recurrent=False, summed=summed),
            kernel=kernel,
        ).currents
        for summed in (False, True)
    ]
