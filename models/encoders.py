"""From samples to what the first layer receives at each time step.

Images have three encodings, which follow ``snntorch.spikegen``; series and events have one each:

* ``rate``: at every step a pixel spikes with probability equal to its value (on average to 16 bits, within a
  sample to 8), times ``peak_rate``.
* ``latency``: one spike per pixel, linear and normalised: value 1 spikes at step 0, the faintest at the last
  step. A pixel of exactly 0 gives no spike; snnTorch would make it spike at the last step, which tells
  nothing and costs energy on an event-driven accelerator.
* ``direct``: the value itself is the current of every step.
* ``delta``: a series is resampled to the time steps (linearly). Each channel has a reference, at first its
  first value: a value that is at least the threshold above it gives an up spike and moves the reference up by
  the threshold; likewise down. Inputs 0 .. n - 1 are the up channels, n .. 2 n - 1 the down channels. This is
  step-forward encoding (Petro, Kasabov and Kiss, Selection and optimization of temporal spike encoding
  methods for spiking neural networks, 2020), which follows slow changes too; ``snntorch.spikegen.delta``
  compares with the step before and so sees fewer changes the more steps there are.
* ``events``: an input spikes in a step when it has any event in it.

Spikes of one split are the same for every trial that shares encoding, time steps and seed, on the training
side and on the hardware side. Random numbers come from numpy's SFC64 stream, which does not change between
versions.
"""

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from models.datasets.events import Events
from models.datasets.samples import Inputs, Kind, kind_of, unit_values
from spikefront.errors import SpecError

Encoding = Literal["rate", "latency", "direct", "delta", "events"]
ENCODINGS: tuple[Encoding, ...] = ("rate", "latency", "direct", "delta", "events")
KIND_ENCODINGS: dict[Kind, tuple[Encoding, ...]] = {
    "images": ("rate", "latency", "direct"),
    "series": ("delta",),
    "events": ("events",),
}
"""Encodings that each kind of samples allows."""

FloatImages = NDArray[np.float32]
Spikes = NDArray[np.uint8]

_FAINTEST = 0.01  # spikegen.latency's threshold: fainter pixels spike as late as this one
_CHUNK_BYTES = 1 << 24
_NOISE_BYTES = 1 << 16


@dataclass(frozen=True)
class Code:
    """How samples become inputs.

    Attributes:
        encoding: one of ``ENCODINGS``.
        time_steps: steps per sample, at least 1.
        delta_threshold: change per step that makes a spike under "delta", above 0.
        peak_rate: probability per step that a pixel of value 1 spikes under "rate", above 0, at most 1.
    """

    encoding: Encoding
    time_steps: int
    delta_threshold: float = 0.05
    peak_rate: float = 1.0

    def __post_init__(self) -> None:
        if self.encoding not in ENCODINGS:
            raise SpecError(f"encoding {self.encoding!r} is unknown; choose one of {', '.join(ENCODINGS)}")
        if self.time_steps < 1:
            raise SpecError(f"time_steps is {self.time_steps}; give at least 1")
        if not self.delta_threshold > 0:
            raise SpecError(f"delta_threshold is {self.delta_threshold}; give a change above 0")
        if not 0 < self.peak_rate <= 1:
            raise SpecError(f"peak_rate is {self.peak_rate}; give a probability above 0, at most 1")


def spikes_of(images: FloatImages, code: Code, stream: np.random.SFC64) -> Spikes:
    """Encode images of values 0..1, shape (B, n), as spikes (T, B, n) of 0 and 1; not for "direct".

    Only "rate" draws from the stream.
    """
    if code.encoding == "rate":
        return _bernoulli(images, code, stream)
    if code.encoding == "latency":
        return _first_spikes(images, code.time_steps)
    raise SpecError(
        "the encoding 'direct' has no spikes; use the images themselves as the current of every step"
    )


def _bernoulli(images: FloatImages, code: Code, stream: np.random.SFC64) -> Spikes:
    """Independent spikes, P = value * peak_rate, by eight random bits each.

    Every value of a sample is first rounded to a multiple of 2^-8, up or down at random, so that P is exact
    to 2^-17 on average, and at 0 and 1 always; within a sample the steps share that rounding.
    """
    levels = images * np.float32(65536.0 * code.peak_rate)
    np.rint(levels, out=levels)
    levels += _random_bytes(stream, images.shape)
    limits = levels.astype(np.int32) >> 8
    always = limits == 256
    sure, limits = bool(always.any()), limits.astype(np.uint8)
    spikes = np.empty((code.time_steps, *images.shape), dtype=np.bool_)
    steps = max(
        1, _NOISE_BYTES // max(1, images.size)
    )  # at a time: their noise stays in the processor's cache
    for part in (spikes[start : start + steps] for start in range(0, code.time_steps, steps)):
        np.less(_random_bytes(stream, part.shape), limits, out=part)
        if sure:
            np.logical_or(part, always, out=part)
    return spikes.view(np.uint8)


