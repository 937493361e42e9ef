"""Reading ``.npz`` files without running code that they might hold."""

import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spikefront.errors import DataError


def load_npz(path: Path, required: Iterable[str] = ()) -> dict[str, NDArray[Any]]:
    """All arrays of a file; pickled objects are refused.

    Raises:
        DataError: the file cannot be read, or lacks an array.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: np.asarray(archive[name]) for name in archive.files}
    except (OSError, ValueError, AttributeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(
            f"{path} cannot be read as .npz file of plain arrays ({error}); write it again with numpy.savez"
        ) from error
    missing = [name for name in required if name not in arrays]
    if missing:
        raise DataError(f"{path} has no array {missing[0]!r} but {', '.join(sorted(arrays))}; add it")
    return arrays
