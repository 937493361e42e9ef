"""The data sets by name: those that come with Spikefront, and those of installed plug-ins."""

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from models.datasets import plugins
from models.datasets.braille import read_braille
from models.datasets.cifar10 import read_cifar10, read_cifar10_subset
from models.datasets.cifar10_dvs import read_cifar10_dvs
from models.datasets.digits import read_digits
from models.datasets.dvs_gesture import read_dvs_gesture
from models.datasets.fsdd import read_fsdd
from models.datasets.mnist import FASHION_MNIST, MNIST, read_mnist
from models.datasets.nmnist import read_nmnist, read_nmnist_subset
from models.datasets.options import EVENT_OPTIONS, options_for
from models.datasets.own import read_own
from models.datasets.samples import Dataset, NamedReader, Splits
from models.datasets.shd import read_shd
from models.datasets.splits import split
from models.datasets.svhn import read_svhn, read_svhn_mini
from spikefront.errors import DataError

_NO_POLARITY = ("downsample", "denoise_us", "duration_ms")

DATASETS: dict[str, Dataset] = {
    dataset.name: dataset
    for dataset in (
        NamedReader("digits", read_digits),
        NamedReader("mnist", lambda root, _: read_mnist(MNIST, root)),
        NamedReader("fashion-mnist", lambda root, _: read_mnist(FASHION_MNIST, root)),
        NamedReader("cifar10", read_cifar10),
        NamedReader("cifar10-subset", read_cifar10_subset),
        NamedReader("svhn", read_svhn),
        NamedReader("svhn-mini", read_svhn_mini),
        NamedReader("nmnist", read_nmnist, "events", EVENT_OPTIONS),
        NamedReader("nmnist-subset", read_nmnist_subset, "events", _NO_POLARITY),
        NamedReader("dvs128-gesture", read_dvs_gesture, "events", EVENT_OPTIONS),
        NamedReader("cifar10-dvs", read_cifar10_dvs, "events", EVENT_OPTIONS),
        NamedReader("shd", read_shd, "events", _NO_POLARITY),
        NamedReader("fsdd", read_fsdd, "events", ("bands", "polarity", "duration_ms")),
        NamedReader("braille", read_braille, "series"),
        NamedReader("npz", read_own, None, ("file",)),
    )
}
"""Those that come with Spikefront."""


def names() -> tuple[str, ...]:
    """Names of every data set that can be asked for, plug-ins included."""
    return (*DATASETS, *plugins.names(DATASETS))


def find(name: str) -> Dataset:
    """The data set of a name.

    Raises:
        DataError: there is none, or a plug-in cannot be used.
    """
    if name in DATASETS:
        return DATASETS[name]
    found = plugins.find(name, DATASETS)
    if found is not None:
        return found
    near = difflib.get_close_matches(name, names(), n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise DataError(f"data set {name!r} is unknown{hint}; choose one of {', '.join(sorted(names()))}")


def load(
    name: str,
    root: Path | str | None = None,
    *,
    max_train: int | None = None,
    validation_fraction: float = 0.2,
    seed: int = 0,
    options: Mapping[str, Any] | None = None,
) -> Splits:
    """Load a data set and split it; equal arguments give equal splits.

    The validation part depends on (name, validation_fraction, seed) alone, so that every trial is judged on
    the same samples however many it trains on. Smaller training subsets need not be contained in larger ones.

    Args:
        name: one of ``names()``.
        root: data folder for data sets that are read from files.
        max_train: largest number of training samples, a stratified subset; None for all.
        validation_fraction: share of the official training part that is held out, stratified.
        seed: of both random choices.
        options: of the data set; None as a value means not given.

    Raises:
        DataError: unknown name or option, missing or damaged file, or an impossible split.
    """
    dataset = find(name)
    checked = options_for(name, dataset.options, options or {})
    raw = dataset.read(None if root is None else Path(root), checked)
    return split(raw, max_train, validation_fraction, seed)
