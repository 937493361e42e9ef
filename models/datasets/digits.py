"""scikit-learn's bundled digits: 1797 real 8x8 images, 10 classes, no file needed."""

from pathlib import Path

import numpy as np

from models.datasets.splits import Part, Raw, hold_out

_TEST_FRACTION = 0.2
_TEST_SEED = 20260101  # fixed, so that no campaign's seed moves a test sample into a search


def read_digits(root: Path | None) -> Raw:  # noqa: ARG001 - bundled with the library, so no folder is needed
    """The digits with values 0..16 divided by 16, and a fixed stratified fifth held out as test part."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = (np.asarray(bunch.data) / 16.0).astype(np.float32)
    whole = Part(images, np.asarray(bunch.target).astype(np.int64))
    search, test = hold_out(whole, _TEST_FRACTION, _TEST_SEED)
    return Raw(search, test, shape=(8, 8), classes=10)
