"""Tactile Braille letters: 27 classes of short series from a simulated touch sensor.

An excerpt of doi 10.5281/zenodo.6556273 (Mueller-Cleve et al., arXiv 2205.15864): twelve sensor elements, of
which four ever change. A value is ``1 - byte / 255``, so that rest is 0.
"""

from pathlib import Path

import numpy as np

from models.datasets.arrays import load_npz
from models.datasets.files import Place
from models.datasets.options import Options
from models.datasets.samples import Part, Raw
from spikefront.errors import DataError

_CLASSES = 27
_TEST_EVERY = 5  # of the 50 repetitions of each letter


def read_braille(root: Path | None, options: Options) -> Raw:  # noqa: ARG001
    """Read ``Braille/braille_letters.npz``; every fifth repetition of a letter is the test part.

    Recordings have 76 or 77 steps: the shorter keep their last value one step longer. Channels that never
    change are left out.

    Raises:
        DataError: the file is missing or holds something else.
    """
    place = Place("Braille", ("Braille", ""), "doi 10.5281/zenodo.6556273")
    path = place.find(root, ("braille_letters.npz",))
    arrays = load_npz(path, ("taxel_data", "offsets", "label", "repetition"))
    taxels, offsets = arrays["taxel_data"], arrays["offsets"]
    lengths = np.diff(offsets)
    if taxels.dtype != np.uint8 or taxels.ndim != 2 or offsets[-1] != len(taxels) or lengths.min() < 1:
        raise DataError(
            f"{path} holds values of {taxels.dtype} {taxels.shape} for offsets to {offsets[-1]} where bytes"
            " (steps, taxels) belong; fetch the file again"
        )
    steps = np.minimum(np.arange(lengths.max()), lengths[:, None] - 1) + offsets[:-1, None]
    moving = np.flatnonzero((taxels != taxels[0]).any(axis=0))
    values = 255 - taxels[:, moving][steps]
    labels, test = arrays["label"].astype(np.int64), arrays["repetition"] % _TEST_EVERY == _TEST_EVERY - 1
    return Raw(
        Part(values[~test], labels[~test]), Part(values[test], labels[test]), (2 * len(moving),), _CLASSES
    )
