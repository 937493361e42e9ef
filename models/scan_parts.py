"""Pieces that the forward and the backward recurrence share: buffers, thresholds, refractory steps."""

from typing import NamedTuple

import torch
from torch import Tensor

from models.dynamics import Adaptation, Constant, Derivative, Dynamics

_CACHE_ELEMENTS = 1 << 17  # 512 KiB of float32


class Constants(NamedTuple):
    """What may carry a gradient besides the currents; tensors are in the currents' dtype."""

    decay: Constant
    threshold: Constant
    alpha: Constant | None
    recurrent: Tensor | None


class Trace(NamedTuple):
    """What a forward pass leaves: (T, B, *n) each; ``synapse`` only where a gradient needs it."""

    membrane: Tensor
    spikes: Tensor
    synapse: Tensor | None


def empty_steps(currents: Tensor) -> Tensor:
    """An empty tensor of the currents' shape: time outermost, each step dense in the currents' own layout.

    Constant currents (stride 0) get memory of their own, channels_last ones stay channels_last.
    """
    step = torch.empty_like(currents[0])
    shape, strides = currents.shape, (step.numel(), *step.stride())
    return torch.empty_strided(shape, strides, dtype=currents.dtype, device=currents.device)


def memory_of(currents: Tensor) -> Tensor:
    """Another tensor in the same memory, which autograd does not connect with it."""
    alias = torch.empty(0, dtype=currents.dtype)
    return alias.set_(
        currents.untyped_storage(), currents.storage_offset(), currents.shape, currents.stride()
    )


def operand(constant: Constant, like: Tensor) -> Tensor:
    """The constant as a tensor: binary operations take a 0-dim tensor in half the time of a number."""
    return constant if isinstance(constant, Tensor) else torch.tensor(constant, dtype=like.dtype)


def subtract_product(target: Tensor, spikes: Tensor, constant: Constant) -> None:
    """Target -= spikes * constant, in place."""
    if isinstance(constant, Tensor):
        target.addcmul_(spikes, constant, value=-1.0)
    else:
        target.sub_(spikes, alpha=constant)


class Threshold:
    """The threshold that acts in the current step, with its adaptation where there is one."""

    def __init__(self, threshold: Constant, adaptation: Adaptation | None, like: Tensor) -> None:
        self.base = operand(threshold, like)
        self.adaptation = adaptation
        self.theta = None if adaptation is None else torch.zeros_like(like)

    def now(self) -> Tensor:
        """What the membrane potential must exceed, broadcasting against one step."""
        return self.base if self.theta is None else self.theta + self.base

    def after(self, spikes: Tensor) -> None:
        """Move on by one step, given its spikes."""
        if self.theta is not None and self.adaptation is not None:
            self.theta.mul_(self.adaptation.decay).add_(spikes, alpha=self.adaptation.increment)


def thresholds(spikes: Tensor, threshold: Constant, adaptation: Adaptation | None) -> Tensor:
    """The thresholds of all steps, bit for bit those of the forward pass.

    Returns:
        (T, B, *n) with an adaptation; else the threshold itself, which broadcasts.
    """
    acting = Threshold(threshold, adaptation, spikes[0])
    if adaptation is None:
        return acting.base
    steps = torch.empty_like(spikes)
    for out, fired in zip(steps.unbind(), spikes.unbind(), strict=True):
        out.copy_(acting.now())
        acting.after(fired)
    return steps


def active_steps(spikes: Tensor, refractory_steps: int) -> Tensor | None:
    """1 where a neuron may take its current and fire, 0 in the steps behind a spike: (T, B, *n) or None."""
    if refractory_steps == 0:
        return None
    active = torch.ones_like(spikes)
    for lag in range(1, min(refractory_steps, len(spikes) - 1) + 1):
        active[lag:].sub_(spikes[:-lag])
    return active


def surrogate_slopes(trace: Trace, threshold: Constant, dynamics: Dynamics) -> Tensor:
    """ds/dm of every step (T, B, *n), zero where a neuron is refractory."""
    acting = thresholds(trace.spikes, threshold, dynamics.adaptation)
    slopes = shifted(trace.membrane, acting, dynamics.derivative)
    active = active_steps(trace.spikes, dynamics.refractory_steps)
    return slopes if active is None else slopes.mul_(active)


def shifted(membrane: Tensor, threshold: Tensor, derivative: Derivative) -> Tensor:
    """derivative(membrane - threshold), some time steps at a time so that they stay in cache."""
    slopes = torch.empty_like(membrane)
    steps = max(1, _CACHE_ELEMENTS // max(1, membrane[0].numel()))
    per_step = threshold.ndim == membrane.ndim
    for start in range(0, len(membrane), steps):
        part = slice(start, start + steps)
        out = slopes[part]
        torch.sub(membrane[part], threshold[part] if per_step else threshold, out=out)
        derivative(out)
    return slopes


def reduce_to(gradient: Tensor, constant: Constant) -> Tensor | None:
    """The gradient (B, *n) summed to the shape of its constant; None where that is a number."""
    return gradient.sum_to_size(constant.shape) if isinstance(constant, Tensor) else None
