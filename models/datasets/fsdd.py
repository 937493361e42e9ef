"""Free Spoken Digit Dataset: ten digits by six speakers, as level crossings of mel bands.

Z. Jackson et al., github.com/Jakobovski/free-spoken-digit-dataset. Its files are
``recordings/DIGIT_SPEAKER_INDEX.wav``, 8 kHz, mono, 16 bit; index 0 to 4 is the test part.
"""

import io
import tarfile
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.datasets.files import Place, read_bytes
from models.datasets.filterbank import HOP_US, RATE_HZ, FloatArray, crossings, log_energies
from models.datasets.options import Options
from models.datasets.recordings import Recording, Sensor, part_of
from models.datasets.samples import Raw
from spikefront.errors import DataError

DURATION_MS = 1000
"""Longer than all but a few recordings (median 0.42 s, longest 2.28 s), whose end is cut."""

_CLASSES = 10
_TEST_INDEX = 5
_BLOCK = 250
_SOURCE = "github.com/Jakobovski/free-spoken-digit-dataset"


def read_fsdd(root: Path | None, options: Options) -> Raw:
    """Read ``FSDD/recordings`` or ``FSDD/recordings.tar.gz``; ``models.datasets.filterbank`` makes spikes.

    Raises:
        DataError: the files are missing or damaged.
    """
    place = Place("FSDD", ("FSDD", "free-spoken-digit-dataset", ""), _SOURCE)
    source = place.find(root, ("recordings", "recordings.tar.gz"))
    files = sorted(_folder(source) if source.is_dir() else _archive(source), key=lambda file: file[0])
    test = np.array([_index(name) < _TEST_INDEX for name, _ in files], dtype=np.bool_)
    if not test.any() or test.all():
        raise DataError(f"{source} has {test.sum()} test files of {len(files)}; get it from {_SOURCE}")
    sensor = Sensor((options.bands,), polarity=True)
    duration_us = options.duration_us(DURATION_MS)
    whole = part_of(_recordings(files, options.bands, duration_us), sensor, options, duration_us)
    search, held = (whole.take(np.flatnonzero(side)) for side in (~test, test))
    return Raw(search, held, sensor.shape(options), _CLASSES)


def _recordings(files: list[tuple[str, bytes]], bands: int, duration_us: int) -> Iterator[Recording]:
    """Spikes of the recordings, block by block: one pass over the frames of many."""
    frames = -(-duration_us // HOP_US)
    for start in range(0, len(files), _BLOCK):
        block = files[start : start + _BLOCK]
        energies = [_of_length(log_energies(_sound(*file), bands), frames) for file in block]
        time_us, band, rises = crossings(np.concatenate(energies, axis=1))
        for row, (name, _) in enumerate(block):
            own = band // bands == row
            yield Recording(time_us[own], band[own] % bands, rises[own], int(name.split("_")[0]))


def _of_length(energies: FloatArray, frames: int) -> FloatArray:
    """Cut at so many frames, or go on with the last one, which crosses no level."""
    kept = energies[:frames]
    return np.pad(kept, ((0, frames - len(kept)), (0, 0)), mode="edge" if len(kept) else "constant")


def _sound(name: str, content: bytes) -> NDArray[np.int16]:
    try:
        with wave.open(io.BytesIO(content)) as file:
            form = (file.getnchannels(), file.getsampwidth(), file.getframerate())
            frames = file.readframes(file.getnframes())
    except (wave.Error, EOFError) as error:
        raise DataError(f"{name} is no wav file ({error}); get it from {_SOURCE}") from error
    if form != (1, 2, RATE_HZ):
        raise DataError(
            f"{name} has {form[0]} channels of {8 * form[1]} bits at {form[2]} Hz; convert it to one of"
            f" 16 bits at {RATE_HZ} Hz"
        )
    return np.frombuffer(frames, dtype="<i2")


def _index(name: str) -> int:
    """The number behind digit and speaker."""
    try:
        digit, _, index = name.removesuffix(".wav").split("_")
        if int(digit) < _CLASSES:
            return int(index)
    except ValueError:
        pass
    raise DataError(f"{name} is not named DIGIT_SPEAKER_INDEX.wav; rename or remove it")


def _folder(source: Path) -> Iterator[tuple[str, bytes]]:
    for path in source.glob("*.wav"):
        yield path.name, read_bytes(path)


def _archive(source: Path) -> Iterator[tuple[str, bytes]]:
    try:
        with tarfile.open(source, "r:gz") as archive:
            for member in archive:
                stream = archive.extractfile(member)
                if stream is not None and member.name.endswith(".wav"):
                    yield Path(member.name).name, stream.read()
    except (tarfile.TarError, EOFError, OSError) as error:
        raise DataError(f"{source} is a damaged archive ({error}); get it from {_SOURCE}") from error
