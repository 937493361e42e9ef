"""The membrane recurrence written step by step for autograd, independently of the engine."""

from typing import Any

import torch
from torch import Tensor


class SpikeStep(torch.autograd.Function):
    """Heaviside step whose derivative is a given function."""

    @staticmethod
    def forward(ctx: Any, u: Tensor, derivative: Any) -> Tensor:
        ctx.save_for_backward(u)
        ctx.derivative = derivative
        return (u > 0).to(u.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        (u,) = ctx.saved_tensors
        return grads[0] * ctx.derivative(u.clone()), None


def step_loop(currents: Tensor, dynamics: Any) -> tuple[Tensor, Tensor]:
    """Spikes and membrane potentials (T, B, n), one autograd node per operation."""
    membrane = torch.zeros_like(currents[0])
    spikes, membranes = [], []
    for current in currents:
        reset = (membrane > dynamics.threshold).to(currents.dtype).detach()
        drive = dynamics.gain * current
        if dynamics.reset == "subtract":
            membrane = dynamics.decay * membrane + drive - reset * dynamics.threshold
        elif dynamics.reset == "none":
            membrane = dynamics.decay * membrane + drive
        elif dynamics.blank_after_spike:
            membrane = (1 - reset) * (dynamics.decay * membrane + drive)
        else:
            membrane = dynamics.decay * ((1 - reset) * membrane) + drive
        membranes.append(membrane)
        spikes.append(SpikeStep.apply(membrane - dynamics.threshold, dynamics.derivative))
    return torch.stack(spikes), torch.stack(membranes)
