"""The compiled scan on tensors: the same results as ``scan_steps`` and ``scan_adjoint``, bit for bit."""

import ctypes
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from models.dynamics import Constant, Derivative, Dynamics
from models.pooling import empty_pooled
from models.scan_parts import Constants, Trace, empty_steps
from models.surrogates import BoundSurrogate

_NAMES = {torch.float32: "float", torch.float64: "double"}
_RESETS = {"subtract": 0, "zero": 1, "none": 3}
_BLANK = 2
_FRAME_STEP = 4  # dimensions of one step of frames, (B, rows, columns, channels)

KERNEL_SURROGATES: dict[str, tuple[int, Callable[[Constant], tuple[Constant, Constant]]]] = {
    "fast_sigmoid": (0, lambda slope: (slope, 0.0)),
    "arctangent": (1, lambda slope: (math.pi / 2 * slope, slope / 2)),
    "triangular": (2, lambda slope: (slope, 0.0)),
    "leaky_spike_operator": (4, lambda slope: (slope, 0.0)),
    "straight_through": (3, lambda slope: (slope, 0.0)),
}
"""Surrogates without transcendental functions: code in C, and its inner and outer constant."""


@dataclass(frozen=True, eq=False)
class Rows:
    """Constants of rows of neurons, as the kernel takes them: one value a row, contiguous, in one dtype.

    Attributes:
        decay, threshold: (R,).
        inner, outer: of the surrogate, (R,).
        reset, surrogate: their codes.
        discards_input: whether the input of the step after a spike is discarded.
    """

    decay: Tensor
    threshold: Tensor
    inner: Tensor
    outer: Tensor
    reset: int
    surrogate: int
    discards_input: bool

    @classmethod
    def of(cls, dynamics: Dynamics, shape: tuple[int, ...], like: Tensor) -> "Rows":
        """Constants that broadcast against ``shape``, the rows being all its elements.

        Raises:
            KeyError: the kernel does not know the surrogate (``Kernel.knows``).
        """
        derivative = dynamics.derivative
        if not isinstance(derivative, BoundSurrogate):
            raise KeyError(derivative)
        code, constants = KERNEL_SURROGATES[derivative.name]
        decay, threshold, inner, outer = (
            torch.as_tensor(each, device=like.device).detach().to(like).expand(shape).flatten().contiguous()
            for each in (dynamics.decay, dynamics.threshold, *constants(derivative.slope))
        )
        return cls(decay, threshold, inner, outer, reset_code(dynamics), code, dynamics.discards_input)


