"""snnTorch's own neurons, run step by step: what the conformance suite compares with."""

from dataclasses import dataclass
from typing import Any

import snntorch
import torch
from snntorch import surrogate as theirs
from torch import Tensor, nn

CLASSES = {
    "leaky": snntorch.Leaky,
    "lapicque": snntorch.Lapicque,
    "synaptic": snntorch.Synaptic,
    "alpha": snntorch.Alpha,
    "recurrent leaky": snntorch.RLeaky,
    "recurrent synaptic": snntorch.RSynaptic,
}
STATES = {"leaky": 1, "lapicque": 1, "synaptic": 2, "alpha": 3, "recurrent leaky": 2, "recurrent synaptic": 3}
SURROGATES = {
    "fast_sigmoid": (5.0, theirs.fast_sigmoid(5.0)),
    "arctangent": (2.0, theirs.atan(2.0)),
    "sigmoid": (1.5, theirs.sigmoid(1.5)),
    "spike_rate_escape": (1.5, theirs.spike_rate_escape(beta=1.5, slope=25)),
    "triangular_snntorch": (0.75, theirs.triangular(0.75)),
    "straight_through": (1.0, theirs.straight_through_estimator()),
}
"""Slope and snnTorch's function, for every surrogate that snnTorch has right or that bears its name."""


class DoubleSpike(torch.autograd.Function):
    """A spike in the dtype of u with the derivative of one of snnTorch's functions.

    snnTorch's spikes, and the gradients that pass them, are single precision whatever the membrane; this
    hands its neurons the same spikes and derivatives in double precision.
    """

    @staticmethod
    def forward(ctx: Any, u: Tensor, function: Any) -> Tensor:
        ctx.save_for_backward(u)
        ctx.function = function
        return (u > 0).to(u.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        with torch.enable_grad():
            u = ctx.saved_tensors[0].detach().requires_grad_()
            (derivative,) = torch.autograd.grad(ctx.function(u).sum(), u)
        return grads[0] * derivative, None


class Recurrence(nn.Module):
    """A linear layer without bias whose weight is any tensor."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.values = [weight]

    def forward(self, spikes: Tensor) -> Tensor:
        return nn.functional.linear(spikes, self.values[0])


@dataclass(frozen=True, eq=False)
class Case:
    """A layer: neuron, reset and surrogate by name, and its constants as tensors of one dtype."""

    neuron: str
    reset: str
    surrogate: str
    beta: Tensor
    alpha: Tensor
    threshold: Tensor
    recurrent: Tensor

    @property
    def leaves(self) -> list[Tensor]:
        """The constants that this neuron has, which a gradient is compared for."""
        used = [self.beta, self.threshold]
        used += [self.alpha] if self.neuron.split()[-1] in {"synaptic", "alpha"} else []
        return used + ([self.recurrent] if self.neuron.startswith("recurrent") else [])


def snntorch_layer(case: Case) -> nn.Module:
    """The layer; constants are handed over as they are, so that gradients reach them."""
    function = SURROGATES[case.surrogate][1]
    if case.beta.dtype == torch.float64:
        single = function

        def function(u: Tensor) -> Tensor:
            return DoubleSpike.apply(u, single)

    arguments = {"beta": case.beta, "threshold": case.threshold, "spike_grad": function}
    if case.neuron.split()[-1] in {"synaptic", "alpha"}:
        arguments["alpha"] = case.alpha
    if case.neuron.startswith("recurrent"):
        arguments["linear_features"] = len(case.recurrent)
    layer = CLASSES[case.neuron](reset_mechanism=case.reset, **arguments)
    if case.neuron.startswith("recurrent"):
        layer.recurrent = Recurrence(case.recurrent)
    return layer


def snntorch_run(case: Case, currents: Tensor) -> tuple[Tensor, Tensor]:
    """Spikes and membrane potentials (T, B, n) of the step-by-step run."""
    layer = snntorch_layer(case)
    state = tuple(torch.zeros_like(currents[0]) for _ in range(STATES[case.neuron]))
    spikes, membranes = [], []
    for current in currents:
        outcome = layer(current, *state)
        state = outcome if case.neuron.startswith("recurrent") else outcome[1:]
        spikes.append(outcome[0])
        membranes.append(outcome[-1])
    snntorch.SpikingNeuron.instances.clear()  # it keeps every neuron in a list on the class
    return torch.stack(spikes), torch.stack(membranes)
