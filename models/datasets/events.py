"""Event samples in flat arrays, and the bits they become for a number of time steps."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spikefront.errors import DataError

_CHUNK_BYTES = 1 << 24


@dataclass(frozen=True, eq=False)
class Events:
    """Spikes with time stamps: the number of time steps is chosen later, by each trial.

    Attributes:
        offsets: int64 (N + 1,); sample i owns the events ``offsets[i]:offsets[i + 1]``.
        time_us: uint32 (E,), from the sample's start.
        address: input of each event, an unsigned type, 0 .. width - 1. Where polarity is kept, ON events
            have the addresses of the second half.
        width: number of inputs.
        duration_us: time that all time steps together cover; later events are not kept.
    """

    offsets: NDArray[np.int64]
    time_us: NDArray[np.uint32]
    address: NDArray[Any]
    width: int
    duration_us: int

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, rows: NDArray[np.int64] | slice) -> "Events":
        """The samples of some rows."""
        if isinstance(rows, slice):
            rows = np.arange(len(self))[rows]
        index = self._events_of(rows)
        lengths = np.diff(self.offsets)[rows]
        return Events(
            _offsets(lengths), self.time_us[index], self.address[index], self.width, self.duration_us
        )

    def _events_of(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Positions of all events of some samples, sample by sample."""
        lengths = np.diff(self.offsets)[rows]
        starts = self.offsets[:-1][rows]
        shifts: NDArray[np.int64] = np.repeat(starts - (np.cumsum(lengths) - lengths), lengths)
        return shifts + np.arange(len(shifts))

    def packed(self, time_steps: int) -> NDArray[np.uint8]:
        """Bits (T, N, ceil(width / 8)): an input spikes in a step when it has any event in it.

        Step k covers the times [k D / T, (k + 1) D / T) of the duration D.
        """
        bits = np.empty((time_steps, len(self), -(-self.width // 8)), dtype=np.uint8)
        block = max(1, _CHUNK_BYTES // (time_steps * self.width))
        for start in range(0, len(self), block):
            stop = min(start + block, len(self))
            bits[:, start:stop] = np.packbits(self._dense(start, stop, time_steps), axis=-1)
        return bits

    def _dense(self, start: int, stop: int, time_steps: int) -> NDArray[np.bool_]:
        """Spikes (T, B, width) of the samples start .. stop - 1."""
        count = stop - start
        events = slice(self.offsets[start], self.offsets[stop])
        sample = np.repeat(np.arange(count), np.diff(self.offsets[start : stop + 1]))
        step = self.time_us[events].astype(np.int64) * time_steps // self.duration_us
        spikes = np.zeros((time_steps, count, self.width), dtype=np.bool_)
        spikes.ravel()[(step * count + sample) * self.width + self.address[events]] = True
        return spikes


def join(samples: Sequence[tuple[NDArray[Any], NDArray[Any]]], width: int, duration_us: int) -> Events:
    """One record of many samples.

    Args:
        samples: per sample the times in microseconds and the input addresses.
        width: number of inputs.
        duration_us: events at or after this time are left out.

    Raises:
        DataError: an address outside the inputs, or a time before the start.
    """
    kept = list(_within(samples, width, duration_us))
    kind = np.uint16 if width <= 1 << 16 else np.uint32
    lengths = np.array([len(time) for time, _ in kept], dtype=np.int64)
    return Events(
        offsets=_offsets(lengths),
        time_us=np.concatenate([time for time, _ in kept] or [np.zeros(0)]).astype(np.uint32, copy=False),
        address=np.concatenate([address for _, address in kept] or [np.zeros(0)]).astype(kind, copy=False),
        width=width,
        duration_us=duration_us,
    )


def _within(
    samples: Sequence[tuple[NDArray[Any], NDArray[Any]]], width: int, duration_us: int
) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    for number, (time, address) in enumerate(samples):
        if len(time) and (time.min() < 0 or address.min() < 0 or address.max() >= width):
            raise DataError(
                f"sample {number} has events from {time.min()} us at addresses {address.min()} to"
                f" {address.max()} where times from 0 and addresses below {width} belong; check its file"
            )
        inside = time < duration_us
        yield time[inside], address[inside]


def _offsets(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each sample begins, and the end."""
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