@dataclass(frozen=True, eq=False)
class Kernel:
    """The functions of ``scan_kernel.c`` and ``product_kernel.c``."""

    library: ctypes.CDLL

    def multiplies(self, weight: Tensor) -> bool:
        """Whether it has products with weights of that kind."""
        return weight.device.type == "cpu" and weight.dtype in _NAMES

    def suits(self, currents: Tensor, constants: Constants, dynamics: Dynamics) -> bool:
        """Whether it can run these neurons: leaky ones without extras, on the CPU."""
        plain = dynamics.kind == "leaky" and constants.recurrent is None and dynamics.refractory_steps == 0
        plain = plain and dynamics.rounding is None
        on_cpu = currents.device.type == "cpu" and currents.dtype in _NAMES
        return plain and dynamics.adaptation is None and on_cpu and currents.numel() > 0

    def knows(self, derivative: Derivative) -> bool:
        """Whether it has the surrogate."""
        return isinstance(derivative, BoundSurrogate) and derivative.name in KERNEL_SURROGATES

    def couples(self, currents: Tensor, constants: Constants, dynamics: Dynamics) -> bool:
        """Whether it can run the steps of these neurons, which hear their own spikes (``models.coupled``)."""
        alone = constants._replace(recurrent=None)
        fits = constants.recurrent is not None and currents.ndim == 2 and currents.is_contiguous()
        plain = isinstance(dynamics.gain, float) and dynamics.gain == 1.0
        return fits and plain and self.suits(currents, alone, dynamics)

    def pools(self, currents: Tensor) -> bool:
        """Whether it can pool the spikes of neurons that suit it: frames whose channels lie together.

        Args:
            currents: those of one step.
        """
        return currents.ndim == _FRAME_STEP and currents.is_contiguous()

    def forward(
        self,
        currents: Tensor,
        constants: Constants,
        dynamics: Dynamics,
        *,
        memory: Tensor | None = None,
        pool: int = 1,
    ) -> Trace:
        """What ``scan_steps.forward`` returns, spikes pooled if asked for.

        Args:
            currents: (T, B, *n).
            constants: as given to ``scan_steps.forward``.
            dynamics: as given to ``scan_steps.forward``.
            memory: where the membrane potentials go; it may be that of the currents.
            pool: 2 for spikes behind a 2x2 max-pool of frames (``pools``).
        """
        membrane = empty_steps(currents) if memory is None else memory
        spikes = empty_steps(currents) if pool == 1 else empty_pooled(currents)
        currents = _laid_out_as(membrane, currents)
        values = [values_of(each, membrane) for each in (constants.decay, constants.threshold)]
        frame, _scratch = _pooling(membrane, pool, pairs=5)
        self.function("forward" if pool == 1 else "forward_pooled", membrane)(
            address(currents),
            ctypes.c_ssize_t(currents.stride(0)),
            address(membrane),
            address(spikes),
            *_extent(membrane),
            *map(address, values),
            lengths_of(values),
            ctypes.c_double(dynamics.gain),  # type: ignore[arg-type]
            ctypes.c_int(reset_code(dynamics)),
            *frame,
        )
        return Trace(membrane, spikes, None)

    def backward(
        self,
        grad: Tensor,
        membrane: Tensor,
        constants: Constants,
        dynamics: Dynamics,
        *,
        summed: bool,
        pool: int = 1,
    ) -> Tensor:
        """Gradient for the membrane potentials from that for the spikes: (T, B, *n), or (B, *n) ``summed``.

        Raises:
            KeyError: it does not know the surrogate (``knows``).
        """
        grad = _laid_out_as(membrane, grad) if pool == 1 else _dense_steps(grad)
        found = torch.zeros_like(membrane[0]) if summed else torch.empty_like(membrane)
        code, inner, outer = surrogate_constants(dynamics.derivative, membrane)
        values = [values_of(each, membrane) for each in (constants.decay, constants.threshold, inner, outer)]
        frame, _scratch = _pooling(membrane, pool, pairs=7)
        self.function("backward" if pool == 1 else "backward_pooled", found)(
            address(grad),
            ctypes.c_ssize_t(grad.stride(0)),
            address(membrane),
            *((None, address(found)) if summed else (address(found), None)),
            *_extent(membrane),
            *map(address, values),
            lengths_of(values),
            ctypes.c_int(reset_code(dynamics)),
            ctypes.c_int(code),
            *frame,
        )
        return found

    def decay_back(self, rows: Tensor, trace: Trace, constants: Constants, dynamics: Dynamics) -> None:
        """What ``scan_adjoint.decay_back`` does, in place; ``rows`` is laid out as the membrane."""
        values = [values_of(each, rows) for each in (constants.decay, constants.threshold)]
        self.function("decay_back", rows)(
            address(rows),
            address(trace.membrane),
            *_extent(rows),
            *map(address, values),
            lengths_of(values),
            ctypes.c_int(reset_code(dynamics)),
        )

    def forward_rows(
        self, currents: Tensor, time_steps: int, rows: Rows, *, memory: Tensor | None = None
    ) -> Trace:
        """As ``forward`` for rows of neurons.

        Args:
            currents: (R, T, B), or (R, B), the same in every step; contiguous.
            time_steps: T.
            rows: constants of every row.
            memory: where the membrane potentials go; it may be that of the currents.

        Returns:
            Membrane potentials and spikes (R, T, B).
        """
        count, width = len(currents), currents.shape[-1]
        membrane = currents.new_empty((count, time_steps, width)) if memory is None else memory
        spikes = torch.empty_like(membrane)
        self.function("forward_rows", currents)(
            address(currents),
            ctypes.c_ssize_t(width if currents.ndim == 3 else 0),
            *map(address, (membrane, spikes)),
            *map(ctypes.c_ssize_t, (count, time_steps, width)),
            *map(address, (rows.decay, rows.threshold)),
            ctypes.c_int(rows.reset),
        )
        return Trace(membrane, spikes, None)

    def backward_rows(self, grad: Tensor, trace: Trace, rows: Rows, *, summed: bool) -> Tensor:
        """As ``backward`` for rows of neurons: from (R, T, B), or (R, B) the same in every step.

        Returns:
            (R, T, B), or (R, B) ``summed``.
        """
        count, steps, width = trace.membrane.shape
        found = torch.zeros_like(trace.membrane[:, 0]) if summed else torch.empty_like(trace.membrane)
        self.function("backward_rows", found)(
            address(grad),
            ctypes.c_ssize_t(width if grad.ndim == 3 else 0),
            address(trace.membrane),
            *((None, address(found)) if summed else (address(found), None)),
            *map(ctypes.c_ssize_t, (count, steps, width)),
            *map(address, (rows.decay, rows.threshold, rows.inner, rows.outer)),
            ctypes.c_int(rows.reset),
            ctypes.c_int(rows.surrogate),
        )
        return found

    def function(self, function: str, like: Tensor) -> Callable[..., None]:
        """The one for numbers of that precision."""
        found: Callable[..., None] = getattr(self.library, f"{function}_{_NAMES[like.dtype]}")
        return found


