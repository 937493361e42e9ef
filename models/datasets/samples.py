"""Records of a data set: its parts, how they are divided, and what a data set is."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from models.datasets.events import Events
from models.datasets.options import DEFAULTS, Options
from spikefront.errors import DataError

Kind = Literal["images", "series", "events"]
Inputs = NDArray[Any] | Events
Images = NDArray[np.float32]
Labels = NDArray[np.int64]
Rows = NDArray[np.int64]


def kind_of(inputs: Inputs) -> Kind:
    """What kind of samples these are: images (N, n), series (N, T0, n) or events."""
    if isinstance(inputs, Events):
        return "events"
    return "images" if inputs.ndim == 2 else "series"


def unit_values(values: NDArray[Any]) -> Images:
    """Values 0..1 in float32: bytes are divided by 255, other values are taken as they are."""
    if values.dtype == np.uint8:
        scaled: Images = np.divide(values, np.float32(255.0), dtype=np.float32)
        return scaled
    return values.astype(np.float32, copy=False)


@dataclass(frozen=True, eq=False)
class Part:
    """Samples with their labels.

    Attributes:
        inputs: images (N, n), flattened by channel, row and column, or series (N, T0, n): float32 values of
            0..1, or uint8 for value * 255; or events.
        labels: int64 (N,), 0 .. classes - 1.
    """

    inputs: Inputs
    labels: Labels

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def kind(self) -> Kind:
        """Images, series or events."""
        return kind_of(self.inputs)

    @property
    def images(self) -> Images:
        """The images of a part of images, float32 (N, n)."""
        if isinstance(self.inputs, Events) or self.inputs.ndim != 2:
            raise DataError(f"the data are {self.kind}, not images; choose a data set of images")
        return unit_values(self.inputs)

    def take(self, rows: Rows) -> "Part":
        """The part made of some rows."""
        return Part(self.inputs[rows], self.labels[rows])


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
        shape: shape of one time step's inputs before flattening: (rows, columns), (channels, rows, columns),
            or (channels,); the up and down channels of a series are those of its delta encoding.
        classes: number of classes.
        train_rows, validation_rows: rows of the set's official training part, int64, ascending.
    """

    train: Part
    validation: Part
    test: Part
    shape: tuple[int, ...]
    classes: int
    train_rows: Rows
    validation_rows: Rows

    @property
    def kind(self) -> Kind:
        """Images, series or events."""
        return self.train.kind

    @property
    def width(self) -> int:
        """Inputs of a network at each time step."""
        return int(np.prod(self.shape))

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256, in hex, of the split's rows and of every value and label of its parts.

        A campaign that is resumed must find the one it began with.
        """
        digest = hashlib.sha256(repr((self.kind, self.shape, self.classes)).encode())
        for rows in (self.train_rows, self.validation_rows):
            digest.update(np.ascontiguousarray(rows, dtype="<i8").tobytes())
        for part in (self.train, self.validation, self.test):
            for array in (part.labels, *_arrays(part.inputs)):
                digest.update(repr((array.dtype.str, array.shape)).encode())
                digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()


def _arrays(inputs: Inputs) -> tuple[NDArray[Any], ...]:
    """All numbers of some inputs."""
    if isinstance(inputs, Events):
        return np.array([inputs.duration_us]), inputs.offsets, inputs.time_us, inputs.address
    return (inputs,)


class Dataset(Protocol):
    """A data set that can be found by name."""

    @property
    def name(self) -> str:
        """Name in campaign files."""
        ...

    @property
    def kind(self) -> Kind | None:
        """What its samples are; None where only the files tell."""
        ...

    @property
    def options(self) -> tuple[str, ...]:
        """Names of the ``Options`` that it takes."""
        ...

    def read(self, root: Path | None, options: Options = DEFAULTS) -> Raw:
        """Read and check the data.

        Args:
            root: data folder; None when the user named none.
            options: those that it does not take have their defaults.

        Raises:
            DataError: a file is missing or damaged.
        """
        ...


Reader = Callable[[Path | None, Options], Raw]


@dataclass(frozen=True)
class NamedReader:
    """A data set made of a name and a reading function."""

    name: str
    reader: Reader
    kind: Kind | None = "images"
    options: tuple[str, ...] = ()

    def read(self, root: Path | None, options: Options = DEFAULTS) -> Raw:
        """Read and check the data."""
        return self.reader(root, options)
