"""The linear nodes of a NIR graph as a layer's weights: Linear, Affine, Conv2d, and pools in front of them.

A pool with windows that do not overlap is linear, so it becomes part of the weights behind it, exactly: each
of a fully connected layer's weights is repeated over its window, and a K x K kernel behind a k x k pool is a
kernel of K * k at k times the stride and padding.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from hardware.network import Convolution, FloatArray
from hardware.nir_graph import Link
from hardware.nir_neuron import per_unit
from spikefront.errors import DesignError

POOLS = ("SumPool2d", "AvgPool2d")


@dataclass(frozen=True)
class Pool:
    """A linear pool of a frame.

    Attributes:
        name: the node's name.
        frame: channels, rows and columns that enter.
        size: rows and columns of a window.
        scale: what the sum of a window is multiplied by.
    """

    name: str
    frame: tuple[int, int, int]
    size: int
    scale: float

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, rows and columns that leave."""
        return self.frame[0], self.frame[1] // self.size, self.frame[2] // self.size

    def is_or(self, level: FloatArray) -> bool:
        """Tell whether exceeding ``level`` means that there is at least one spike in the window."""
        return bool(((level >= 0) & (level < self.scale)).all())


@dataclass(frozen=True, eq=False)
class Weights:
    """A layer's weights and bias, in the shapes of ``TrainedLayer``, and the shape of what they drive."""

    weight: FloatArray
    bias: FloatArray
    out_shape: tuple[int, ...]
    convolution: Convolution | None = None


def pool_of(link: Link, shape: tuple[int, ...]) -> Pool:
    """Return a SumPool2d or AvgPool2d of a frame.

    Raises:
        DesignError: where its windows overlap, leave gaps, are padded or not square.
    """
    node, frame = link.node, _frame(link, shape)
    size = _one(link, "kernel_size", node.kernel_size)
    if _one(link, "stride", node.stride) != size or _one(link, "padding", node.padding) != 0 or size < 1:
        raise DesignError(
            f"Node {link.name!r} pools windows that overlap, leave gaps or are padded; give a stride equal "
            f"to its kernel_size {size} and no padding."
        )
    pool = Pool(link.name, frame, size, 1.0 if link.kind == "SumPool2d" else 1.0 / size**2)
    if min(pool.shape) < 1:
        raise DesignError(f"Node {link.name!r} leaves nothing of the frame {list(frame)}; pool less.")
    return pool


def weights_of(link: Link, shape: tuple[int, ...], pool: Pool | None, *, flat: bool) -> Weights:
    """Return the weights of a Linear, Affine or Conv2d.

    Args:
        link: the node.
        shape: shape of what enters, behind ``pool``.
        pool: a pool to take into the weights.
        flat: whether a Flatten stands in front.

    Raises:
        DesignError: naming the node and what cannot be built.
    """
    weight = _weight(link)
    if link.kind == "Conv2d":
        if flat:
            raise DesignError(f"Node {link.name!r} convolves what a Flatten before it made flat; drop that.")
        return _convolution(link, weight, shape, pool)
    if weight.ndim != 2 or 0 in weight.shape:
        raise DesignError(
            f"Node {link.name!r} has weights of shape {weight.shape}; give (n_out, n_in), both at least 1."
        )
    if len(shape) > 1 and not flat:
        raise DesignError(
            f"Node {link.name!r} takes vectors, not frames {list(shape)}; put a Flatten before it."
        )
    if weight.shape[1] != np.prod(shape):
        raise DesignError(
            f"Node {link.name!r} has weights for {weight.shape[1]} inputs, but {np.prod(shape)} arrive; make "
            "them equal."
        )
    bias = _bias(link, weight)
    return Weights(weight if pool is None else _unpooled(weight, pool), bias, weight.shape[:1])


