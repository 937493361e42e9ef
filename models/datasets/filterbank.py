"""From sound to spikes: mel bands, their log energy, and the times at which it crosses levels.

1. Frames of 25 ms every 5 ms, Hann window, power spectrum of 256 points.
2. Triangular mel bands from 100 Hz to 4000 Hz, mel = 2595 log10(1 + f / 700) (O'Shaughnessy 1987), each
   filter summing to 1, so that a band's energy does not depend on its width.
3. Decibels below the loudest band and frame of the recording, from -50 dB (0) to 0 dB (1).
4. Level crossings every 10 dB: a band has a level, at first 0. When its energy reaches the next level above,
   the channel "up" spikes at the moment of crossing (interpolated between frames); when it falls a whole
   level below, the channel "down". So noise around a level makes no spikes.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 8000
HOP_US = 5000
FLOOR_DB = 50.0
LEVEL_DB = 10.0
LOWEST_HZ, HIGHEST_HZ = 100.0, 4000.0

_FRAME = 200
_HOP = 40
_FFT = 256

FloatArray = NDArray[np.float32]


def log_energies(sound: NDArray[np.int16], bands: int) -> FloatArray:
    """Energy of each frame and band (F, bands), 0..1 for -50..0 dB below the loudest.

    Args:
        sound: samples at 8 kHz (S,); shorter than a frame gives no frame.
        bands: number of mel bands.
    """
    if len(sound) < _FRAME:
        return np.zeros((0, bands), np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(sound, _FRAME)[::_HOP]
    power = np.abs(np.fft.rfft(frames * np.hanning(_FRAME), _FFT)) ** 2
    energy = power @ mel_filters(bands).T
    loudest = max(float(energy.max()), 1e-12)
    decibels = 10.0 * np.log10(np.maximum(energy / loudest, 1e-12))
    return np.clip(1.0 + decibels / FLOOR_DB, 0.0, 1.0).astype(np.float32)


@lru_cache(maxsize=4)
def mel_filters(bands: int) -> NDArray[np.float64]:
    """Triangular filters (bands, 129) over the power spectrum, each summing to 1.

    A filter narrower than the spectrum's resolution is the nearest point of it.
    """
    edges = _hertz(np.linspace(_mel(LOWEST_HZ), _mel(HIGHEST_HZ), bands + 2))
    frequency = np.arange(_FFT // 2 + 1) * (RATE_HZ / _FFT)
    low, centre, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising, falling = (frequency - low) / (centre - low), (high - frequency) / (high - centre)
    filters = np.maximum(0.0, np.minimum(rising, falling))
    empty = filters.sum(axis=1) == 0
    nearest = np.abs(frequency - centre).argmin(axis=1)
    filters[empty, nearest[empty]] = 1.0
    return np.asarray(filters / filters.sum(axis=1, keepdims=True))


def crossings(energies: FloatArray) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Level crossings of energies (F, n) in n bands, of one recording or of several side by side.

    Returns:
        Times in microseconds, ascending; bands; and 1 for up or 0 for down; int64 (E,) each.
    """
    scaled = energies.astype(np.float64) * (FLOOR_DB / LEVEL_DB)
    level = np.zeros(scaled.shape[1])
    before = np.zeros(scaled.shape[1])
    found: list[tuple[NDArray[np.float64], NDArray[np.int64], int]] = []
    for frame, now in enumerate(scaled):
        for sign in (1, -1):
            levels = np.maximum(np.floor(sign * (now - level)), 0.0)
            for k in range(1, int(levels.max(initial=0.0)) + 1):
                band = np.flatnonzero(levels >= k)
                share = (level[band] + sign * k - before[band]) / (now[band] - before[band])
                found.append(((frame - 1 + share) * HOP_US, band, sign))
            level += sign * levels
        before = now
    return _in_order(found)


def _in_order(
    found: list[tuple[NDArray[np.float64], NDArray[np.int64], int]],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Crossings as flat arrays by time; those of the first frame happen at its start."""
    if not found:
        nothing = np.zeros(0, np.int64)
        return nothing, nothing, nothing
    time = np.maximum(np.concatenate([time for time, _, _ in found]), 0.0).astype(np.int64)
    band = np.concatenate([band for _, band, _ in found])
    rises = np.concatenate([np.full(len(band), sign > 0, np.int64) for _, band, sign in found])
    order = np.argsort(time, kind="stable")
    return time[order], band[order], rises[order]


def _mel(hertz: float) -> float:
    return float(2595.0 * np.log10(1.0 + hertz / 700.0))


def _hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(700.0 * (10.0 ** (mel / 2595.0) - 1.0))
