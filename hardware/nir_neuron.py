"""A NIR neuron in time steps: decay, gain, threshold and reset of one layer.

NIR states neurons as differential equations, which are taken in steps of dt with a share x of the way to the
steady state in every step::

    x = dt / tau               "euler": forward Euler, as snnTorch, Norse and SpikingJelly do it
    x = 1 - exp(-dt / tau)     "exp": the exact solution for a constant input, as Rockpool and Sinabs decay

    LIF, LI          tau * dv/dt = v_leak - v + r * I        v[t] = (1 - x) * v[t-1] + x * (v_leak + r * I[t])
    IF, I            dv/dt = r * I                           v[t] = v[t-1] + dt * r * I[t]
    CubaLIF, CubaLI  tau_syn * dI/dt = -I + w_in * S         I[t] = (1 - x) * I[t-1] + x * w_in * S[t]

A LIF, IF or CubaLIF with v > v_threshold spikes and goes to v_reset; its mark ``reset: subtract`` takes the
threshold off the next step's v instead (``hardware.network.TrainedLayer``). LI, I and CubaLI never reset;
with a Threshold node behind them they are neurons with the reset mechanism "none".
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from hardware.network import FloatArray, Reset
from spikefront.errors import DesignError

RESETTING = ("LIF", "IF", "CubaLIF")
FREE = ("LI", "I", "CubaLI")
MARK = "spikefront"
PARAMETERS = ("tau", "tau_mem", "tau_syn", "r", "v_leak", "v_threshold", "v_reset", "w_in")
Decay = Literal["euler", "exp"]


@dataclass(frozen=True)
class Discretisation:
    """How differential equations become steps.

    Attributes:
        dt_s: step in seconds.
        decay: "euler" or "exp".
        subtract: whether neurons without a mark of their own reset by subtraction.
    """

    dt_s: float
    decay: Decay = "euler"
    subtract: bool = False

    def share(self, name: str, what: str, tau: FloatArray) -> FloatArray:
        """Return the share of the way to the steady state per step, 0..1.

        Raises:
            DesignError: where a time constant is too short.
        """
        least = self.dt_s if self.decay == "euler" else np.finfo(np.float64).tiny
        if not bool((tau >= least).all()):
            raise DesignError(
                f"Node {name!r} has {what} down to {tau.min():g} s, below the step of {self.dt_s:g} s; give "
                "a smaller dt."
            )
        return self.dt_s / tau if self.decay == "euler" else -np.expm1(-self.dt_s / tau)


@dataclass(frozen=True, eq=False)
class Neuron:
    """The neurons of a layer; arrays are (n,), one value per neuron or output channel.

    Attributes:
        beta: decay of the membrane potential per step.
        alpha: decay of the synaptic current per step; None without one.
        gain: what a weighted input is multiplied by.
        offset: what is added to the membrane potential in every step.
        threshold: firing threshold, above zero.
        reset: the reset mechanism.
        reset_value: what reset "fixed" leaves behind after the next step's decay.
    """

    beta: float
    alpha: float | None
    gain: FloatArray
    offset: FloatArray
    threshold: FloatArray
    reset: Reset
    reset_value: FloatArray


def neuron(name: str, node: Any, threshold: Any, shape: tuple[int, ...], how: Discretisation) -> Neuron:
    """Return the neurons of a node in time steps.

    Args:
        name: the node's name, for messages.
        node: a NIR neuron.
        threshold: firing threshold of an LI, I or CubaLI, from the Threshold behind it; None for the others.
        shape: (neurons,), or (channels, rows, columns) behind a convolution.
        how: the discretisation.

    Raises:
        DesignError: naming the node and what cannot be built.
    """
    raw = {key: np.asarray(getattr(node, key)) for key in PARAMETERS if hasattr(node, key)}
    raw |= {} if threshold is None else {"v_threshold": np.asarray(threshold)}
    values = {key: per_unit(name, key, value, shape) for key, value in raw.items()}
    level = values["v_threshold"]
    if not bool((level > 0).all()):
        raise DesignError(f"Node {name!r} has thresholds down to {level.min():g}; they must be above zero.")
    # tau and r may be rounded to single precision, and so may be the gain of 1 that they stand for.
    eps = max((np.finfo(v.dtype).eps for v in raw.values() if v.dtype.kind == "f"), default=0.0)
    beta, gain, offset = _membrane(name, type(node).__name__, values, how)
    alpha, gain = None, _snapped(gain, eps)
    if "tau_syn" in values:
        if offset.any():
            raise DesignError(
                f"Node {name!r} has v_leak {values['v_leak'][0]:g}; a neuron with a synaptic current needs 0."
            )
        share = how.share(name, "tau_syn", values["tau_syn"])
        alpha = _one_decay(name, "tau_syn", share)
        gain = gain * _snapped(values["w_in"] * share, eps)
    reset, left = _reset(name, node, values, how)
    return Neuron(beta, alpha, gain, offset, level, reset, beta * left)


def per_unit(node: str, name: str, value: Any, shape: tuple[int, ...]) -> FloatArray:
    """Return (shape[0],) values, one per neuron or output channel, of a parameter given in any usual shape.

    Raises:
        DesignError: where values are missing or no numbers, or differ within a channel.
    """
    array, count = np.asarray(value), int(np.prod(shape))
    fits = array.size in {1, count} or array.shape == (shape[0], 1, 1)
    if not fits or array.dtype.kind not in "fiu" or not np.isfinite(array).all():
        raise DesignError(
            f"Node {node!r} has {array.size} values of {name} for {count} neurons, or some that are no "
            "numbers; give one finite value per neuron."
        )
    array = array.astype(np.float64)
    if array.size == 1:
        return np.full(shape[0], array.item())
    rows = array.reshape(shape[0], -1)
    if np.ptp(rows, axis=1).any():
        raise DesignError(
            f"Node {node!r} has {name} that differs within an output channel of its convolution; give one "
            "value per channel."
        )
    return np.asarray(rows[:, 0])


def _membrane(
    name: str, kind: str, values: dict[str, FloatArray], how: Discretisation
) -> tuple[float, FloatArray, FloatArray]:
    """Return decay, gain per neuron of its current, and what is added in every step."""
    r = values["r"]
    if kind in {"IF", "I"}:
        return 1.0, how.dt_s * r, np.zeros_like(r)
    share = how.share(name, "tau", values["tau"] if "tau" in values else values["tau_mem"])
    return _one_decay(name, "tau", share), r * share, values["v_leak"] * share


def _one_decay(name: str, what: str, share: FloatArray) -> float:
    if np.ptp(share) > 1e-6:
        raise DesignError(
            f"Node {name!r} has {what} with decays from {1 - share.max():g} to {1 - share.min():g} per step; "
            "the accelerator decays all neurons of a layer alike, so give them one time constant."
        )
    return float(1 - share[0]) if np.ptp(share) == 0 else float(1 - share.mean())


def _snapped(gain: FloatArray, eps: float) -> FloatArray:
    return np.where(np.abs(gain - 1) <= 4 * eps, 1.0, gain)


def _reset(
    name: str, node: Any, values: dict[str, FloatArray], how: Discretisation
) -> tuple[Reset, FloatArray]:
    """Return the reset mechanism and what it leaves behind."""
    zero = np.zeros_like(values["v_threshold"])
    if type(node).__name__ in FREE:
        return "none", zero
    left = values["v_reset"]
    if _marked(name, node) or how.subtract:
        if left.any():
            raise DesignError(
                f"Node {name!r} resets to v_reset = {left[np.abs(left).argmax()]:g}, which is no reset by "
                "subtraction; leave that out."
            )
        return "subtract", zero
    return ("fixed", left) if left.any() else ("zero", zero)


def _marked(name: str, node: Any) -> bool:
    """Tell whether a node is marked as resetting by subtraction."""
    mark = node.metadata.get(MARK)
    if mark is None:
        return False
    reset = mark.get("reset") if isinstance(mark, dict) else mark
    if reset != "subtract":
        raise DesignError(f"Node {name!r} has the mark {reset!r}; only reset 'subtract' is known.")
    return True
