"""The recurrence of one layer of several networks at once, networks outermost: (K, T, B, n)."""

from typing import Any

import torch
from torch import Tensor

from models.dynamics import Dynamics
from models.kernel import Kernel, Rows
from models.kernel_choice import suitable_kernel
from models.scan import scan
from models.scan_parts import Constants, Trace, memory_of


def stacked_scan(
    currents: Tensor,
    dynamics: Dynamics,
    recurrent: Tensor | None,
    *,
    time_steps: int,
    membrane_gradient: bool = False,
) -> tuple[Tensor, Tensor]:
    """What ``models.scan.scan`` computes, for a stack of networks.

    Args:
        currents: (K, T, B, n), which the membrane potentials may overwrite; or (K, B, n), the same in every
            step.
        dynamics: constants that are numbers, (K, 1, 1), or (K, 1, n).
        recurrent: (K, n, n), from neuron (column) to neuron (row), or None.
        time_steps: T.
        membrane_gradient: whether the membrane potentials carry a gradient.

    Returns:
        Spikes and membrane potentials, (K, T, B, n).
    """
    kernel = None if membrane_gradient else _row_kernel(currents, dynamics, recurrent)
    if kernel is None:
        return _general(currents, dynamics, recurrent, time_steps, membrane_gradient)
    if isinstance(dynamics.gain, Tensor):
        gain = dynamics.gain.to(currents)
        currents = currents * (gain if currents.ndim == 3 else gain.unsqueeze(-1))
    rows = Rows.of(dynamics, (len(currents), 1, 1), currents)
    flat = currents.flatten(-2)  # a network's samples and neurons: what a row of the kernel is
    spikes, membrane = _RowScan.apply(flat, kernel, rows, time_steps)  # type: ignore[no-untyped-call]
    shape = len(currents), time_steps, *currents.shape[-2:]
    return spikes.view(shape), membrane.view(shape)


def _row_kernel(currents: Tensor, dynamics: Dynamics, recurrent: Tensor | None) -> Kernel | None:
    """The compiled scan, where it has these neurons and nothing but the currents wants a gradient."""
    constants = Constants(dynamics.decay, dynamics.threshold, None, recurrent)
    learned = any(isinstance(each, Tensor) and each.requires_grad for each in constants)
    kernel = suitable_kernel(currents, constants, dynamics)
    return kernel if kernel is not None and not learned and kernel.knows(dynamics.derivative) else None


class _RowScan(torch.autograd.Function):
    """The compiled scan over rows of neurons (R, T, B), and its backward pass."""

    @staticmethod
    def forward(
        ctx: Any, currents: Tensor, kernel: Kernel, rows: Rows, time_steps: int
    ) -> tuple[Tensor, Tensor]:
        """Spikes and membrane potentials; ``currents`` may be (R, B), the same in every step.

        Nobody needs the currents of all steps any more: the membrane potentials take their memory.
        """
        free = currents.ndim == 3 and currents.is_contiguous()
        memory = memory_of(currents) if free else None
        trace = kernel.forward_rows(currents.contiguous(), time_steps, rows, memory=memory)
        ctx.kernel, ctx.rows, ctx.summed = kernel, rows, currents.ndim == 2
        ctx.save_for_backward(trace.membrane, trace.spikes)
        ctx.set_materialize_grads(False)
        ctx.mark_non_differentiable(trace.membrane)
        return trace.spikes, trace.membrane

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        """The gradient for the currents."""
        if grads[0] is None:
            return None, None, None, None
        grad = grads[0].select(1, 0) if grads[0].stride(1) == 0 else grads[0]
        membrane, fired = ctx.saved_tensors
        trace = Trace(membrane, fired, None)
        discards = ctx.rows.discards_input
        found = ctx.kernel.backward_rows(
            grad.contiguous(), trace, ctx.rows, summed=ctx.summed and not discards
        )
        if discards:
            found[:, 1:].mul_(1.0 - trace.spikes[:, :-1])
            found = found.sum(1) if ctx.summed else found
        return found, None, None, None


def _general(
    currents: Tensor, dynamics: Dynamics, recurrent: Tensor | None, time_steps: int, membrane_gradient: bool
) -> tuple[Tensor, Tensor]:
    """The same by ``scan``, time outermost."""
    repeated = currents.ndim == 3
    spikes, membrane = scan(
        currents if repeated else currents.transpose(0, 1),
        dynamics,
        recurrent,
        time_steps=time_steps if repeated else None,
        membrane_gradient=membrane_gradient,
    )
    return spikes.transpose(0, 1), membrane.transpose(0, 1)
