"""Stratified divisions of a data set: which rows are held out, and which are kept."""

import numpy as np
from numpy.typing import NDArray

from models.datasets.samples import Labels, Part, Raw, Rows, Splits
from spikefront.errors import DataError

_TEST_SEED = 20260101  # fixed, so that no campaign's seed moves a test sample into a search


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
    """Divide a part into (kept, held out), stratified by class; errors as ``held_out_rows``."""
    kept, held = held_out_rows(part.labels, fraction, seed)
    return part.take(kept), part.take(held)


def held_out_rows(labels: Labels, fraction: float, seed: int) -> tuple[Rows, Rows]:
    """Divide rows into (kept, held out), both ascending, stratified by class.

    Raises:
        DataError: the fraction is not between 0 and 1, or leaves either side without samples.
    """
    total = round(len(labels) * fraction) if 0.0 < fraction < 1.0 else 0
    if not 0 < total < len(labels):
        raise DataError(
            f"a validation fraction of {fraction} of {len(labels)} samples leaves one side empty; give a"
            " fraction between 0 and 1, such as 0.2"
        )
    rows = stratified_rows(labels, total, seed)
    return np.setdiff1d(np.arange(len(labels), dtype=np.int64), rows, assume_unique=True), rows


def subset_rows(labels: Labels, most: int | None, seed: int) -> Rows:
    """Rows of at most that many samples, ascending, stratified by class.

    Raises:
        DataError: fewer than one sample asked for.
    """
    if most is not None and most < 1:
        raise DataError(f"max_train is {most}; give at least 1 sample, or leave it out to train on all")
    if most is None or most >= len(labels):
        return np.arange(len(labels), dtype=np.int64)
    return stratified_rows(labels, most, seed)


def without_test(whole: Part, fraction: float, shape: tuple[int, ...], classes: int) -> Raw:
    """A data set without an official test part: a fixed stratified share is held out as one."""
    search, test = hold_out(whole, fraction, _TEST_SEED)
    return Raw(search, test, shape, classes)


def split(raw: Raw, max_train: int | None, validation_fraction: float, seed: int) -> Splits:
    """Divide a data set for a campaign; arguments and errors as of ``registry.load``."""
    kept, held = held_out_rows(raw.search.labels, validation_fraction, seed)
    train = kept[subset_rows(raw.search.labels[kept], max_train, seed)]
    parts = raw.search.take(train), raw.search.take(held), raw.test
    return Splits(*parts, raw.shape, raw.classes, train, held)
