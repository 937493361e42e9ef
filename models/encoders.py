"""From images to what the first layer receives at each time step.

Encodings follow ``snntorch.spikegen``:

* ``rate``: at every step a pixel spikes with probability equal to its value (to 16 bits).
* ``latency``: one spike per pixel, linear and normalised: value 1 spikes at step 0, the faintest at the last
  step. A pixel of exactly 0 gives no spike; snnTorch would make it spike at the last step, which tells
  nothing and costs energy on an event-driven accelerator.
* ``direct``: the value itself is the current of every step.

Spikes of one split are the same for every trial that shares encoding, time steps and seed, on the training
side and on the hardware side. Random numbers come from numpy's SFC64 stream, which does not change between
versions.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from spikefront.errors import SpecError

Encoding = Literal["rate", "latency", "direct"]
ENCODINGS: tuple[Encoding, ...] = ("rate", "latency", "direct")

FloatImages = NDArray[np.float32]
Spikes = NDArray[np.uint8]

_FAINTEST = 0.01  # spikegen.latency's threshold: fainter pixels spike as late as this one
_CHUNK_BYTES = 1 << 24


@dataclass(frozen=True)
class Code:
    """How images become inputs.

    Attributes:
        encoding: "rate", "latency" or "direct".
        time_steps: steps per sample, at least 1.
    """

    encoding: Encoding
    time_steps: int

    def __post_init__(self) -> None:
        if self.encoding not in ENCODINGS:
            raise SpecError(f"encoding {self.encoding!r} is unknown; choose one of {', '.join(ENCODINGS)}")
        if self.time_steps < 1:
            raise SpecError(f"time_steps is {self.time_steps}; give at least 1")


def spikes_of(images: FloatImages, code: Code, stream: np.random.SFC64) -> Spikes:
    """Encode images of values 0..1, shape (B, n), as spikes (T, B, n) of 0 and 1; not for "direct".

    Only "rate" draws from the stream.
    """
    if code.encoding == "rate":
        return _bernoulli(images, code.time_steps, stream)
    if code.encoding == "latency":
        return _first_spikes(images, code.time_steps)
    raise SpecError(
        "the encoding 'direct' has no spikes; use the images themselves as the current of every step"
    )


def _bernoulli(images: FloatImages, time_steps: int, stream: np.random.SFC64) -> Spikes:
    """Independent spikes with P = value: 16 random bits per draw, so P is exact to 2^-17, and at 0 and 1."""
    levels = np.rint(images * 65536.0)
    limits = np.minimum(levels, 65535.0).astype(np.uint16)
    always = levels == 65536.0
    spikes = np.empty((time_steps, *images.shape), dtype=np.bool_)
    for step in spikes:  # one step at a time: its noise stays in the processor's cache
        noise = stream.random_raw(-(-images.size // 4)).view(np.uint16)[: images.size]
        np.less(noise.reshape(images.shape), limits, out=step)
        np.logical_or(step, always, out=step)
    return spikes.view(np.uint8)


def _first_spikes(images: FloatImages, time_steps: int) -> Spikes:
    """One spike per pixel above 0, at round((T - 1) * (1 - value))."""
    last = time_steps - 1
    times = np.minimum(np.float32(-last) * (images - np.float32(1.0)), np.float32(last * (1.0 - _FAINTEST)))
    steps = np.where(images > 0, np.rint(times), -1).astype(np.int32)
    spikes: NDArray[np.bool_] = steps == np.arange(time_steps, dtype=np.int32)[:, None, None]
    return spikes.view(np.uint8)


@dataclass(frozen=True, eq=False)
class EncodedSet:
    """A split whose inputs are fixed: encoded once and kept as bits.

    Attributes:
        code: encoding and time steps.
        labels: int64 (N,).
        width: inputs per step (n).
        data: "rate" and "latency": bits packed along the inputs, uint8 (T, N, ceil(n / 8)); "direct":
            float32 (N, n).
    """

    code: Code
    labels: NDArray[np.int64]
    width: int
    data: NDArray[Any]

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, rows: slice | NDArray[np.int64]) -> NDArray[Any]:
        """Inputs of some samples for training: spikes uint8 (T, B, n), or float32 (B, n) when direct."""
        if self.code.encoding == "direct":
            return self.data[rows]
        return np.unpackbits(self.data[:, rows].view(np.uint8), axis=-1, count=self.width)

    def samples(self, rows: slice = slice(None)) -> NDArray[Any]:
        """Inputs of some samples for hardware: spikes uint8 (B, T, n), or float32 (B, n) when direct."""
        inputs = self.batch(rows)
        return inputs if inputs.ndim == 2 else np.ascontiguousarray(inputs.transpose(1, 0, 2))


def encode(images: FloatImages, labels: NDArray[np.int64], code: Code, seed: int) -> EncodedSet:
    """Encode a split once; the result depends on the arguments alone.

    Args:
        images: values 0..1, float32 (N, n).
        labels: int64 (N,).
        code: encoding and time steps.
        seed: of the noise of "rate".

    Raises:
        SpecError: a value outside 0..1, or not a number.
    """
    check_range(images)
    if code.encoding == "direct":
        return EncodedSet(code, labels, images.shape[1], images)
    count, width = images.shape
    packed = np.empty((code.time_steps, count, -(-width // 8)), dtype=np.uint8)
    stream = np.random.SFC64(seed)
    block = max(1, _CHUNK_BYTES // (2 * code.time_steps * width))
    for start in range(0, count, block):
        spikes = spikes_of(images[start : start + block], code, stream)
        packed[:, start : start + block] = np.packbits(spikes, axis=-1)
    return EncodedSet(code, labels, width, packed)


def check_range(images: FloatImages) -> None:
    """Refuse images with values outside 0..1.

    Raises:
        SpecError: naming the range found.
    """
    if images.size and not (images.min() >= 0.0 and images.max() <= 1.0):
        raise SpecError(
            f"image values run from {images.min()} to {images.max()}; scale them to 0..1 before encoding"
        )
