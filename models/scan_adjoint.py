"""The backward recurrence of leaky and synaptic neurons, written by hand.

With G[t] = dL/dm[t], X[t] = dL/dx[t] and k[t] = 1 - s[t] under reset "zero", 1 otherwise; resets, refractory
steps and adaptive thresholds carry no gradient (snnTorch detaches its reset)::

    G[t] = (dL/ds[t] + X[t+1] @ V) * surrogate(u[t]) + decay * k[t] * G[t+1]
    X[t] = a[t] * k'[t-1] * G[t] + alpha * X[t+1]         k' = k where the input is discarded, else 1

    dL/dI[t]      = gain * X[t]
    dL/ddecay     = sum of G[t] * k[t-1] * m[t-1]
    dL/dalpha     = sum of X[t] * x[t-1]
    dL/dthreshold = - sum of (dL/ds[t] + X[t+1] @ V) * surrogate(u[t]) - sum of s[t-1] * G[t] ("subtract")
    dL/dV         = sum of X[t] (outer) s[t-1]: one matrix product
"""

from typing import NamedTuple

import torch
from torch import Tensor

from models import coupled
from models.dynamics import Constant, Dynamics
from models.kernel import Kernel
from models.scan_parts import Constants, Trace, active_steps, operand, reduce_to, surrogate_slopes


class Arriving(NamedTuple):
    """Gradients for what the forward pass returned, (T, B, *n) each; None where nothing depends on it."""

    spikes: Tensor | None
    membrane: Tensor | None


class Wanted(NamedTuple):
    """Which gradients of constants are asked for; ``summed``: the currents were the same in every step."""

    decay: bool
    threshold: bool
    alpha: bool
    recurrent: bool
    summed: bool


class Gradients(NamedTuple):
    """Gradients in the order of the autograd function's inputs; ``currents`` may be summed to (B, *n)."""

    currents: Tensor
    decay: Tensor | None
    threshold: Tensor | None
    alpha: Tensor | None
    recurrent: Tensor | None


def backward(
    arriving: Arriving,
    trace: Trace,
    constants: Constants,
    dynamics: Dynamics,
    wanted: Wanted,
    *,
    kernel: Kernel | None = None,
) -> Gradients:
    """Gradients for the currents and the constants, given those for spikes and membrane potentials.

    Args:
        arriving: gradients for what the forward pass returned.
        trace: what the forward pass left.
        constants: as given to the forward pass.
        dynamics: as given to the forward pass.
        wanted: gradients of constants to work out.
        kernel: the compiled scan, if it suits these neurons.
    """
    flow = _flow(arriving, trace, constants, dynamics, wanted=wanted, kernel=kernel)
    decay = _for_decay(flow.potential, trace, constants.decay, dynamics) if wanted.decay else None
    threshold = _for_threshold(flow, trace, constants.threshold, dynamics)
    current = flow.current
    if current is None:
        gate = _input_gate(trace.spikes, dynamics)
        current = flow.potential if gate is None else flow.potential.mul_(gate)
    alpha = _for_alpha(current, trace, constants.alpha) if wanted.alpha else None
    recurrent = _for_recurrent(current, trace.spikes) if wanted.recurrent else None
    if wanted.summed and current.ndim == trace.spikes.ndim:
        current = _sum_backwards(current)
    if dynamics.gain != 1.0:
        current.mul_(dynamics.gain)
    return Gradients(current, decay, threshold, alpha, recurrent)


def plain(arriving: Arriving, kernel: Kernel, dynamics: Dynamics, wanted: Wanted) -> bool:
    """Whether the compiled scan alone gives all gradients that are asked for."""
    constants = wanted.decay or wanted.threshold or wanted.alpha or wanted.recurrent
    direct = arriving.membrane is None and arriving.spikes is not None and not constants
    return direct and not dynamics.discards_input and kernel.knows(dynamics.derivative)


