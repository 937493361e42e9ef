"""The recurrences written step by step for autograd, independently of the engine."""

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


def step_loop(currents: Tensor, dynamics: Any, recurrent: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Spikes and membrane potentials (T, B, *n), one autograd node per operation."""
    if dynamics.kind == "alpha":
        return alpha_loop(currents, dynamics)
    zeros = torch.zeros_like(currents[0])
    membrane, synapse, spike, theta = zeros, zeros, zeros, zeros
    spikes, membranes = [], []
    for step, current in enumerate(currents):
        reset = spike.detach()
        recent = spikes[max(0, step - dynamics.refractory_steps) : step]
        active = 1 - torch.stack([zeros, *recent]).amax(0).detach()
        own = 0 if recurrent is None else torch.einsum("...ij,...bj->...bi", recurrent, spike)
        arriving = dynamics.gain * (current + own)
        if dynamics.alpha is not None:
            synapse = arriving = dynamics.alpha * synapse + arriving
        membrane = one_step(membrane, active * arriving, reset, dynamics)
        spike = active * SpikeStep.apply(membrane - dynamics.threshold - theta, dynamics.derivative)
        if dynamics.adaptation is not None:
            theta = dynamics.adaptation.decay * theta + dynamics.adaptation.increment * spike.detach()
        membranes.append(membrane)
        spikes.append(spike)
    return torch.stack(spikes), torch.stack(membranes)


def one_step(membrane: Tensor, drive: Tensor, reset: Tensor, dynamics: Any) -> Tensor:
    """The membrane potential of the next step."""
    if dynamics.reset == "subtract":
        return dynamics.decay * membrane + drive - reset * dynamics.threshold
    if dynamics.reset == "none":
        return dynamics.decay * membrane + drive
    if dynamics.blank_after_spike:
        return (1 - reset) * (dynamics.decay * membrane + drive)
    return dynamics.decay * ((1 - reset) * membrane) + drive


def alpha_loop(currents: Tensor, dynamics: Any) -> tuple[Tensor, Tensor]:
    """The alpha neuron: two traces, their sum the membrane potential."""
    e = i = spike = torch.zeros_like(currents[0])
    spikes, membranes = [], []
    for current in currents:
        reset, before = spike.detach(), i
        e, i = dynamics.alpha * e + current, dynamics.decay * i - current
        membrane = dynamics.gain * (e + i)
        if dynamics.reset == "zero":
            e, i, membrane = ((1 - reset) * each for each in (e, i, membrane))
        elif dynamics.reset == "subtract":
            e, i, membrane = e - reset * dynamics.threshold, (1 - reset) * i, membrane + reset * before
        spike = SpikeStep.apply(membrane - dynamics.threshold, dynamics.derivative)
        membranes.append(membrane)
        spikes.append(spike)
    return torch.stack(spikes), torch.stack(membranes)
