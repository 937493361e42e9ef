"""MNIST and Fashion-MNIST from their IDX files, gzip-compressed or plain."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.datasets.files import Place, check_sum, read_bytes
from models.datasets.idx import parse_idx
from models.datasets.samples import Part, Raw
from spikefront.errors import DataError

_CLASSES = 10


@dataclass(frozen=True)
class IdxFile:
    """One official file: its name without ".gz", its dimensions, and the checksums of the compressed file."""

    name: str
    dimensions: int
    md5: str
    sha256: str


@dataclass(frozen=True)
class IdxSource:
    """A data set of four IDX files.

    Attributes:
        folder: folder name under the data folder; the files are also looked for in other usual places.
        source: where a person can get them.
        files: train images, train labels, test images, test labels.
        train_count, test_count: number of samples of the official parts.
    """

    folder: str
    source: str
    files: tuple[IdxFile, IdxFile, IdxFile, IdxFile]
    train_count: int = 60_000
    test_count: int = 10_000


MNIST = IdxSource(
    "MNIST",
    "yann.lecun.com/exdb/mnist or ossci-datasets.s3.amazonaws.com/mnist",
    (
        IdxFile(
            "train-images-idx3-ubyte",
            3,
            "f68b3c2dcbeaaa9fbdd348bbdeb94873",
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        ),
        IdxFile(
            "train-labels-idx1-ubyte",
            1,
            "d53e105ee54ea40749a09fcbcd1e9432",
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        ),
        IdxFile(
            "t10k-images-idx3-ubyte",
            3,
            "9fb629c4189551a2d022fa330f9573f3",
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        ),
        IdxFile(
            "t10k-labels-idx1-ubyte",
            1,
            "ec29112dd5afa0611ce80d1b7f02629c",
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        ),
    ),
)

FASHION_MNIST = IdxSource(
    "FashionMNIST",
    "github.com/zalandoresearch/fashion-mnist",
    (
        IdxFile(
            "train-images-idx3-ubyte",
            3,
            "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        ),
        IdxFile(
            "train-labels-idx1-ubyte",
            1,
            "25c81989df183df01b3e8a0aad5dffbe",
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        ),
        IdxFile(
            "t10k-images-idx3-ubyte",
            3,
            "bef4ecab320f06d8554ea6380940ec79",
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        ),
        IdxFile(
            "t10k-labels-idx1-ubyte",
            1,
            "bb300cfdad3c16e7a12a480ee83cd310",
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        ),
    ),
)


def read_mnist(source: IdxSource, root: Path | None) -> Raw:
    """Read the four files from ``root``/FOLDER/raw, ``root``/raw or ``root``; images stay bytes.

    A compressed file must have the official checksum. A plain file has none to compare with and is checked
    for its header, its length and its number of samples.

    Raises:
        DataError: naming the file, what is wrong with it or where it was looked for, and where to get it.
    """
    arrays = [_read(source, file, root) for file in source.files]
    search = _part(source, arrays[0], arrays[1], source.train_count)
    test = _part(source, arrays[2], arrays[3], source.test_count)
    return Raw(search, test, shape=arrays[0].shape[1:], classes=_CLASSES)


def _read(source: IdxSource, file: IdxFile, root: Path | None) -> NDArray[np.uint8]:
    """Find, check and parse one file."""
    place = Place(source.folder, (f"{source.folder}/raw", "raw", ""), source.source)
    known = f"sha256 {file.sha256}, md5 {file.md5}"
    path = place.find(root, (f"{file.name}.gz", file.name), known)
    content = read_bytes(path)
    remedy = f"get {file.name}.gz ({known}) from {source.source}"
    if path.suffix == ".gz":
        check_sum(path, content, "sha256", file.sha256, remedy)
    try:
        return parse_idx(content, file.dimensions)
    except ValueError as error:
        raise DataError(f"{path} is damaged: it {error}; {remedy}") from error


def _part(source: IdxSource, images: NDArray[np.uint8], labels: NDArray[np.uint8], count: int) -> Part:
    """Images and labels as one part, after checking that they fit each other."""
    if len(images) != count or len(labels) != count or (count and labels.max() >= _CLASSES):
        raise DataError(
            f"the {source.folder} files hold {len(images)} images and {len(labels)} labels up to"
            f" {labels.max(initial=0)} where {count} of each and labels up to {_CLASSES - 1} belong; get the"
            f" four official files from {source.source}"
        )
    return Part(images.reshape(len(images), -1), labels.astype(np.int64))
