"""The forward recurrence of leaky and synaptic neurons, step by step in snnTorch's order of operations."""

import torch
from torch import Tensor

from models.dynamics import Dynamics
from models.scan_parts import Constants, Threshold, Trace, empty_steps, operand, subtract_product


def forward(currents: Tensor, constants: Constants, dynamics: Dynamics, keep_synapse: bool) -> Trace:
    """Membrane potentials and spikes of every step (equations at ``Dynamics``).

    Args:
        currents: (T, B, *n).
        constants: decay, threshold, alpha and recurrent weights.
        dynamics: everything else about the neuron; its gain is a number.
        keep_synapse: whether the synaptic currents of all steps are wanted.
    """
    membrane, spikes = empty_steps(currents), empty_steps(currents)
    before = fired = torch.zeros_like(membrane[0])
    drive = _Drive(constants, dynamics, before, empty_steps(currents) if keep_synapse else None)
    acting = Threshold(constants.threshold, dynamics.adaptation, before)
    rest = _Refractory(dynamics.refractory_steps, before) if dynamics.refractory_steps else None
    decay = operand(constants.decay, currents)
    for step, (current, now) in enumerate(zip(currents.unbind(), membrane.unbind(), strict=True)):
        arriving = drive(step, current, fired)
        torch.mul(before, decay, out=now)
        if dynamics.rounding is not None:
            dynamics.rounding.apply_(now)
        if rest is not None:
            arriving = arriving * rest.active
        _reset_and_add(now, arriving, fired, constants, dynamics)
        before, fired = now, spikes[step]
        torch.gt(now, acting.now(), out=fired)
        if rest is not None:
            rest.after(fired)
        acting.after(fired)
    return Trace(membrane, spikes, drive.history)


def _reset_and_add(
    now: Tensor, arriving: Tensor, fired: Tensor, constants: Constants, dynamics: Dynamics
) -> None:
    """Complete one step: ``now`` holds decay * m[t-1] and becomes m[t]."""
    if dynamics.reset == "zero" and not dynamics.blank_after_spike:
        now.addcmul_(now, fired, value=-1.0)
    now.add_(arriving)
    if dynamics.reset == "subtract":
        subtract_product(now, fired, constants.threshold)
    elif dynamics.discards_input:
        now.addcmul_(now, fired, value=-1.0)


class _Drive:
    """What arrives at the membrane: the current, that of the layer's own spikes, and its synaptic trace.

    A product is rounded before it is added (no ``alpha=``, which fuses both): so does snnTorch, and so does
    the compiled scan.
    """

    def __init__(
        self, constants: Constants, dynamics: Dynamics, zeros: Tensor, history: Tensor | None
    ) -> None:
        self.gain = dynamics.gain
        self.rounding = dynamics.rounding
        self.alpha = None if constants.alpha is None else operand(constants.alpha, zeros)
        self.back = None if constants.recurrent is None else constants.recurrent.mT
        self.synapse = zeros
        self.history = history

    def __call__(self, step: int, current: Tensor, fired: Tensor) -> Tensor:
        """The term added to the membrane potential."""
        if self.back is not None and step > 0:
            product = torch.addmm if current.ndim == 2 else torch.baddbmm
            current = product(current, fired, self.back)
        if self.gain != 1.0:
            current = current * self.gain
        if self.alpha is None:
            return current
        leaked = self.synapse * self.alpha
        if self.rounding is not None:
            self.rounding.apply_(leaked)
        self.synapse = leaked.add_(current)
        if self.history is not None:
            self.history[step].copy_(self.synapse)
        return self.synapse


class _Refractory:
    """Which neurons take part in a step: those without a spike in the last ``steps`` steps."""

    def __init__(self, steps: int, zeros: Tensor) -> None:
        self.steps = steps
        self.recent: list[Tensor] = []
        self.active = torch.ones_like(zeros)

    def after(self, fired: Tensor) -> None:
        """Silence resting neurons in ``fired``, in place, and move on by one step."""
        fired.mul_(self.active)
        self.recent.append(fired)
        self.active = self.active - fired
        if len(self.recent) > self.steps:
            self.active += self.recent.pop(0)
