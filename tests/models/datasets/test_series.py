import os
from pathlib import Path

import numpy as np
import pytest
from small_sets import write_braille

from models.datasets import load
from spikefront.errors import DataError


def test_braille_recordings_become_series_of_one_length(tmp_path):
    write_braille(tmp_path / "Braille")
    splits = load("braille", tmp_path, validation_fraction=0.25)
    assert splits.kind == "series"
    assert splits.shape == (6,)  # three changing elements, up and down
    assert len(splits.test) == 27
    assert splits.test.inputs.shape == (27, 4, 3)
    assert splits.test.inputs[5, :, 2].tolist() == [0, 120, 120, 120]
    assert len(splits.train) + len(splits.validation) == 4 * 27


def test_a_file_without_an_array_is_named(tmp_path):
    np.savez(tmp_path / "braille_letters.npz", taxel_data=np.zeros((3, 3), np.uint8))
    with pytest.raises(DataError, match=r"braille_letters\.npz has no array 'offsets' but taxel_data"):
        load("braille", tmp_path)


def test_real_braille():
    root = os.environ.get("SPIKEFRONT_DATA")
    if not root or not (Path(root) / "Braille").is_dir():
        pytest.skip("SPIKEFRONT_DATA names no folder with Braille")
    splits = load("braille", root)
    assert splits.shape == (8,)
    assert set(np.bincount(splits.test.labels)) == {10}
    assert len(splits.train) + len(splits.validation) == 27 * 40
