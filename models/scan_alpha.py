"""The recurrence of the alpha neuron: two synaptic traces whose difference is the membrane potential.

snnTorch 1.0's ``Alpha``. Per step, with r[t] = s[t-1], a = ``alpha``, b = ``decay``, v the threshold and
gain = ln a / (ln b - ln a) + 1 for snnTorch's constants::

    e'[t] = a * e[t-1] + I[t]        i'[t] = b * i[t-1] - I[t]        m'[t] = gain * (e'[t] + i'[t])

    reset "none"       e = e'                    i = i'                    m = m'
    reset "zero"       e = (1 - r) * e'          i = (1 - r) * i'          m = (1 - r) * m'
    reset "subtract"   e = e' - r * v            i = (1 - r) * i'          m = m' + r * i[t-1]

(the last row is what snnTorch computes: v is taken off the trace e, not off m). The membrane potential is
no state of its own; only the traces run through time, forwards and backwards.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from models.dynamics import Constant, Dynamics
from models.scan_parts import Trace, empty_steps, operand, reduce_to, shifted, subtract_product


class AlphaConstants(NamedTuple):
    """What may carry a gradient besides the currents."""

    decay: Constant
    gain: Constant
    threshold: Constant
    alpha: Constant


class _Traces(NamedTuple):
    """The traces after the reset, e and i, (T, B, *n) each."""

    excitation: Tensor
    inhibition: Tensor


def forward(currents: Tensor, constants: AlphaConstants, dynamics: Dynamics) -> tuple[Trace, _Traces]:
    """Membrane potentials, spikes and both traces of every step."""
    membrane, spikes = empty_steps(currents), empty_steps(currents)
    traces = _Traces(empty_steps(currents), empty_steps(currents))
    decay, gain, threshold, alpha = (operand(each, currents) for each in constants)
    e = i = fired = torch.zeros_like(membrane[0])
    for step, current in enumerate(currents.unbind()):
        before, (e, i) = i, (traces.excitation[step], traces.inhibition[step])
        torch.mul(traces.excitation[step - 1] if step else fired, alpha, out=e).add_(current)
        torch.mul(before, decay, out=i).sub_(current)
        now = torch.mul(e + i, gain, out=membrane[step])
        _reset((e, i, now), before, fired, constants.threshold, dynamics.reset)
        fired = torch.gt(now, threshold, out=spikes[step])
    return Trace(membrane, spikes, None), traces


def _reset(
    state: tuple[Tensor, Tensor, Tensor], before: Tensor, fired: Tensor, threshold: Constant, reset: str
) -> None:
    """Reset e, i and m in place; ``before`` is i[t-1]."""
    e, i, now = state
    if reset == "zero":
        for each in state:
            each.addcmul_(each, fired, value=-1.0)
    elif reset == "subtract":
        subtract_product(e, fired, threshold)
        i.addcmul_(i, fired, value=-1.0)
        now.addcmul_(fired, before)


def scan_alpha(currents: Tensor, dynamics: Dynamics, membrane_gradient: bool) -> tuple[Tensor, Tensor]:
    """Spikes and membrane potentials (T, B, *n), as ``models.scan.scan`` returns them."""
    constants = (dynamics.decay, dynamics.gain, dynamics.threshold, dynamics.alpha)
    tensors = (each.to(currents) if isinstance(each, Tensor) else each for each in constants)
    spikes, membrane = _AlphaScan.apply(currents, *tensors, dynamics, membrane_gradient)  # type: ignore[no-untyped-call]
    return spikes, membrane


class _AlphaScan(torch.autograd.Function):
    """Forward recurrence and its hand-written backward."""

    @staticmethod
    def forward(ctx: Any, currents: Tensor, *arguments: Any) -> tuple[Tensor, Tensor]:
        """Membrane and spikes for every step; keeps them and the traces for the backward pass."""
        constants, (dynamics, membrane_gradient) = AlphaConstants(*arguments[:4]), arguments[4:]
        trace, traces = forward(currents, constants, dynamics)
        ctx.dynamics, ctx.constants = dynamics, [None if isinstance(c, Tensor) else c for c in constants]
        tensors = [c if isinstance(c, Tensor) else None for c in constants]
        ctx.save_for_backward(trace.membrane, trace.spikes, *traces, *tensors)
        ctx.set_materialize_grads(False)
        if not membrane_gradient:
            ctx.mark_non_differentiable(trace.membrane)
        return trace.spikes, trace.membrane

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        """Gradients for the currents and the four constants."""
        membrane, spikes, excitation, inhibition, *tensors = ctx.saved_tensors
        pairs = zip(ctx.constants, tensors, strict=True)
        constants = AlphaConstants(*(number if tensor is None else tensor for number, tensor in pairs))
        adjoint = _Adjoint(Trace(membrane, spikes, None), _Traces(excitation, inhibition), constants)
        currents = adjoint.run(grads[0], grads[1], ctx.dynamics)
        wanted = ctx.needs_input_grad[1:5]
        totals = (reduce_to(t, c) for t, c in zip(adjoint.tallies(), constants, strict=True))
        return (
            currents,
            *(each if asked else None for each, asked in zip(totals, wanted, strict=True)),
            None,
            None,
        )


class _Adjoint:
    """The backward recurrence: gradients for e' and i', from the last step to the first."""

    def __init__(self, trace: Trace, traces: _Traces, constants: AlphaConstants) -> None:
        self.trace = trace
        self.traces = traces
        self.constants = constants
        self.for_decay, self.for_gain, self.for_threshold, self.for_alpha = (
            torch.zeros_like(trace.spikes[0]) for _ in constants
        )

    def run(self, grad_spikes: Tensor | None, grad_membrane: Tensor | None, dynamics: Dynamics) -> Tensor:
        """The gradient for the currents; ``tallies`` holds those for the constants afterwards."""
        arriving = self._potential(grad_spikes, grad_membrane, dynamics)
        scaled = arriving * self.constants.gain
        current = torch.empty_like(arriving)
        later_e = later_i = torch.zeros_like(arriving[0])
        for step in range(len(arriving) - 1, -1, -1):
            e, i = later_e + scaled[step], later_i + scaled[step]
            if step > 0 and dynamics.reset != "none":
                e, i = self._reset_back((e, i), (later_e, later_i), step, dynamics.reset)
            torch.sub(e, i, out=current[step])
            self._gather(arriving[step], (e, i), step, dynamics.reset)
            later_e, later_i = e * self.constants.alpha, i * self.constants.decay
            if step > 0 and dynamics.reset == "subtract":
                later_i = later_i.addcmul_(self.trace.spikes[step - 1], arriving[step])
        return current

    def tallies(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Gradients (B, *n) for the constants, in their order."""
        return self.for_decay, self.for_gain, self.for_threshold, self.for_alpha

    def _potential(
        self, grad_spikes: Tensor | None, grad_membrane: Tensor | None, dynamics: Dynamics
    ) -> Tensor:
        """dL/dm of every step; starts the tally of the threshold."""
        threshold = operand(self.constants.threshold, self.trace.membrane)
        arriving = shifted(self.trace.membrane, threshold, dynamics.derivative)
        arriving = arriving.zero_() if grad_spikes is None else arriving.mul_(grad_spikes)
        self.for_threshold.sub_(arriving.sum(0))
        return arriving if grad_membrane is None else arriving.add_(grad_membrane)

    def _reset_back(
        self, now: tuple[Tensor, Tensor], later: tuple[Tensor, Tensor], step: int, reset: str
    ) -> tuple[Tensor, Tensor]:
        """Gradients before the reset of this step from those behind it."""
        fired = self.trace.spikes[step - 1]
        e, i = now
        if reset == "zero":
            return e * (1.0 - fired), i * (1.0 - fired)
        self.for_threshold.addcmul_(fired, later[0], value=-1.0)
        return e, i.addcmul(fired, later[1], value=-1.0)

    def _gather(self, arriving: Tensor, now: tuple[Tensor, Tensor], step: int, reset: str) -> None:
        """Add this step's share to the tallies of decay, alpha and gain."""
        membrane = self.trace.membrane[step]
        if step > 0:
            before = self.traces.inhibition[step - 1]
            self.for_alpha.addcmul_(now[0], self.traces.excitation[step - 1])
            self.for_decay.addcmul_(now[1], before)
            if reset == "subtract":
                membrane = membrane - self.trace.spikes[step - 1] * before
        self.for_gain.addcmul_(arriving, membrane / self.constants.gain)
