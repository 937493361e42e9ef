"""SVHN's cropped digits (format 2) from MATLAB files, and the tiny set of own crops in the same layout."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.datasets.files import Place
from models.datasets.options import Options
from models.datasets.samples import Part, Raw
from spikefront.errors import DataError

SHAPE = (3, 32, 32)
URL = "http://ufldl.stanford.edu/housenumbers"
FILES = {
    "train_32x32.mat": "e26dedcc434d2e4c54c9b2d4a06d8373",
    "test_32x32.mat": "eb5a983be6a315427106f1b164d9cef3",
}
"""Official files and their MD5."""

_CLASSES = 10
_TEN = 10  # the files write 10 for the digit 0


def read_svhn(root: Path | None, options: Options) -> Raw:  # noqa: ARG001
    """Read the official training and test files; the "extra" file is not used.

    Raises:
        DataError: a file is missing or holds something else.
    """
    place = Place("SVHN", ("SVHN", ""), URL)
    parts = [_part(place.find(root, (name,), f"md5 {md5}")) for name, md5 in FILES.items()]
    return Raw(parts[0], parts[1], SHAPE, _CLASSES)


def read_svhn_mini(root: Path | None, options: Options) -> Raw:  # noqa: ARG001
    """Read ``SVHN_mini``: about a thousand own crops, not comparable with SVHN.

    Raises:
        DataError: a file is missing or holds something else.
    """
    place = Place("SVHN_mini", ("SVHN_mini", ""), "the benchmarks' data folder")
    names = ("train_32x32_mini.mat", "test_32x32_mini.mat")
    parts = [_part(place.find(root, (name,))) for name in names]
    return Raw(parts[0], parts[1], SHAPE, _CLASSES)


def _part(path: Path) -> Part:
    """Images (row, column, colour, sample) and labels 1..10 of one file."""
    arrays = _matlab(path)
    images, labels = arrays["X"], arrays["y"].ravel().astype(np.int64)
    if images.dtype != np.uint8 or images.shape != (32, 32, 3, len(labels)):
        raise DataError(
            f"{path} holds images of {images.dtype} {images.shape} for {len(labels)} labels where bytes"
            " (32, 32, 3, N) belong; get the format 2 file"
        )
    if labels.min() < 1 or labels.max() > _TEN:
        raise DataError(
            f"{path} has labels {labels.min()} to {labels.max()} instead of 1 to 10; get it again"
        )
    planes = np.ascontiguousarray(images.transpose(3, 2, 0, 1)).reshape(len(labels), -1)
    return Part(planes, labels % _TEN)


def _matlab(path: Path) -> dict[str, NDArray[Any]]:
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        arrays = loadmat(path, variable_names=("X", "y"))
    except (MatReadError, ValueError, TypeError, EOFError, OSError, NotImplementedError) as error:
        raise DataError(f"{path} cannot be read as a MATLAB 5 file ({error}); get it again") from error
    if not {"X", "y"} <= set(arrays):
        raise DataError(f"{path} has no arrays X and y; get the format 2 file")
    return arrays  # type: ignore[no-any-return]