class _Flow(NamedTuple):
    """Gradients that ran back through time, (T, B, *n) each.

    Attributes:
        potential: G, for the membrane potentials.
        current: X, for what enters them, or its sum over time (B, *n), if that is all that is wanted; None
            where it is ``potential``, input gate aside.
        local: what reached the membrane potentials through their own spikes, summed over time (B, *n), where
            the threshold wants it.
    """

    potential: Tensor
    current: Tensor | None
    local: Tensor | None


def _flow(
    arriving: Arriving,
    trace: Trace,
    constants: Constants,
    dynamics: Dynamics,
    *,
    wanted: Wanted,
    kernel: Kernel | None,
) -> _Flow:
    """Run the recurrence backwards."""
    known = kernel is not None and kernel.knows(dynamics.derivative)
    direct = arriving.membrane is None and not wanted.threshold
    if kernel is not None and known and direct and arriving.spikes is not None:
        if constants.recurrent is None:
            return _compiled(kernel, arriving.spikes, trace, constants, dynamics, wanted=wanted)
        if dynamics.reset != "zero":
            potential = coupled.backward(kernel, arriving.spikes, trace.membrane, constants, dynamics)
            return _Flow(potential, potential, None)
    slopes = surrogate_slopes(trace, constants.threshold, dynamics)
    potential = _local(slopes, arriving.spikes, keep_slopes=constants.recurrent is not None)
    local = potential.sum(0) if wanted.threshold else None
    if arriving.membrane is not None:
        potential += arriving.membrane
    if constants.alpha is not None or constants.recurrent is not None:
        gate = _input_gate(trace.spikes, dynamics)
        adjoint = _Coupled(constants, slopes, gate, local)
        current = adjoint.run(potential, _keep(trace.spikes, dynamics), constants.decay)
        return _Flow(potential, current, local)
    if kernel is not None:
        kernel.decay_back(potential, trace, constants, dynamics)
    else:
        decay_back(potential, _keep(trace.spikes, dynamics), constants.decay)
    return _Flow(potential, None, local)


def _compiled(
    kernel: Kernel, grad: Tensor, trace: Trace, constants: Constants, dynamics: Dynamics, *, wanted: Wanted
) -> _Flow:
    summed = wanted.summed and not wanted.decay and not dynamics.discards_input
    potential = kernel.backward(grad, trace.membrane, constants, dynamics, summed=summed)
    return _Flow(potential, potential if summed else None, None)


def _local(slopes: Tensor, grad_spikes: Tensor | None, keep_slopes: bool) -> Tensor:
    """The gradient that reaches the membrane potentials through their own spikes."""
    if grad_spikes is None:
        return torch.zeros_like(slopes)
    return slopes * grad_spikes if keep_slopes else slopes.mul_(grad_spikes)


def _keep(spikes: Tensor, dynamics: Dynamics) -> Tensor | None:
    """k of every step (T, B, *n); None where it is 1 throughout."""
    return 1.0 - spikes if dynamics.reset == "zero" else None


def _input_gate(spikes: Tensor, dynamics: Dynamics) -> Tensor | None:
    """1 where the input of a step reaches the membrane potential (T, B, *n); None where it always does."""
    gate = active_steps(spikes, dynamics.refractory_steps)
    if not dynamics.discards_input:
        return gate
    gate = torch.ones_like(spikes) if gate is None else gate
    gate[1:].mul_(1.0 - spikes[:-1])
    return gate


def decay_back(rows: Tensor, keep: Tensor | None, decay: Constant) -> None:
    """rows[t] += decay * keep[t] * rows[t+1], last step first, in place; each product is rounded."""
    steps, scratch = rows.unbind(), torch.empty_like(rows[0])
    factor = operand(decay, rows)
    factors = [factor] * len(steps) if keep is None else keep.mul(factor).unbind()
    for step in range(len(steps) - 2, -1, -1):
        torch.mul(steps[step + 1], factors[step], out=scratch)
        steps[step].add_(scratch)


