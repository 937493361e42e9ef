"""The membrane recurrence of one layer over all time steps, as a single autograd function.

A network is run layer by layer: a layer's input currents for every time step come from one matrix product,
    and
this scan turns them into spikes. The backward pass is written by hand, because recording one autograd node
per time step costs more than the arithmetic. The dynamics are those of snnTorch 1.0 (``Leaky`` and
``Lapicque`` with ``reset_delay=True``): the reset acts one step after the spike and carries no gradient.
"""

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from models.surrogates import Derivative

Reset = Literal["subtract", "zero", "none"]
RESETS: tuple[Reset, ...] = ("subtract", "zero", "none")

_CACHE_ELEMENTS = 1 << 17  # 512 KiB of float32


@dataclass(frozen=True)
class Dynamics:
    """Constants of one layer's recurrence.

    With r[t] = s[t-1] (a spike resets one step later) and s[t] = m[t] > threshold::

        m[t] = decay * m[t-1] + gain * I[t] - r[t] * threshold          reset "subtract"
        m[t] = decay * (1 - r[t]) * m[t-1] + gain * I[t]                reset "zero"
        m[t] = (1 - r[t]) * (decay * m[t-1] + gain * I[t])              reset "zero", blank_after_spike
        m[t] = decay * m[t-1] + gain * I[t]                             reset "none"

    Attributes:
        decay: factor on the membrane potential per time step, 0..1.
        gain: factor on the input current.
        threshold: firing threshold, above zero.
        reset: what a spike does to the membrane potential.
        blank_after_spike: with reset "zero", discard the input of the step after a spike as well.
        derivative: surrogate derivative ds/dm as a function of u = m - threshold, in place.
    """

    decay: float
    gain: float
    threshold: float
    reset: Reset
    blank_after_spike: bool
    derivative: Derivative


def scan(currents: Tensor, dynamics: Dynamics) -> tuple[Tensor, Tensor]:
    """Run one layer over all time steps, starting from a membrane potential of zero.

    Args:
        currents: float (T, B, n), time first; a constant current may be an expanded view with stride 0.
        dynamics: constants of the recurrence.

    Returns:
        Spikes (T, B, n) of 0 and 1 in the dtype of ``currents``, differentiable through the surrogate, and
        the membrane potentials (T, B, n), which carry no gradient.
    """
    spikes, membrane = _Scan.apply(currents, dynamics)  # type: ignore[no-untyped-call]
    return spikes, membrane


class _Scan(torch.autograd.Function):
    """Forward recurrence and its hand-written backward."""

    @staticmethod
    def forward(ctx: Any, currents: Tensor, dynamics: Dynamics) -> tuple[Tensor, Tensor]:
        """Membrane and spikes for every step; keeps both for the backward pass."""
        membrane = torch.empty(currents.shape, dtype=currents.dtype)
        spikes = torch.empty_like(membrane)
        _forward(currents, membrane, spikes, dynamics)
        ctx.dynamics = dynamics
        ctx.save_for_backward(membrane, spikes)
        ctx.mark_non_differentiable(membrane)
        return spikes, membrane

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        """Gradient for the currents from the gradient for the spikes."""
        membrane, spikes = ctx.saved_tensors
        return _backward(grads[0], membrane, spikes, ctx.dynamics), None


def _forward(currents: Tensor, membrane: Tensor, spikes: Tensor, dynamics: Dynamics) -> None:
    """Fill ``membrane`` and ``spikes`` in place, step by step, in snnTorch's order of operations."""
    torch.mul(currents[0], dynamics.gain, out=membrane[0])
    torch.gt(membrane[0], dynamics.threshold, out=spikes[0])
    steps = zip(
        currents[1:].unbind(), membrane.unbind(), membrane[1:].unbind(), spikes.unbind(), strict=False
    )
    for step, (current, before, now, fired) in enumerate(steps, start=1):
        torch.mul(before, dynamics.decay, out=now)
        _reset_and_add(now, current, fired, dynamics)
        torch.gt(now, dynamics.threshold, out=spikes[step])


def _reset_and_add(now: Tensor, current: Tensor, fired: Tensor, dynamics: Dynamics) -> None:
    """Complete one step: ``now`` holds decay * m[t-1] and becomes m[t]."""
    if dynamics.reset == "zero" and not dynamics.blank_after_spike:
        now.mul_(1.0 - fired)
    now.add_(current, alpha=dynamics.gain)
    if dynamics.reset == "subtract":
        now.sub_(fired, alpha=dynamics.threshold)
    elif dynamics.reset == "zero" and dynamics.blank_after_spike:
        now.mul_(1.0 - fired)


def _backward(grad_spikes: Tensor, membrane: Tensor, spikes: Tensor, dynamics: Dynamics) -> Tensor:
    """Backward recurrence over time.

    With g[t] = dL/dm[t] and the reset carrying no gradient, g[t] = ds[t] * surrogate(m[t] - threshold)
    + decay * k[t] * g[t+1], where k[t] = 1 - s[t] under reset "zero" and 1 otherwise; dL/dI[t] = gain * g[t],
    times k[t-1] when the input after a spike is discarded.
    """
    grad = _local_gradient(grad_spikes, membrane, dynamics)
    keep = 1.0 - spikes if dynamics.reset == "zero" else None
    rows = grad.unbind()
    for step in range(len(rows) - 2, -1, -1):
        if keep is None:
            rows[step].add_(rows[step + 1], alpha=dynamics.decay)
        else:
            rows[step].addcmul_(rows[step + 1], keep[step], value=dynamics.decay)
    if keep is not None and dynamics.blank_after_spike:
        grad[1:].mul_(keep[:-1])
    return grad if dynamics.gain == 1.0 else grad.mul_(dynamics.gain)


def _local_gradient(grad_spikes: Tensor, membrane: Tensor, dynamics: Dynamics) -> Tensor:
    """grad_spikes * surrogate(membrane - threshold), some time steps at a time so that they stay in cache."""
    grad = torch.empty_like(membrane)
    steps = max(1, _CACHE_ELEMENTS // max(1, membrane[0].numel()))
    chunks = zip(*(torch.split(each, steps) for each in (grad, membrane, grad_spikes)), strict=True)
    for out, potential, weight in chunks:
        torch.sub(potential, dynamics.threshold, out=out)
        dynamics.derivative(out).mul_(weight)
    return grad