def _weight(link: Link) -> FloatArray:
    weight = np.asarray(link.node.weight)
    if weight.dtype.kind not in "fiu":
        raise DesignError(f"Node {link.name!r} has weights of type {weight.dtype}; give real numbers.")
    strange = int((~np.isfinite(weight)).sum())
    if strange:
        raise DesignError(f"Node {link.name!r}: {strange} weights are not finite; train it again.")
    return weight.astype(np.float64)


def _bias(link: Link, weight: FloatArray) -> FloatArray:
    given = getattr(link.node, "bias", None)
    return per_unit(link.name, "bias", 0.0 if given is None else given, weight.shape[:1])


def _unpooled(weight: FloatArray, pool: Pool) -> FloatArray:
    """Return weights (n, pixels in front of the pool); pixels that fill no window weigh nothing."""
    frames = weight.reshape(-1, *pool.shape) * pool.scale
    frames = frames.repeat(pool.size, axis=2).repeat(pool.size, axis=3)
    lost = [(0, whole - kept) for whole, kept in zip(pool.frame[1:], frames.shape[2:], strict=True)]
    return np.pad(frames, ((0, 0), (0, 0), *lost)).reshape(len(weight), -1)


def _convolution(link: Link, weight: FloatArray, shape: tuple[int, ...], pool: Pool | None) -> Weights:
    frame = _frame(link, shape)
    if (
        weight.ndim != 4
        or 0 in weight.shape
        or weight.shape[1] != frame[0]
        or weight.shape[2] != weight.shape[3]
    ):
        raise DesignError(
            f"Node {link.name!r} has weights of shape {weight.shape} for frames {list(frame)}; give "
            f"(channels, {frame[0]}, K, K) with square kernels and groups 1."
        )
    if _one(link, "dilation", link.node.dilation) != 1 or int(np.asarray(link.node.groups)) != 1:
        raise DesignError(f"Node {link.name!r} has dilation or groups other than 1, which cannot be built.")
    stride, padding = _one(link, "stride", link.node.stride), _padding(link, weight.shape[2])
    if stride < 1 or padding < 0:
        raise DesignError(f"Node {link.name!r} has stride {stride} and padding {padding}; give whole sizes.")
    geometry = Convolution(frame, weight.shape[2], stride, padding)
    if min(geometry.frame) < 1:
        raise DesignError(f"Node {link.name!r} has a kernel that leaves nothing of the frame {list(frame)}.")
    bias, out = _bias(link, weight), (len(weight), *geometry.frame)
    if pool is None:
        return Weights(weight, bias, out, geometry)
    if padding and any(n % pool.size for n in pool.frame[1:]):
        raise DesignError(
            f"Nodes {pool.name!r} and {link.name!r} cannot be joined: the pool drops rows or columns of "
            f"{list(pool.frame)} that the padded kernel would reach; crop the frame."
        )
    size = pool.size
    weight = (weight * pool.scale).repeat(size, axis=2).repeat(size, axis=3)
    return Weights(weight, bias, out, Convolution(pool.frame, weight.shape[2], stride * size, padding * size))


def _frame(link: Link, shape: tuple[int, ...]) -> tuple[int, int, int]:
    if len(shape) != 3:
        raise DesignError(
            f"Node {link.name!r} needs frames of channels, rows and columns, not {list(shape)}; give the "
            "Input such a shape."
        )
    return shape[0], shape[1], shape[2]


def _padding(link: Link, kernel: int) -> int:
    given: Any = link.node.padding
    if not isinstance(given, str):
        return _one(link, "padding", given)
    if given == "valid":
        return 0
    if given == "same" and kernel % 2:
        return kernel // 2
    raise DesignError(
        f"Node {link.name!r} has padding {given!r} with a kernel of {kernel}; give it as a number."
    )


def _one(link: Link, name: str, value: Any) -> int:
    """Return the one whole number of a setting that may be given per direction."""
    array = np.asarray(value)
    if array.dtype.kind not in "iu" or array.size not in {1, 2} or np.ptp(array):
        raise DesignError(
            f"Node {link.name!r} has {name} {array.tolist()}; give one whole number for rows and columns."
        )
    return int(array.reshape(-1)[0])
