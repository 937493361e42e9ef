"""Records of a data set, and the split into training, validation and test parts."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from spikefront.errors import DataError

Images = NDArray[np.float32]
Labels = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Part:
    """Images with their labels.

    Attributes:
        images: values 0..1, float32 (N, n), flattened row by row.
        labels: int64 (N,), 0 .. classes - 1.
    """

    images: Images
    labels: Labels

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: NDArray[np.int64]) -> "Part":
        """The part made of some rows."""
        return Part(self.images[rows], self.labels[rows])


@dataclass(frozen=True, eq=False)
class Raw:
    """A data set before the search's split: ``search`` may be divided, ``test`` is never used for search."""

    search: Part
    test: Part
    shape: tuple[int, ...]
    classes: int


@dataclass(frozen=True, eq=False)
class Splits:
    """A data set ready for a campaign.

    Attributes:
        train, validation, test: disjoint parts; ``test`` is for the final report alone.
        shape: shape of one image before flattening.
        classes: number of classes.
    """

    train: Part
    validation: Part
    test: Part
    shape: tuple[int, ...]
    classes: int


class Dataset(Protocol):
    """A data set that can be found by name."""

    @property
    def name(self) -> str:
        """Name in campaign files."""
        ...

    def read(self, root: Path | None) -> Raw:
        """Read and check the data.

        Args:
            root: data folder; None when the user named none.

        Raises:
            DataError: a file is missing or damaged.
        """
        ...


Reader = Callable[[Path | None], Raw]


@dataclass(frozen=True)
class NamedReader:
    """A data set made of a name and a reading function."""

    name: str
    reader: Reader

    def read(self, root: Path | None) -> Raw:
        """Read and check the data."""
        return self.reader(root)


def per_class_counts(labels: Labels, total: int) -> dict[int, int]:
    """Samples per class of a stratified subset of ``total``: largest remainders, lowest class first."""
    classes, counts = np.unique(labels, return_counts=True)
    shares = counts * (total / len(labels))
    whole = np.floor(shares).astype(np.int64)
    order = np.argsort(-(shares - whole), kind="stable")
    whole[order[: total - int(whole.sum())]] += 1
    return {int(label): int(count) for label, count in zip(classes, whole, strict=True)}


def stratified_rows(labels: Labels, total: int, seed: int) -> NDArray[np.int64]:
    """Rows of a stratified random subset, in ascending order; depends on the arguments alone."""
    rng = np.random.Generator(np.random.PCG64(seed))
    chosen = [
        rng.permutation(np.flatnonzero(labels == label))[:count]
        for label, count in per_class_counts(labels, total).items()
    ]
    return np.sort(np.concatenate(chosen)).astype(np.int64)


def hold_out(part: Part, fraction: float, seed: int) -> tuple[Part, Part]:
    """Divide a part into (kept, held out), stratified by class.

    Raises:
        DataError: the fraction is not between 0 and 1, or leaves either side without samples.
    """
    total = round(len(part) * fraction) if 0.0 < fraction < 1.0 else 0
    if not 0 < total < len(part):
        raise DataError(
            f"a validation fraction of {fraction} of {len(part)} samples leaves one side empty; give a"
            " fraction between 0 and 1, such as 0.2"
        )
    rows = stratified_rows(part.labels, total, seed)
    kept = np.setdiff1d(np.arange(len(part), dtype=np.int64), rows, assume_unique=True)
    return part.take(kept), part.take(rows)


def subset(part: Part, most: int | None, seed: int) -> Part:
    """At most that many samples, stratified by class.

    Raises:
        DataError: fewer than one sample asked for.
    """
    if most is not None and most < 1:
        raise DataError(f"max_train is {most}; give at least 1 sample, or leave it out to train on all")
    if most is None or most >= len(part):
        return part
    return part.take(stratified_rows(part.labels, most, seed))
