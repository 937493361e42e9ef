"""The user's own data from one ``.npz`` file: images, series, spikes or events, with or without a test part.

Arrays, and the same names behind ``test_`` for the test part (without them a fixed stratified fifth is it):

* ``labels``: whole numbers from 0, (N,); and one of
* ``images``: (N, rows, columns), (N, channels, rows, columns) or (N, n); bytes, or floats from 0 to 1;
* ``series``: (N, steps, channels), likewise;
* ``spikes``: (N, steps, ...) of 0 and 1: events at equal distances, so that ``time_steps = steps`` gives them
  back and fewer time steps join neighbours;
* ``event_times_us``, ``event_addresses`` (E,) and ``event_offsets`` (N + 1,), sample i owning the events
  ``event_offsets[i]:event_offsets[i + 1]``; with ``event_shape``, such as (2, rows, columns), and
  ``event_duration_us``, both for all of the file.
"""

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.datasets.arrays import load_npz
from models.datasets.events import join
from models.datasets.files import Place
from models.datasets.options import Options
from models.datasets.samples import Inputs, Part, Raw
from models.datasets.splits import without_test
from spikefront.errors import DataError

KINDS = ("images", "series", "spikes", "event_times_us")

_TEST_FRACTION = 0.2
_STEP_US = 1000

Arrays = Mapping[str, NDArray[Any]]


def read_own(root: Path | None, options: Options) -> Raw:
    """Read the file that the option ``file`` names, below the data folder.

    Raises:
        DataError: no file was named, it lies elsewhere, or its arrays are not as above.
    """
    if options.file is None:
        raise DataError("the data set 'npz' needs a file; give data.file, such as file = 'mine.npz'")
    if Path(options.file).is_absolute() or ".." in Path(options.file).parts:
        raise DataError(f"data.file is {options.file!r}; give a path below the data folder, without '..'")
    path = Place("npz", ("",), "where you wrote it").find(root, (options.file,))
    arrays = load_npz(path, ("labels",))
    try:
        return _raw(arrays)
    except ValueError as error:
        raise DataError(f"{path} {error}; docs/datasets.md says what the arrays are") from error


def _raw(arrays: Arrays) -> Raw:
    """The data set of some arrays; a ValueError says what is wrong behind the file's name."""
    kind = _kind(arrays)
    search, shape = _part(arrays, kind, "")
    classes = int(search.labels.max()) + 1
    if "test_labels" not in arrays:
        return without_test(search, _TEST_FRACTION, shape, classes)
    test, test_shape = _part(arrays, kind, "test_")
    if test_shape != shape:
        raise ValueError(f"has samples of shape {shape} and test samples of shape {test_shape}")
    if test.labels.max() >= classes:
        raise ValueError(f"has test labels up to {test.labels.max()} and labels up to {classes - 1}")
    return Raw(search, test, shape, classes)


def _kind(arrays: Arrays) -> str:
    found = [kind for kind in KINDS if kind in arrays]
    if len(found) != 1:
        raise ValueError(f"has {' and '.join(found) or 'none'} of {', '.join(KINDS)} where one belongs")
    return found[0]


def _part(arrays: Arrays, kind: str, prefix: str) -> tuple[Part, tuple[int, ...]]:
    """One part, and the shape of one time step's inputs."""
    values, labels = _named(arrays, prefix + kind), _named(arrays, f"{prefix}labels")
    if labels.ndim != 1 or labels.dtype.kind not in "iu" or not len(labels) or labels.min() < 0:
        raise ValueError(
            f"has {prefix}labels of {labels.dtype} {labels.shape}, not whole numbers (N,) from 0"
        )
    readers = {"images": _images, "series": _series, "spikes": _spikes}
    if kind in readers:
        inputs, shape = readers[kind](values)
    else:
        inputs, shape = _events(arrays, prefix)
    if len(inputs) != len(labels):
        raise ValueError(f"has {len(inputs)} samples of {prefix}{kind} and {len(labels)} labels")
    return Part(inputs, labels.astype(np.int64)), shape


def _named(arrays: Arrays, name: str) -> NDArray[Any]:
    if name not in arrays:
        raise ValueError(f"has no array {name!r}")
    return arrays[name]


def _images(values: NDArray[Any]) -> tuple[Inputs, tuple[int, ...]]:
    if not 2 <= values.ndim <= 4:
        raise ValueError(f"has images of shape {values.shape}, not (N, n), (N, r, c) or (N, channels, r, c)")
    return _checked(values).reshape(len(values), -1), values.shape[1:]


def _series(values: NDArray[Any]) -> tuple[Inputs, tuple[int, ...]]:
    if values.ndim != 3:
        raise ValueError(f"has series of shape {values.shape}, not (N, steps, channels)")
    return _checked(values), (2 * values.shape[2],)


def _checked(values: NDArray[Any]) -> NDArray[Any]:
    """Bytes as they are, other numbers as float32 of 0..1."""
    if values.dtype == np.uint8:
        return values
    if not np.issubdtype(values.dtype, np.floating) or not ((values >= 0) & (values <= 1)).all():
        raise ValueError(f"has values of {values.dtype} that are neither bytes nor numbers from 0 to 1")
    return values.astype(np.float32)


def _spikes(values: NDArray[Any]) -> tuple[Inputs, tuple[int, ...]]:
    if values.ndim < 3 or not np.isin(np.unique(values), (0, 1)).all():
        raise ValueError(f"has spikes of {values.dtype} {values.shape}, not (N, steps, ...) of 0 and 1")
    flat = values.reshape(*values.shape[:2], -1)
    pairs = [np.nonzero(sample) for sample in flat]
    width, duration_us = flat.shape[2], flat.shape[1] * _STEP_US
    return join([(step * _STEP_US, site) for step, site in pairs], width, duration_us), values.shape[2:]


def _events(arrays: Arrays, prefix: str) -> tuple[Inputs, tuple[int, ...]]:
    shape = tuple(int(size) for size in _named(arrays, "event_shape").ravel())
    duration_us = int(_named(arrays, "event_duration_us"))
    offsets = _named(arrays, f"{prefix}event_offsets").astype(np.int64)
    time, address = (_named(arrays, prefix + name) for name in ("event_times_us", "event_addresses"))
    steady = len(offsets) > 1 and offsets[0] == 0 and (np.diff(offsets) >= 0).all()
    if not steady or not offsets[-1] == len(time) == len(address):
        raise ValueError(
            f"has {len(time)} {prefix}event_times_us, {len(address)} {prefix}event_addresses and"
            f" {prefix}event_offsets that do not run from 0 to that number"
        )
    if min(shape, default=0) < 1 or duration_us < 1:
        raise ValueError(f"has the event_shape {shape} and the event_duration_us {duration_us}, not above 0")
    samples = [(time[start:end], address[start:end]) for start, end in pairwise(offsets)]
    return join(samples, int(np.prod(shape)), duration_us), shape
