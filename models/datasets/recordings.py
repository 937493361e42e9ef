"""Recordings of event sensors: down-sampling, denoising and polarity, and the inputs they become."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.datasets.events import Events, join
from models.datasets.options import Options
from models.datasets.samples import Part

_LONGEST_US = 1 << 32


@dataclass(frozen=True, eq=False)
class Recording:
    """One sample of an event sensor.

    Attributes:
        time_us: int64 (E,), ascending, from the sample's start.
        site: int64 (E,): pixel ``row * columns + column``, or channel.
        polarity: (E,) 1 for ON and 0 for OFF; None where the sensor has none.
        label: its class.
    """

    time_us: NDArray[np.int64]
    site: NDArray[np.int64]
    polarity: NDArray[Any] | None
    label: int


def since_first(time_us: NDArray[np.int64]) -> NDArray[np.int64]:
    """Times since the first event, for formats whose clock starts anywhere."""
    return time_us - time_us.min() if len(time_us) else time_us


@dataclass(frozen=True)
class Sensor:
    """What recorded: (rows, columns) or (channels,), and whether its events have a polarity."""

    frame: tuple[int, ...]
    polarity: bool

    def shape(self, options: Options) -> tuple[int, ...]:
        """Shape of one time step's inputs: (2, rows, columns) where polarities are kept apart."""
        frame = tuple(-(-size // options.downsample) for size in self.frame)
        return (2, *frame) if self.polarity and options.polarity == "both" else frame


def part_of(recordings: Iterable[Recording], sensor: Sensor, options: Options, duration_us: int) -> Part:
    """Prepare recordings one by one, so that no more than the result is held.

    Order of the steps: cut to the duration, denoise at full resolution, down-sample, polarity. Down-sampling
    keeps every event; those that fall on one input in one time step are one spike.

    Raises:
        DataError: an event outside the sensor.
    """
    samples, labels = [], []
    for recording in recordings:
        inside = _only(recording, recording.time_us < min(duration_us, _LONGEST_US))
        clean = inside if options.denoise_us is None else denoised(inside, sensor, options.denoise_us)
        samples.append(_compact(clean, sensor, options))
        labels.append(recording.label)
    width = int(np.prod(sensor.shape(options)))
    events: Events = join(samples, width, duration_us)
    return Part(events, np.array(labels, dtype=np.int64))


def denoised(recording: Recording, sensor: Sensor, window_us: int) -> Recording:
    """Keep the events that one of the neighbouring pixels supports.

    The background-activity filter of Delbruck (Frame-free dynamic digital vision, 2008): an event stays when
    one of its eight neighbours (two, for channels) had an event of either polarity at most ``window_us``
    before it. The pixel itself does not count.
    """
    span = int(recording.time_us.max(initial=0)) + window_us + 1
    keys = recording.site * span + recording.time_us
    order = np.argsort(keys)  # ascending questions are answered much faster
    keys, place = keys[order], np.unravel_index(recording.site[order], sensor.frame)
    supported = np.zeros(len(keys), dtype=np.bool_)
    for move in product((-1, 0, 1), repeat=len(sensor.frame)):
        if any(move):
            shift = int(np.dot(move, _strides(sensor.frame))) * span
            supported |= _on_sensor(place, move, sensor.frame) & _seen(keys, keys + shift, window_us)
    kept = np.empty_like(supported)
    kept[order] = supported
    return _only(recording, kept)


def _strides(frame: tuple[int, ...]) -> tuple[int, ...]:
    """Sites between neighbours along each axis."""
    return tuple(int(np.prod(frame[axis + 1 :])) for axis in range(len(frame)))


def _on_sensor(
    place: tuple[NDArray[np.int64], ...], move: tuple[int, ...], frame: tuple[int, ...]
) -> NDArray[np.bool_]:
    """Which places still lie on the sensor after a move."""
    moved = zip(place, move, frame, strict=True)
    inside = [(axis + step >= 0) & (axis + step < size) for axis, step, size in moved]
    kept: NDArray[np.bool_] = np.all(inside, axis=0)
    return kept


def _seen(keys: NDArray[np.int64], asked: NDArray[np.int64], window: int) -> NDArray[np.bool_]:
    """Whether the sorted keys hold one of ``asked - window .. asked``.

    Keys of different sites lie more than a window apart, so that no other site's event is met.
    """
    last = np.searchsorted(keys, asked, side="right") - 1
    return (last >= 0) & (asked - keys[last] <= window)


def _compact(
    recording: Recording, sensor: Sensor, options: Options
) -> tuple[NDArray[np.uint32], NDArray[Any]]:
    """Times and input addresses of one recording."""
    shape = sensor.shape(options)
    place = np.unravel_index(recording.site, sensor.frame)
    moved = [axis // options.downsample for axis in place]
    if len(shape) > len(sensor.frame):
        if recording.polarity is None:
            raise ValueError("a sensor with polarity needs recordings with polarity")
        moved.insert(0, recording.polarity.astype(np.int64))
    address = np.ravel_multi_index(moved, shape)
    small = np.uint16 if np.prod(shape) <= 1 << 16 else np.uint32
    return recording.time_us.astype(np.uint32), address.astype(small)


def _only(recording: Recording, kept: NDArray[np.bool_]) -> Recording:
    """The recording with some of its events."""
    polarity = None if recording.polarity is None else recording.polarity[kept]
    return replace(recording, time_us=recording.time_us[kept], site=recording.site[kept], polarity=polarity)
