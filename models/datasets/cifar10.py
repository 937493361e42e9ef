"""CIFAR-10 from its official binary version, and the subset of it kept with the benchmarks.

The official Python version is a set of pickles, which could run code when they are read; the binary version
holds the same images as plain bytes, so that one is read: each record is a label and 3072 bytes, the red,
green and blue planes row by row (www.cs.toronto.edu/~kriz/cifar.html).
"""

import tarfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.datasets.arrays import load_npz
from models.datasets.files import Place, read_bytes
from models.datasets.options import Options
from models.datasets.samples import Part, Raw
from spikefront.errors import DataError

SHAPE = (3, 32, 32)
ARCHIVE = "cifar-10-binary.tar.gz"
URL = f"https://www.cs.toronto.edu/~kriz/{ARCHIVE}"
MD5 = "c32a1d4ab5d03f1284b67883e8d87530"

_CLASSES = 10
_PLACE = Place("CIFAR-10", ("CIFAR10", ""), URL)
_FOLDER = "cifar-10-batches-bin"
_TRAIN = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
_TEST = ("test_batch.bin",)
_RECORDS = 10_000
_RECORD_BYTES = 1 + 3 * 32 * 32


def read_cifar10(root: Path | None, options: Options) -> Raw:  # noqa: ARG001
    """Read the six official files from their folder or their archive.

    Raises:
        DataError: a file is missing or has another length or label than it should.
    """
    source = _PLACE.find(root, (_FOLDER, ARCHIVE), f"md5 {MD5}")
    files = _from_folder(source) if source.is_dir() else _from_archive(source)
    return Raw(_part(files, _TRAIN, source), _part(files, _TEST, source), SHAPE, _CLASSES)


def read_cifar10_subset(root: Path | None, options: Options) -> Raw:  # noqa: ARG001
    """Read ``CIFAR10_subset/cifar10_subset.npz``: a stand-in of its own split, not comparable with CIFAR-10.

    Raises:
        DataError: the file is missing or holds something else.
    """
    place = Place("CIFAR10_subset", ("CIFAR10_subset", ""), "the benchmarks' data folder")
    path = place.find(root, ("cifar10_subset.npz",))
    arrays = load_npz(path, ("x_train", "y_train", "x_test", "y_test"))
    parts = [_subset_part(path, arrays[f"x_{side}"], arrays[f"y_{side}"]) for side in ("train", "test")]
    return Raw(parts[0], parts[1], SHAPE, _CLASSES)


def _from_folder(folder: Path) -> dict[str, bytes]:
    return {name: read_bytes(folder / name) for name in (*_TRAIN, *_TEST)}


def _from_archive(path: Path) -> dict[str, bytes]:
    """The six files of the archive, held in memory."""
    try:
        with tarfile.open(path, "r:gz") as archive:
            return {name: _member(archive, f"{_FOLDER}/{name}") for name in (*_TRAIN, *_TEST)}
    except (tarfile.TarError, EOFError, OSError, KeyError) as error:
        raise DataError(f"{path} is damaged ({error}); get it (md5 {MD5}) from {URL}") from error


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    stream = archive.extractfile(name)
    if stream is None:
        raise KeyError(f"{name} is no file")
    return stream.read()


def _part(files: dict[str, bytes], names: tuple[str, ...], source: Path) -> Part:
    """Images and labels of some files, one behind the other."""
    records = np.concatenate([_records(files[name], f"{source}/{name}") for name in names])
    return Part(np.ascontiguousarray(records[:, 1:]), records[:, 0].astype(np.int64))


def _records(content: bytes, name: str) -> NDArray[np.uint8]:
    if len(content) != _RECORDS * _RECORD_BYTES:
        raise DataError(
            f"{name} has {len(content)} bytes instead of {_RECORDS * _RECORD_BYTES}; get {ARCHIVE} again from"
            f" {URL}"
        )
    records = np.frombuffer(content, dtype=np.uint8).reshape(_RECORDS, _RECORD_BYTES)
    if records[:, 0].max() >= _CLASSES:
        raise DataError(
            f"{name} has labels up to {records[:, 0].max()} instead of 9; get it again from {URL}"
        )
    return records


def _subset_part(path: Path, images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> Part:
    """Pixels with the colour last become planes."""
    if images.shape != (len(labels), 32, 32, 3) or images.dtype != np.uint8 or labels.max() >= _CLASSES:
        raise DataError(
            f"{path} holds images of {images.dtype} {images.shape} for {len(labels)} labels where bytes"
            " (N, 32, 32, 3) belong; fetch the file again"
        )
    planes = images.transpose(0, 3, 1, 2).reshape(len(images), -1)
    return Part(np.ascontiguousarray(planes), labels.astype(np.int64))
