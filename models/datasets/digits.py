"""scikit-learn's bundled digits: 1797 real 8x8 images, 10 classes, no file needed."""

from pathlib import Path

import numpy as np

from models.datasets.options import Options
from models.datasets.samples import Part, Raw
from models.datasets.splits import without_test

_TEST_FRACTION = 0.2


def read_digits(root: Path | None, options: Options) -> Raw:  # noqa: ARG001 - bundled with the library
    """The digits with values 0..16 divided by 16, and a fixed stratified fifth held out as test part."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = (np.asarray(bunch.data) / 16.0).astype(np.float32)
    whole = Part(images, np.asarray(bunch.target).astype(np.int64))
    return without_test(whole, _TEST_FRACTION, shape=(8, 8), classes=10)
