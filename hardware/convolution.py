"""Convolutional layers in integers: their weighted sums, 2x2 pooling of spikes, and how many taps land.

Neurons, inputs and spike vectors are in the order (channel, row, column), as a flattened frame has them.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from hardware.arrays import Array, cast, like, namespace
from hardware.network import Convolution, IntArray
from hardware.rtl.shape import bits_for


@dataclass(frozen=True)
class Table:
    """A read-only memory's content: ``words`` of ``bits`` bits."""

    words: list[int]
    bits: int


def drive(signal: Array, weight: IntArray, shape: Convolution, real: Any) -> Array:
    """Return the weighted sums (..., channels * Ho * Wo) of ``signal`` (..., n_in), computed in ``real``.

    Args:
        signal: spikes or currents, the last axis a flattened frame.
        weight: int64 (channels, Cin, K, K), cross-correlated with the frame as torch's Conv2d does.
        shape: the frame, kernel, stride and padding.
        real: a type in which every partial sum is exact (``hardware.arrays.exact_type``).
    """
    xp, (rows, columns) = namespace(signal), shape.frame
    frames = _padded(cast(signal, real).reshape(-1, *shape.in_shape), shape.padding)
    kernels = cast(like(weight, signal), real)
    total = xp.zeros((len(frames), rows, columns, len(weight)), dtype=real, device=signal.device)
    for y in range(shape.kernel):
        for x in range(shape.kernel):
            part = frames[:, :, y :: shape.stride, x :: shape.stride][:, :, :rows, :columns]
            total += xp.moveaxis(part, 1, 3) @ kernels[:, :, y, x].T
    return xp.moveaxis(total, 3, 1).reshape(*signal.shape[:-1], -1)


def _padded(frames: Array, padding: int) -> Array:
    """Return ``frames`` (..., rows, columns) with ``padding`` empty rows and columns around each."""
    if padding == 0:
        return frames
    *outer, rows, columns = frames.shape
    shape = (*outer, rows + 2 * padding, columns + 2 * padding)
    padded = namespace(frames).zeros(shape, dtype=frames.dtype, device=frames.device)
    padded[..., padding : padding + rows, padding : padding + columns] = frames
    return padded


def pooled(values: Array, shape: Convolution) -> Array:
    """Return ``values`` (..., neurons) behind the layer's pooling: the highest of every window.

    A pixel spikes if any of its window does, and its membrane potential is the highest in it. Rows and
    columns that fill no window are dropped, as torch's MaxPool2d does.
    """
    if shape.pool == 1:
        return values
    (rows, columns), size = shape.out_frame, shape.pool
    frames = values.reshape(*values.shape[:-1], -1, *shape.frame)
    frames = frames[..., : rows * size, : columns * size]
    windows = frames.reshape(*frames.shape[:-2], rows, size, columns, size)
    return namespace(values).amax(windows, (-3, -1)).reshape(*values.shape[:-1], -1)


def taps(shape: Convolution) -> IntArray:
    """Return for every input (n_in,) how many taps of the kernel reach a neuron of one output channel."""
    channels, height, width = shape.in_shape
    rows = _reached(height, shape.frame[0], shape)
    columns = _reached(width, shape.frame[1], shape)
    return np.tile(np.outer(rows, columns).reshape(-1), channels)


def landing(position: int, tap: int, size: int, shape: Convolution) -> int | None:
    """Return the output row (or column) that an input at ``position`` reaches through ``tap``, if any.

    Args:
        position: the input's row, or column.
        tap: the kernel's row, or column.
        size: output rows, or columns.
        shape: stride and padding.
    """
    reached, rest = divmod(position + shape.padding - tap, shape.stride)
    return reached if rest == 0 and 0 <= reached < size else None


def tables(shape: Convolution, groups: int) -> dict[str, Table]:
    """Return the address tables of a convolution with ``groups`` groups of output channels.

    ``inputs``: by input, (weight offset of its channel | row | column). ``beats``: by cycle of a spike,
    (weight offset of the tap and group | K-1-ky | K-1-kx | group). ``rows``, ``columns``: by row + K-1-ky (or
    column), (inside | part of the state address).
    """
    (channels, height, width), kernel = shape.in_shape, shape.kernel
    area, depth = kernel * kernel, channels * kernel * kernel
    offset, y_bits, x_bits = bits_for(groups * depth - 1), bits_for(height - 1), bits_for(width - 1)
    tap, lane = bits_for(kernel - 1), bits_for(groups - 1)
    bits = {name: width for name, (_, width) in table_sizes(shape, groups).items()}
    inputs = [
        _packed((c * area, offset), (y, y_bits), (x, x_bits))
        for c in range(channels)
        for y in range(height)
        for x in range(width)
    ]
    beats = [
        _packed(
            (g * depth + ky * kernel + kx, offset), (kernel - 1 - ky, tap), (kernel - 1 - kx, tap), (g, lane)
        )
        for ky in range(kernel)
        for kx in range(kernel)
        for g in range(groups)
    ]
    rows, columns = shape.frame
    address = bits_for(rows * columns * groups - 1)
    return {
        "inputs": Table(inputs, bits["inputs"]),
        "beats": Table(beats, bits["beats"]),
        "rows": Table(_lookup(shape, height, rows, columns * groups, address), bits["rows"]),
        "columns": Table(_lookup(shape, width, columns, groups, address), bits["columns"]),
    }


def table_sizes(shape: Convolution, groups: int) -> dict[str, tuple[int, int]]:
    """Return the (words, bits) of every table of ``tables``."""
    (channels, height, width), kernel = shape.in_shape, shape.kernel
    offset = bits_for(groups * channels * kernel**2 - 1)
    address = bits_for(shape.frame[0] * shape.frame[1] * groups - 1)
    return {
        "inputs": (shape.n_in, offset + bits_for(height - 1) + bits_for(width - 1)),
        "beats": (kernel**2 * groups, offset + 2 * bits_for(kernel - 1) + bits_for(groups - 1)),
        "rows": (height + kernel - 1, 1 + address),
        "columns": (width + kernel - 1, 1 + address),
    }


def _reached(extent: int, size: int, shape: Convolution) -> IntArray:
    found = [
        sum(landing(position, tap, size, shape) is not None for tap in range(shape.kernel))
        for position in range(extent)
    ]
    return np.array(found, dtype=np.int64)


def _packed(*fields: tuple[int, int]) -> int:
    """Pack (value, width) fields, the first highest."""
    total = 0
    for value, width in fields:
        total = total << width | value
    return total


def _lookup(shape: Convolution, extent: int, size: int, scale: int, bits: int) -> list[int]:
    """Tabulate ``landing`` over position - tap + K - 1."""
    found = [landing(place - shape.kernel + 1, 0, size, shape) for place in range(extent + shape.kernel - 1)]
    return [0 if reached is None else 1 << bits | reached * scale for reached in found]
