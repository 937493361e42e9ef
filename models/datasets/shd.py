"""Spiking Heidelberg Digits: spoken digits in English and German through a model of the inner ear.

Cramer et al., The Heidelberg spiking data sets for the systematic evaluation of spiking neural networks,
2020. HDF5 files with ``spikes/times`` (seconds) and ``spikes/units`` (0..699) per sample, and ``labels``.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from models.datasets.files import Place
from models.datasets.options import Options
from models.datasets.recordings import Recording, Sensor, part_of
from models.datasets.samples import Part, Raw
from spikefront.errors import DataError, ToolMissingError

CHANNELS = 700
DURATION_MS = 1400
"""Just longer than the longest sample."""
URL = "https://zenkelab.org/datasets"
MD5 = {"train": "f3252aeb598ac776c1b526422d90eecb", "test": "1503a5064faa34311c398fb0a1ed0a6f"}
"""Of shd_train.h5.zip and shd_test.h5.zip."""

_CLASSES = 20
_PLACE = Place("SHD", ("SHD", ""), URL)


def read_shd(root: Path | None, options: Options) -> Raw:
    """Read ``shd_train.h5`` and ``shd_test.h5``.

    Raises:
        DataError: a file is missing or damaged.
        ToolMissingError: h5py is not installed.
    """
    paths = [
        _PLACE.find(root, (f"shd_{side}.h5",), f"shd_{side}.h5.zip has md5 {md5}")
        for side, md5 in MD5.items()
    ]
    sensor = Sensor((CHANNELS,), polarity=False)
    parts = [_part(path, sensor, options) for path in paths]
    return Raw(parts[0], parts[1], sensor.shape(options), _CLASSES)


def _part(path: Path, sensor: Sensor, options: Options) -> Part:
    try:
        return part_of(_recordings(path), sensor, options, options.duration_us(DURATION_MS))
    except (OSError, KeyError, ValueError) as error:
        raise DataError(f"{path} cannot be read as an SHD file ({error}); get it from {URL}") from error


def _recordings(path: Path) -> Iterator[Recording]:
    try:
        import h5py
    except ImportError as error:
        raise ToolMissingError("SHD files need the package h5py; pip install h5py") from error
    with h5py.File(path, "r") as file:
        times, units, labels = file["spikes/times"], file["spikes/units"], file["labels"][:]
        for row, label in enumerate(labels):
            time_us = np.rint(times[row].astype(np.float64) * 1e6).astype(np.int64)
            order = np.argsort(time_us, kind="stable")
            site = units[row].astype(np.int64)
            if len(site) != len(time_us) or (site >= CHANNELS).any():
                raise ValueError(f"sample {row} has units that do not fit")
            yield Recording(time_us[order], site[order], None, int(label))