def surrogate_constants(derivative: Derivative, like: Tensor) -> tuple[int, Constant, Constant]:
    """Code and constants of a surrogate that the kernel knows."""
    if not isinstance(derivative, BoundSurrogate):
        raise KeyError(derivative)
    slope = derivative.slope.to(like) if isinstance(derivative.slope, Tensor) else derivative.slope
    code, constants = KERNEL_SURROGATES[derivative.name]
    return code, *constants(slope)


def reset_code(dynamics: Dynamics) -> int:
    """The reset in ``scan_kernel.c``."""
    return _BLANK if dynamics.discards_input else _RESETS[dynamics.reset]


def _laid_out_as(steps: Tensor, given: Tensor) -> Tensor:
    """The given tensor if each of its steps lies in memory as those of ``steps``; else a copy that does."""
    same = given.stride()[1:] == steps.stride()[1:]
    return given if same else empty_steps(steps).copy_(given)


def _dense_steps(given: Tensor) -> Tensor:
    """The given tensor if each of its steps is dense in memory; else a copy."""
    return given if given[0].is_contiguous() else given.contiguous()


def _pooling(frames: Tensor, pool: int, pairs: int) -> tuple[tuple[object, ...], Tensor | None]:
    """What the pooling functions take besides, and the memory that it points to: some pairs of rows."""
    if pool == 1:
        return (), None
    scratch = frames.new_empty(2 * pairs * frames[0, 0, 0].numel())
    return (*map(ctypes.c_ssize_t, frames.shape[2:]), address(scratch)), scratch


def values_of(constant: Constant, steps: Tensor) -> Tensor:
    """One value, or one per element in the memory order of a step."""
    if not isinstance(constant, Tensor):
        return torch.tensor([constant], dtype=steps.dtype)
    if constant.numel() == 1:
        return constant.detach().reshape(1)
    return torch.empty_like(steps[0]).copy_(constant.detach())


def _extent(steps: Tensor) -> tuple[ctypes.c_ssize_t, ctypes.c_ssize_t]:
    return ctypes.c_ssize_t(len(steps)), ctypes.c_ssize_t(steps[0].numel())


def lengths_of(values: list[Tensor]) -> ctypes.Array[ctypes.c_ssize_t]:
    """How many numbers each constant has."""
    return (ctypes.c_ssize_t * len(values))(*(each.numel() for each in values))


def address(tensor: Tensor) -> ctypes.c_void_p:
    """Where the tensor's numbers start, for a compiled function."""
    return ctypes.c_void_p(tensor.data_ptr())
