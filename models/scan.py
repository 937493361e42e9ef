"""The recurrence of one layer over all time steps, as a single autograd function.

A network is run layer by layer: a layer's input currents for every time step come from one matrix product,
and this scan turns them into spikes. The backward pass is written by hand, because recording one autograd
node per time step costs more than the arithmetic. The dynamics are those of snnTorch 1.0 with
``reset_delay=True``: the reset acts one step after the spike and carries no gradient.
"""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from models.dynamics import RESETS, Adaptation, Dynamics, Reset
from models.kernel_choice import suitable_kernel
from models.scan_adjoint import Arriving, Wanted, backward
from models.scan_alpha import scan_alpha
from models.scan_parts import Constants, Trace
from models.scan_steps import forward
from spikefront.errors import SpecError

__all__ = ["RESETS", "Adaptation", "Dynamics", "Reset", "scan"]


def scan(
    currents: Tensor,
    dynamics: Dynamics,
    recurrent: Tensor | None = None,
    *,
    time_steps: int | None = None,
    membrane_gradient: bool = False,
) -> tuple[Tensor, Tensor]:
    """Run one layer over all time steps, starting from rest.

    Args:
        currents: float (T, B, *n), time first; or (B, *n), the same in every step, with ``time_steps``.
        dynamics: constants of the recurrence. Those that require a gradient get it.
        recurrent: weights of the layer's own spikes of the step before, (n, n) from neuron (column) to neuron
            (row), for currents (T, B, n); or (K, n, n), one matrix per network, for currents (T, K, B, n).
        time_steps: T, if the currents are those of one step. Cheaper than an expanded view, whose gradient is
            written out for every step before it is summed.
        membrane_gradient: whether the membrane potentials returned carry a gradient (a loss on them needs
            it).

    Returns:
        Spikes (T, B, *n) of 0 and 1 in the dtype of ``currents``, differentiable through the surrogate, and
        the membrane potentials (T, B, *n).

    Raises:
        SpecError: the recurrent weights do not fit the currents, the kind of neuron, or a gain per sample.
    """
    if recurrent is not None:
        _check_recurrent(currents.shape[time_steps is None :], dynamics, recurrent)
    if dynamics.kind == "alpha":
        repeated = currents if time_steps is None else currents.expand(time_steps, *currents.shape)
        return scan_alpha(repeated, dynamics, membrane_gradient)
    if isinstance(dynamics.gain, Tensor) or (recurrent is not None and dynamics.gain != 1.0):
        currents, recurrent, dynamics = _fold_gain(currents, recurrent, dynamics)
    constants = (dynamics.decay, dynamics.threshold, dynamics.alpha, recurrent)
    tensors = (each.to(currents) if isinstance(each, Tensor) else each for each in constants)
    spikes, membrane = _Scan.apply(currents, *tensors, dynamics, membrane_gradient, time_steps)  # type: ignore[no-untyped-call]
    return spikes, membrane


class _Scan(torch.autograd.Function):
    """Forward recurrence and its hand-written backward."""

    @staticmethod
    def forward(ctx: Any, currents: Tensor, *arguments: Any) -> tuple[Tensor, Tensor]:
        """Membrane and spikes for every step; keeps both for the backward pass.

        ``currents`` are those of one step, (B, *n), where the last argument says how often they repeat.
        """
        constants, (dynamics, membrane_gradient, ctx.repeats) = Constants(*arguments[:4]), arguments[4:]
        if ctx.repeats is not None:
            currents = currents.expand(ctx.repeats, *currents.shape)
        kernel = ctx.kernel = suitable_kernel(currents, constants, dynamics)
        if kernel is not None:
            trace = kernel.forward(currents, constants, dynamics)
        else:
            trace = forward(currents, constants, dynamics, keep_synapse=ctx.needs_input_grad[3])
        ctx.dynamics, ctx.numbers = dynamics, [None if isinstance(c, Tensor) else c for c in constants]
        ctx.save_for_backward(*trace, *(c if isinstance(c, Tensor) else None for c in constants))
        ctx.set_materialize_grads(False)
        if not membrane_gradient:
            ctx.mark_non_differentiable(trace.membrane)
        return trace.spikes, trace.membrane

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        """Gradients for the currents and the four constants."""
        membrane, spikes, synapse, *tensors = ctx.saved_tensors
        pairs = zip(ctx.numbers, tensors, strict=True)
        constants = Constants(*(number if tensor is None else tensor for number, tensor in pairs))
        decay, threshold, alpha, recurrent = ctx.needs_input_grad[1:5]
        wanted = Wanted(decay, threshold, alpha, recurrent, summed=ctx.repeats is not None)
        trace = Trace(membrane, spikes, synapse)
        found = backward(Arriving(*grads), trace, constants, ctx.dynamics, wanted, kernel=ctx.kernel)
        return (*found, None, None, None)


def _fold_gain(
    currents: Tensor, recurrent: Tensor | None, dynamics: Dynamics
) -> tuple[Tensor, Tensor | None, Dynamics]:
    """Put the gain into the currents and the recurrent weights, so that autograd sees it."""
    gain = torch.as_tensor(dynamics.gain, dtype=currents.dtype, device=currents.device)
    if recurrent is not None:
        per_row = gain if gain.ndim > 1 else gain.reshape(1, -1)
        if per_row.shape[-2] != 1:
            raise SpecError(
                f"gain of a recurrent layer has shape {tuple(gain.shape)}; it cannot differ between samples"
            )
        recurrent = recurrent * per_row.mT
    return currents * gain, recurrent, replace(dynamics, gain=1.0)


def _check_recurrent(shape: torch.Size, dynamics: Dynamics, recurrent: Tensor) -> None:
    """Refuse recurrent weights that do not belong to currents of this shape in one step, (B, *n)."""
    if dynamics.kind == "alpha":
        raise SpecError("an alpha neuron has no recurrent form; choose the leaky or the synaptic neuron")
    expected = (*shape[:-2], shape[-1], shape[-1])
    if len(shape) > 3 or tuple(recurrent.shape) != expected:
        raise SpecError(
            f"recurrent weights are {tuple(recurrent.shape)} and the currents of a step {tuple(shape)}; give"
            " (n, n) for currents (B, n), or (K, n, n) for currents (K, B, n)"
        )
