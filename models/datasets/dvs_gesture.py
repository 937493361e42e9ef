"""DVS128 Gesture: eleven hand gestures before an event camera (Amir et al., 2017).

Read from the official recordings (AEDAT 3.1 with a table of gestures each), or from the single gestures that
the library tonic distributes as .npy (columns x, y, polarity, time in ms; the file's name is the class).
"""

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from models.datasets.aedat import CameraEvents, parse_aedat31
from models.datasets.files import Place, read_bytes
from models.datasets.options import Options
from models.datasets.recordings import Recording, Sensor, part_of, since_first
from models.datasets.samples import Part, Raw
from spikefront.errors import DataError

FRAME = (128, 128)
DURATION_MS = 1500
"""The first 1.5 s of each gesture, as in Shrestha and Orchard (SLAYER, 2018); gestures last about 6 s."""

_CLASSES = 11
_PLACE = Place(
    "DVS128-Gesture",
    ("DVSGesture", "DvsGesture", ""),
    "research.ibm.com/interactive/dvsgesture (DvsGesture.tar.gz, unpacked), or tonic's ibmGestureTrain.tar.gz"
    " and ibmGestureTest.tar.gz",
)
_SIDES = {"Train": "trials_to_train.txt", "Test": "trials_to_test.txt"}


def read_dvs_gesture(root: Path | None, options: Options) -> Raw:
    """Read trials_to_train.txt, trials_to_test.txt and what they list, or ibmGestureTrain and ibmGestureTest.

    Raises:
        DataError: a file is missing or damaged.
    """
    sensor = Sensor(FRAME, polarity=True)
    parts = [_part(root, side, sensor, options) for side in _SIDES]
    return Raw(parts[0], parts[1], sensor.shape(options), _CLASSES)


def _part(root: Path | None, side: str, sensor: Sensor, options: Options) -> Part:
    source = _PLACE.find(root, (_SIDES[side], f"ibmGesture{side}"))
    recordings = _arrays(source) if source.is_dir() else _trials(source)
    part = part_of(recordings, sensor, options, options.duration_us(DURATION_MS))
    if not len(part):
        raise DataError(f"{source} names no gesture; unpack the data set again")
    return part


def _trials(listing: Path) -> Iterator[Recording]:
    """Every gesture of the recordings that a listing names."""
    for line in listing.read_text(encoding="utf-8").split():
        path = listing.parent / Path(line).name
        try:
            events = parse_aedat31(read_bytes(path))
            spans = _spans(path.with_name(f"{path.stem}_labels.csv"))
        except (ValueError, KeyError) as error:
            raise DataError(f"{path} or its table is damaged: it {error}; unpack it again") from error
        for label, start, end in spans:
            inside = slice(*np.searchsorted(events.time_us, (start, end)))
            yield _gesture(events, inside, label, start)


def _spans(path: Path) -> list[tuple[int, int, int]]:
    """Class 0..10, start and end in microseconds of each gesture of a table."""
    rows = csv.DictReader(read_bytes(path).decode().splitlines())
    return [(int(row["class"]) - 1, int(row["startTime_usec"]), int(row["endTime_usec"])) for row in rows]


def _gesture(events: CameraEvents, inside: slice, label: int, start: int) -> Recording:
    site = events.y[inside] * FRAME[1] + events.x[inside]
    return Recording(events.time_us[inside] - start, site, events.polarity[inside], label)


def _arrays(folder: Path) -> Iterator[Recording]:
    """Every gesture of tonic's folders."""
    for path in sorted(folder.rglob("*.npy")):
        try:
            values = np.load(path, allow_pickle=False)
            x, y, polarity, time_ms = values.T
            label = int(path.stem)
        except (ValueError, OSError, EOFError) as error:
            raise DataError(
                f"{path} is no array of x, y, polarity and time ({error}); unpack it again"
            ) from error
        time_us = np.rint(time_ms * 1000.0).astype(np.int64)
        site = y.astype(np.int64) * FRAME[1] + x.astype(np.int64)
        yield Recording(since_first(time_us), site, polarity.astype(np.int64), label)