def _random_bytes(stream: np.random.SFC64, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    count = math.prod(shape)
    return stream.random_raw(-(-count // 8)).view(np.uint8)[:count].reshape(shape)


def _first_spikes(images: FloatImages, time_steps: int) -> Spikes:
    """One spike per pixel above 0, at round((T - 1) * (1 - value))."""
    last = time_steps - 1
    times = np.minimum(np.float32(-last) * (images - np.float32(1.0)), np.float32(last * (1.0 - _FAINTEST)))
    steps = np.where(images > 0, np.rint(times), -1).astype(np.int32)
    spikes: NDArray[np.bool_] = steps == np.arange(time_steps, dtype=np.int32)[:, None, None]
    return spikes.view(np.uint8)


def changes_of(series: NDArray[Any], code: Code) -> Spikes:
    """Encode series of values 0..1, shape (B, T0, n), as spikes (T, B, 2 n) of their rises and falls."""
    steps = resampled(unit_values(series), code.time_steps).transpose(1, 0, 2)
    channels = steps.shape[2]
    spikes = np.zeros((*steps.shape[:2], 2 * channels), dtype=np.bool_)
    reference = steps[0].copy()
    for values, out in zip(steps, spikes, strict=True):
        change = values - reference
        np.greater_equal(change, code.delta_threshold, out=out[:, :channels])
        np.less_equal(change, -code.delta_threshold, out=out[:, channels:])
        moved = out[:, :channels].astype(np.float32) - out[:, channels:]
        reference += np.float32(code.delta_threshold) * moved
    return spikes.view(np.uint8)


def resampled(series: NDArray[np.float32], time_steps: int) -> NDArray[np.float32]:
    """Series (B, T0, n) at ``time_steps`` moments from its first to its last step, interpolated linearly."""
    last = series.shape[1] - 1
    moments = np.linspace(0.0, last, time_steps)
    before = np.minimum(moments.astype(np.int64), max(last - 1, 0))
    after = np.minimum(before + 1, last)
    share = (moments - before).astype(np.float32)[:, None]
    return series[:, before] * (1 - share) + series[:, after] * share  # exact at both ends of a step


@dataclass(frozen=True, eq=False)
class EncodedSet:
    """A split whose inputs are fixed: encoded once and kept as bits.

    Attributes:
        code: encoding and time steps.
        labels: int64 (N,).
        width: inputs per step (n).
        data: spikes: bits packed along the inputs, uint8 (T, N, ceil(n / 8)); "direct": the images (N, n),
            float32 or uint8 for value * 255.
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
            return unit_values(self.data[rows])
        return np.unpackbits(self.data[:, rows].view(np.uint8), axis=-1, count=self.width)

    def samples(self, rows: slice = slice(None)) -> NDArray[Any]:
        """Inputs of some samples for hardware: spikes uint8 (B, T, n), or float32 (B, n) when direct."""
        inputs = self.batch(rows)
        return inputs if inputs.ndim == 2 else np.ascontiguousarray(inputs.transpose(1, 0, 2))


def encode(inputs: Inputs, labels: NDArray[np.int64], code: Code, seed: int) -> EncodedSet:
    """Encode a split once; the result depends on the arguments alone.

    Args:
        inputs: images (N, n) or series (N, T0, n) of values 0..1 (float32, or uint8 for value * 255), or
            events.
        labels: int64 (N,).
        code: encoding and time steps.
        seed: of the noise of "rate".

    Raises:
        SpecError: an encoding that such samples do not have, a value outside 0..1, or not a number.
    """
    check_inputs(inputs, code)
    width = input_width(inputs)
    if isinstance(inputs, Events):
        return EncodedSet(code, labels, width, inputs.packed(code.time_steps))
    if code.encoding == "direct":
        return EncodedSet(code, labels, width, inputs)
    count = len(inputs)
    packed = np.empty((code.time_steps, count, -(-width // 8)), dtype=np.uint8)
    stream = np.random.SFC64(seed)
    block = max(1, _CHUNK_BYTES // (2 * code.time_steps * width))
    for start in range(0, count, block):
        some = inputs[start : start + block]
        spikes = changes_of(some, code) if some.ndim == 3 else spikes_of(unit_values(some), code, stream)
        packed[:, start : start + block] = np.packbits(spikes, axis=-1)
    return EncodedSet(code, labels, width, packed)


def input_width(inputs: Inputs) -> int:
    """Inputs per time step that such samples give a network."""
    if isinstance(inputs, Events):
        return inputs.width
    return int(inputs.shape[1]) if inputs.ndim == 2 else 2 * int(inputs.shape[2])


def check_inputs(inputs: Inputs, code: Code) -> None:
    """Refuse an encoding that the samples do not have, and values outside 0..1.

    Raises:
        SpecError: naming the encodings, or the range found.
    """
    kind = kind_of(inputs)
    if code.encoding not in KIND_ENCODINGS[kind]:
        raise SpecError(
            f"the encoding {code.encoding!r} is not for {kind}; choose {' or '.join(KIND_ENCODINGS[kind])}"
        )
    if isinstance(inputs, Events) or not inputs.size or inputs.dtype == np.uint8:
        return
    if not (inputs.min() >= 0.0 and inputs.max() <= 1.0):
        word = "image" if kind == "images" else kind
        raise SpecError(
            f"{word} values run from {inputs.min()} to {inputs.max()}; scale them to 0..1 before encoding"
        )