class _Coupled:
    """The recurrence where gradients also run through synaptic currents or the layer's own spikes."""

    def __init__(
        self, constants: Constants, slopes: Tensor, gate: Tensor | None, local: Tensor | None
    ) -> None:
        self.alpha = None if constants.alpha is None else operand(constants.alpha, slopes)
        self.recurrent = constants.recurrent
        self.slopes = slopes.unbind()
        self.gate = None if gate is None else gate.unbind()
        self.local = local

    def run(self, potential: Tensor, keep: Tensor | None, decay: Constant) -> Tensor:
        """``potential`` becomes G in place; the result is X, the same tensor where both are equal."""
        same = self.alpha is None and self.gate is None
        current = potential if same else torch.empty_like(potential)
        rows, currents, scratch = potential.unbind(), current.unbind(), torch.empty_like(potential[0])
        factor = operand(decay, potential)
        factors = [factor] * len(rows) if keep is None else keep.mul(factor).unbind()
        for step in range(len(rows) - 1, -1, -1):
            later = None if step == len(rows) - 1 else currents[step + 1]
            if later is not None:
                rows[step].add_(torch.mul(rows[step + 1], factors[step], out=scratch))
                self._add_own_spikes(rows[step], later, step)
            if not same:
                self._enter(currents[step], rows[step], later, step)
        return current

    def _add_own_spikes(self, now: Tensor, later: Tensor, step: int) -> None:
        """Add what the spikes of this step did to the next one, through the recurrent weights."""
        if self.recurrent is None:
            return
        back = later @ self.recurrent
        back.mul_(self.slopes[step])  # rounded before it is added, as in the compiled scan
        now.add_(back)
        if self.local is not None:
            self.local.add_(back)

    def _enter(self, current: Tensor, now: Tensor, later: Tensor | None, step: int) -> None:
        """From the membrane potential to the current of the same step."""
        if self.gate is None:
            current.copy_(now)
        else:
            torch.mul(now, self.gate[step], out=current)
        if self.alpha is not None and later is not None:
            current.add_(later * self.alpha)


def _for_decay(potential: Tensor, trace: Trace, decay: Constant, dynamics: Dynamics) -> Tensor | None:
    before, keep = trace.membrane[:-1], _keep(trace.spikes[:-1], dynamics)
    return reduce_to(sum_product(potential[1:], before if keep is None else before * keep), decay)


def _for_threshold(flow: _Flow, trace: Trace, threshold: Constant, dynamics: Dynamics) -> Tensor | None:
    if flow.local is None:
        return None
    local = flow.local
    if dynamics.reset == "subtract":
        local = local + sum_product(flow.potential[1:], trace.spikes[:-1])
    return reduce_to(local.neg(), threshold)


def _for_alpha(current: Tensor, trace: Trace, alpha: Constant | None) -> Tensor | None:
    if trace.synapse is None or alpha is None:
        return None
    return reduce_to(sum_product(current[1:], trace.synapse[:-1]), alpha)


def _for_recurrent(current: Tensor, spikes: Tensor) -> Tensor:
    """Sum over steps and samples of X[t] (outer) s[t-1]: (n, n), or (K, n, n) of (T, K, B, n)."""
    if current.ndim == 3:
        return current[1:].flatten(0, 1).T @ spikes[:-1].flatten(0, 1)
    after, before = (each.transpose(0, 1).flatten(1, 2) for each in (current[1:], spikes[:-1]))
    return after.mT @ before


def _sum_backwards(rows: Tensor) -> Tensor:
    """Sum over time (T, B, *n) to (B, *n), last step first, as the compiled scan does."""
    total = torch.zeros_like(rows[0])
    for row in reversed(rows.unbind()):
        total.add_(row)
    return total


def sum_product(left: Tensor, right: Tensor) -> Tensor:
    """Sum over time of left * right, without a product of all steps in memory: (T, B, *n) to (B, *n)."""
    total = left.new_zeros(left.shape[1:])
    for one, other in zip(left.unbind(), right.unbind(), strict=True):
        total.addcmul_(one, other)
    return total
