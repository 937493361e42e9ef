"""Whether the compiled scan is used: it must build, and pass a test of bit-equality with the PyTorch scan.

The environment variable ``SPIKEFRONT_SCAN`` may say ``torch`` (never) or ``c`` (always: fail where it cannot
be had). Without it the compiled scan is used where it works, and silently not where it does not.
"""

import functools
import os
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

from models.dynamics import RESETS, Constant, Dynamics
from models.kernel import KERNEL_SURROGATES, Kernel
from models.kernel_build import BuildError, load
from models.scan_adjoint import Arriving, Wanted, backward
from models.scan_parts import Constants
from models.scan_steps import forward
from models.surrogates import surrogate_named
from spikefront.errors import SpecError, ToolMissingError

_VARIABLE = "SPIKEFRONT_SCAN"
_UNWANTED = Wanted(decay=False, threshold=False, alpha=False, recurrent=False)


@dataclass(frozen=True, eq=False)
class Choice:
    """The compiled scan, or why there is none.

    Attributes:
        kernel: to be used for the neurons that suit it; None for PyTorch throughout.
        reason: one sentence, for ``spikefront doctor``.
    """

    kernel: Kernel | None
    reason: str


def suitable_kernel(currents: Tensor, constants: Constants, dynamics: Dynamics) -> Kernel | None:
    """The compiled scan, if there is one and it can run these neurons."""
    kernel = chosen().kernel
    return kernel if kernel is not None and kernel.suits(currents, constants, dynamics) else None


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
    differing = next((case for case in _cases() if not _agree(kernel, *case)), None)
    if differing is not None:
        return Choice(None, f"the compiled scan differs from PyTorch's for {differing[1]}")
    return Choice(kernel, "built, and equal to PyTorch's bit for bit")


def _cases() -> list[tuple[torch.dtype, Dynamics]]:
    """Every reset and surrogate in both precisions, with constants alike and per neuron."""
    found = []
    for dtype, reset, surrogate, per_neuron in product(
        (torch.float32, torch.float64), (*RESETS, "blank"), KERNEL_SURROGATES, (False, True)
    ):
        values: list[Constant] = [0.87, 0.9, 1.7]
        if per_neuron:
            values = [torch.linspace(each / 2, each, 19, dtype=dtype) for each in values]
        found.append(
            (
                dtype,
                Dynamics(
                    decay=values[0],
                    gain=1.0 if per_neuron else 0.7,
                    threshold=values[1],
                    reset="zero" if reset == "blank" else reset,  # type: ignore[arg-type]
                    blank_after_spike=reset == "blank",
                    derivative=surrogate_named(surrogate).derivative(values[2]),
                ),
            )
        )
    return found


def _agree(kernel: Kernel, dtype: torch.dtype, dynamics: Dynamics) -> bool:
    """Whether both scans give the same membrane potentials, spikes and gradients, bit for bit."""
    generator = torch.Generator().manual_seed(0)
    currents, grads = (torch.randn((2, 6, 37, 19), generator=generator, dtype=torch.float64) * 2).to(dtype)
    constants = Constants(dynamics.decay, dynamics.threshold, None, None)
    traces = [
        kernel.forward(currents, constants, dynamics),
        forward(currents, constants, dynamics, keep_synapse=False),
    ]
    arriving = Arriving(grads, None)
    found = [
        backward(arriving, trace, constants, dynamics, _UNWANTED, kernel=each).currents
        for trace, each in zip(traces, (kernel, None), strict=True)
    ]
    same = [torch.equal(one, other) for one, other in zip(traces[0][:2], traces[1][:2], strict=True)]  # type: ignore[arg-type]
    return all(same) and torch.equal(found[0], found[1])
