"""Compiled steps of leaky neurons that hear their own spikes: one matrix product and one call in C a step."""

import ctypes
from collections.abc import Sequence

import torch
from torch import Tensor

from models.dynamics import Constant, Dynamics
from models.kernel import Kernel, address, lengths_of, reset_code, surrogate_constants, values_of
from models.scan_parts import Constants, Trace


def forward(
    kernel: Kernel, currents: Tensor, constants: Constants, dynamics: Dynamics, memory: Tensor | None
) -> Trace:
    """What ``scan_steps.forward`` returns.

    Args:
        kernel: the compiled functions (``Kernel.couples``).
        currents: (T, B, n), each step contiguous.
        constants: with recurrent weights (n, n).
        dynamics: everything else about the neuron.
        memory: that of the currents, contiguous, for the membrane potentials to take; None for a new one.
    """
    membrane = torch.empty(currents.shape, dtype=currents.dtype) if memory is None else memory
    spikes, before = torch.empty_like(membrane), torch.zeros_like(membrane[0])
    values, sizes = _constants(membrane, (constants.decay, constants.threshold))
    step, reset = kernel.function("step_forward", membrane), ctypes.c_int(reset_code(dynamics))
    fired = before
    back = _recurrent(constants).mT
    for time, (now, out) in enumerate(zip(membrane.unbind(), spikes.unbind(), strict=True)):
        arriving = currents[time]
        if time > 0:
            arriving = now.addmm_(fired, back) if memory is not None else torch.addmm(arriving, fired, back)
        step(*map(address, (arriving, before, fired, now, out, *values)), *sizes, reset)
        before, fired = now, out
    return Trace(membrane, spikes, None)


def backward(
    kernel: Kernel, grad: Tensor, membrane: Tensor, constants: Constants, dynamics: Dynamics
) -> Tensor:
    """Gradient for the membrane potentials (T, B, n) from that for the spikes, under no reset to zero.

    Raises:
        KeyError: the kernel does not know the surrogate (``Kernel.knows``).
    """
    grad = grad if grad[0].is_contiguous() else grad.contiguous()
    code, inner, outer = surrogate_constants(dynamics.derivative, membrane)
    values, sizes = _constants(membrane, (constants.decay, constants.threshold, inner, outer))
    step, surrogate = kernel.function("step_backward", membrane), ctypes.c_int(code)
    found, recurrent = torch.empty_like(membrane), _recurrent(constants)
    rows, back = found.unbind(), torch.empty_like(membrane[0])
    for time in range(len(rows) - 1, -1, -1):
        later = None
        if time < len(rows) - 1:
            torch.mm(rows[time + 1], recurrent, out=back)
            later = address(rows[time + 1])
        step(*map(address, (grad[time], back)), later, *map(address, (membrane[time], rows[time], *values)),
             *sizes, surrogate)  # fmt: skip
    return found


def _recurrent(constants: Constants) -> Tensor:
    if constants.recurrent is None:
        raise ValueError("the layer has no recurrent weights")
    return constants.recurrent


def _constants(membrane: Tensor, given: Sequence[Constant]) -> tuple[list[Tensor], tuple[object, ...]]:
    """The constants' values, and what the functions take behind them: their numbers, and a step's."""
    values = [values_of(each, membrane) for each in given]
    return values, (lengths_of(values), ctypes.c_ssize_t(membrane[0].numel()))
