"""The data sets by name."""

import difflib
from pathlib import Path

from models.datasets.digits import read_digits
from models.datasets.mnist import FASHION_MNIST, MNIST, read_mnist
from models.datasets.splits import Dataset, NamedReader, Splits, hold_out, subset
from spikefront.errors import DataError

DATASETS: dict[str, Dataset] = {
    dataset.name: dataset
    for dataset in (
        NamedReader("digits", read_digits),
        NamedReader("mnist", lambda root: read_mnist(MNIST, root)),
        NamedReader("fashion-mnist", lambda root: read_mnist(FASHION_MNIST, root)),
    )
}


def load(
    name: str,
    root: Path | str | None = None,
    *,
    max_train: int | None = None,
    validation_fraction: float = 0.2,
    seed: int = 0,
) -> Splits:
    """Load a data set and split it; equal arguments give equal splits.

    The validation part depends on (name, validation_fraction, seed) alone, so that every trial is judged on
    the same samples however many it trains on. Smaller training subsets need not be contained in larger ones.

    Args:
        name: one of ``DATASETS``.
        root: data folder for data sets that are read from files.
        max_train: largest number of training samples, a stratified subset; None for all.
        validation_fraction: share of the official training part that is held out, stratified.
        seed: of both random choices.

    Raises:
        DataError: unknown name, missing or damaged file, or an impossible split.
    """
    if name not in DATASETS:
        near = difflib.get_close_matches(name, DATASETS, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise DataError(f"data set {name!r} is unknown{hint}; choose one of {', '.join(sorted(DATASETS))}")
    raw = DATASETS[name].read(None if root is None else Path(root))
    train, validation = hold_out(raw.search, validation_fraction, seed)
    return Splits(subset(train, max_train, seed), validation, raw.test, raw.shape, raw.classes)
