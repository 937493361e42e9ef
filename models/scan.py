"""The recurrence of one layer over all time steps, as a single autograd function.

A network is run layer by layer: a layer's input currents for every time step come from one matrix product,
and this scan turns them into spikes. The backward pass is written by hand, because recording one autograd
node per time step costs more than the arithmetic. The dynamics are those of snnTorch 1.0 with
``reset_delay=True``: the reset acts one step after the spike and carries no gradient.
"""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from models import coupled
from models.dynamics import RESETS, Adaptation, Constant, Dynamics, Reset
from models.kernel import Kernel
from models.kernel_choice import suitable_kernel
from models.pooling import pooled, unpooled
from models.scan_adjoint import Arriving, Wanted, backward, plain
from models.scan_alpha import scan_alpha
from models.scan_parts import Constants, Trace, memory_of, operand
from models.scan_steps import forward
from spikefront.errors import SpecError

__all__ = ["RESETS", "Adaptation", "Dynamics", "Options", "Reset", "scan", "scan_layer"]


@dataclass(frozen=True)
class Options:
    """How one layer is run.

    Attributes:
        time_steps: T, if the currents are those of one step. Cheaper than an expanded view, whose gradient is
            written out for every step before it is summed.
        membrane_gradient: whether the membrane potentials returned carry a gradient (a loss on them needs
            it).
        pool: 2 for spikes behind a 2x2 max-pool of frames (T, B, rows, columns, channels).
        overwrite: whether nobody needs the currents any more, autograd included: the membrane potentials may
            then take their memory.
    """

    time_steps: int | None = None
    membrane_gradient: bool = False
    pool: int = 1
    overwrite: bool = False


def scan(
    currents: Tensor,
    dynamics: Dynamics,
    recurrent: Tensor | None = None,
    *,
    time_steps: int | None = None,
    membrane_gradient: bool = False,
) -> tuple[Tensor, Tensor]:
    """``scan_layer`` with the options that concern the result."""
    return scan_layer(currents, dynamics, recurrent, Options(time_steps, membrane_gradient))


def scan_layer(
    currents: Tensor, dynamics: Dynamics, recurrent: Tensor | None, options: Options
) -> tuple[Tensor, Tensor]:
    """Run one layer over all time steps, starting from rest.

    Args:
        currents: float (T, B, *n), time first; or (B, *n), the same in every step.
        dynamics: constants of the recurrence. Those that require a gradient get it.
        recurrent: weights of the layer's own spikes of the step before, (n, n) from neuron (column) to neuron
            (row), for currents (T, B, n); or (K, n, n), one matrix per network, for currents (T, K, B, n).
        options: everything else.

    Returns:
        Spikes (T, B, *n), or pooled, of 0 and 1 in the dtype of ``currents``, differentiable through the
        surrogate, and the membrane potentials (T, B, *n).

    Raises:
        SpecError: the recurrent weights do not fit the currents, the kind of neuron, or a gain per sample.
    """
    one_step = currents[0] if options.time_steps is None else currents
    if recurrent is not None:
        _check_recurrent(one_step.shape, dynamics, recurrent)
    if dynamics.kind == "alpha":
        repeated = (
            currents if options.time_steps is None else currents.expand(options.time_steps, *currents.shape)
        )
        spikes, membrane = scan_alpha(repeated, dynamics, options.membrane_gradient)
        return (spikes if options.pool == 1 else pooled(spikes)), membrane
    if isinstance(dynamics.gain, Tensor) or (recurrent is not None and dynamics.gain != 1.0):
        currents, recurrent, dynamics = _fold_gain(currents, recurrent, dynamics)
    decay, threshold = (_like(each, currents) for each in (dynamics.decay, dynamics.threshold))
    alpha = None if dynamics.alpha is None else _like(dynamics.alpha, currents)
    constants = Constants(decay, threshold, alpha, None if recurrent is None else recurrent.to(currents))
    kernel = suitable_kernel(one_step, constants, dynamics)
    fused = options.pool == 2 and kernel is not None and kernel.pools(one_step)
    how = _How(options, kernel, 2 if fused else 1)
    spikes, membrane = _Scan.apply(currents, *constants, dynamics, how)  # type: ignore[no-untyped-call]
    return (spikes if fused or options.pool == 1 else pooled(spikes)), membrane


class _How(NamedTuple):
    """Options of a run, the compiled scan where it suits, and 2 for ``pool`` where that pools."""

    options: Options
    kernel: Kernel | None
    pool: int


class _Scan(torch.autograd.Function):
    """Forward recurrence and its hand-written backward."""

    @staticmethod
    def forward(ctx: Any, currents: Tensor, *arguments: Any) -> tuple[Tensor, Tensor]:
        """Membrane and spikes for every step; keeps what the backward pass needs.

        ``currents`` are those of one step, (B, *n), where the last argument says how often they repeat.
        """
        constants, (dynamics, how) = Constants(*arguments[:4]), arguments[4:]
        if how.options.time_steps is not None:
            currents = currents.expand(how.options.time_steps, *currents.shape)
        if how.kernel is not None:
            memory = memory_of(currents) if how.options.overwrite and currents.is_contiguous() else None
            if constants.recurrent is None:
                trace = how.kernel.forward(currents, constants, dynamics, memory=memory, pool=how.pool)
            else:
                trace = coupled.forward(how.kernel, currents, constants, dynamics, memory)
        else:
            trace = forward(currents, constants, dynamics, keep_synapse=ctx.needs_input_grad[3])
        ctx.dynamics, ctx.how = dynamics, how
        ctx.numbers = [None if isinstance(c, Tensor) else c for c in constants]
        told = how.kernel is not None and constants.recurrent is None  # the membrane tells the spikes
        kept = trace._replace(spikes=None) if told else trace
        ctx.save_for_backward(*kept, *(c if isinstance(c, Tensor) else None for c in constants))
        ctx.set_materialize_grads(False)
        if not how.options.membrane_gradient:
            ctx.mark_non_differentiable(trace.membrane)
        return trace.spikes, trace.membrane

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        """Gradients for the currents and the four constants."""
        membrane, spikes, synapse, *tensors = ctx.saved_tensors
        pairs = zip(ctx.numbers, tensors, strict=True)
        constants = Constants(*(number if tensor is None else tensor for number, tensor in pairs))
        how, (decay, threshold, alpha, recurrent) = ctx.how, ctx.needs_input_grad[1:5]
        summed = how.options.time_steps is not None
        wanted = Wanted(decay, threshold, alpha, recurrent, summed)
        arriving = Arriving(*grads)
        if (
            how.kernel is not None
            and constants.recurrent is None
            and plain(arriving, how.kernel, ctx.dynamics, wanted)
        ):
            current = how.kernel.backward(
                arriving.spikes, membrane, constants, ctx.dynamics, summed=summed, pool=how.pool
            )
            if ctx.dynamics.gain != 1.0:
                current.mul_(ctx.dynamics.gain)
            return current, *[None] * 6
        if spikes is None:
            spikes = torch.gt(membrane, operand(constants.threshold, membrane)).to(membrane.dtype)
        if how.pool == 2 and arriving.spikes is not None:
            arriving = arriving._replace(spikes=unpooled(spikes, arriving.spikes))
        trace = Trace(membrane, spikes, synapse)
        found = backward(arriving, trace, constants, ctx.dynamics, wanted, kernel=how.kernel)
        return (*found, None, None)


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


def _like(constant: Constant, currents: Tensor) -> Constant:
    return constant.to(currents) if isinstance(constant, Tensor) else constant
