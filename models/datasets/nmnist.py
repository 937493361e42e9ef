"""N-MNIST: MNIST's digits before an event camera (Orchard et al., 2015), and a thinned subset of it.

Each recording is a file of 5-byte events: x, y, then one polarity bit (1 = ON) and a 23-bit time stamp in
microseconds, big-endian. An event with y = 240 stands for 2^13 us by which the clock overflowed.
"""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from models.datasets.files import Place, read_bytes
from models.datasets.options import Options
from models.datasets.recordings import Recording, Sensor, part_of
from models.datasets.samples import Part, Raw
from spikefront.errors import DataError

FRAME = (34, 34)
DURATION_MS = 300
"""Three saccades; the official recordings end shortly behind it."""
MD5 = {"Train": "20959b8e626244a1b502305a9e6e2031", "Test": "69ca8762b2fe404d9b9bad1103e97832"}
"""Of Train.zip and Test.zip."""

_CLASSES = 10
_OVERFLOW_ROW = 240
_OVERFLOW_US = 1 << 13
_SOURCE = "www.garrickorchard.com/datasets/n-mnist"


def read_nmnist(root: Path | None, options: Options) -> Raw:
    """Read ``NMNIST/Train`` and ``NMNIST/Test``: folders 0 to 9 of .bin files, unpacked or as .zip.

    Raises:
        DataError: a part is missing or damaged.
    """
    place = Place("N-MNIST", ("NMNIST", ""), _SOURCE)
    sources = [place.find(root, (side, f"{side}.zip"), f"{side}.zip: md5 {md5}") for side, md5 in MD5.items()]
    sensor = Sensor(FRAME, polarity=True)
    parts = [_part(source, side, sensor, options) for source, side in zip(sources, MD5, strict=True)]
    return Raw(parts[0], parts[1], sensor.shape(options), _CLASSES)


def read_nmnist_subset(root: Path | None, options: Options) -> Raw:
    """Read ``NMNIST_subset/NMNIST_hots_subset.zip``: 2378 recordings of the official training part.

    Isolated events were removed and the polarity was lost before it was published, so that its sensor has
    none here, and its results are not comparable with N-MNIST's.

    Raises:
        DataError: the file is missing or damaged.
    """
    place = Place("NMNIST_subset", ("NMNIST_subset", ""), "the benchmarks' data folder")
    source = place.find(root, ("NMNIST_hots_subset.zip",))
    sensor = Sensor(FRAME, polarity=False)
    parts = [_part(source, side, sensor, options) for side in MD5]
    return Raw(parts[0], parts[1], sensor.shape(options), _CLASSES)


def parse_events(content: bytes, label: int) -> Recording:
    """One recording of 5-byte events.

    Raises:
        ValueError: with the reason as a phrase that fits behind "the file".
    """
    if len(content) % 5:
        raise ValueError(f"has {len(content)} bytes, which is no multiple of 5")
    fields = np.frombuffer(content, dtype=np.uint8).reshape(-1, 5).astype(np.int64)
    x, y = fields[:, 0], fields[:, 1]
    overflow = y == _OVERFLOW_ROW
    time = (fields[:, 2] & 0x7F) << 16 | fields[:, 3] << 8 | fields[:, 4]
    time += np.cumsum(overflow) * _OVERFLOW_US
    real = ~overflow
    if (x[real] >= FRAME[1]).any() or (y[real] >= FRAME[0]).any():
        raise ValueError(f"has an event outside the {FRAME[0]}x{FRAME[1]} sensor")
    return Recording(time[real], y[real] * FRAME[1] + x[real], fields[real, 2] >> 7, label)


def _part(source: Path, side: str, sensor: Sensor, options: Options) -> Part:
    """All recordings of a folder or an archive."""
    recordings = _recordings(source, side, sensor)
    part = part_of(recordings, sensor, options, options.duration_us(DURATION_MS))
    if not len(part):
        raise DataError(f"{source} holds no {side}/DIGIT/NUMBER.bin; get it from {_SOURCE}")
    return part


def _recordings(source: Path, side: str, sensor: Sensor) -> Iterator[Recording]:
    for name, content in _folder(source) if source.is_dir() else _archive(source, side):
        try:
            recording = parse_events(content, int(name.split("/")[-2]))
        except ValueError as error:
            raise DataError(f"{name} in {source} is damaged: it {error}; get it from {_SOURCE}") from error
        yield (
            recording
            if sensor.polarity
            else Recording(recording.time_us, recording.site, None, recording.label)
        )


def _folder(source: Path) -> Iterator[tuple[str, bytes]]:
    for digit in range(_CLASSES):
        for path in sorted((source / str(digit)).glob("*.bin")):
            yield f"{source.name}/{digit}/{path.name}", read_bytes(path)


def _archive(source: Path, side: str) -> Iterator[tuple[str, bytes]]:
    """Files ``side``/DIGIT/NUMBER.bin in the order of digits and numbers."""
    try:
        with zipfile.ZipFile(source) as archive:
            for name in sorted(archive.namelist()):
                parts = name.split("/")
                if (
                    len(parts) >= 3
                    and parts[-3] == side
                    and parts[-2] in "0123456789"
                    and name.endswith(".bin")
                ):
                    yield name, archive.read(name)
    except (zipfile.BadZipFile, OSError, EOFError) as error:
        raise DataError(f"{source} is a damaged archive ({error}); get it from {_SOURCE}") from error
