"""What holds for every data set, and how they are found."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from models.datasets import DATASETS, load
from spikefront.errors import DataError

FROM_FILES = ("mnist", "fashion-mnist")


@pytest.fixture(scope="module", params=sorted(DATASETS))
def named_splits(request):
    """Every data set, as far as its files are here."""
    root = os.environ.get("SPIKEFRONT_DATA")
    if request.param in FROM_FILES and not root:
        pytest.skip(f"SPIKEFRONT_DATA is not set, so there are no files of {request.param}")
    return request.param, root, load(request.param, root, max_train=1000, seed=3)


class TestEveryDataset:
    def test_images_are_flat_and_in_range(self, named_splits):
        _, _, splits = named_splits
        for part in (splits.train, splits.validation, splits.test):
            assert part.images.dtype == np.float32
            assert part.images.shape == (len(part), int(np.prod(splits.shape)))
            assert part.images.min() == 0.0
            assert part.images.max() == 1.0

    def test_every_part_holds_every_class(self, named_splits):
        _, _, splits = named_splits
        for part in (splits.train, splits.validation, splits.test):
            assert part.labels.dtype == np.int64
            assert set(part.labels) == set(range(splits.classes))
        assert np.bincount(splits.train.labels).std() < 0.2 * len(splits.train) / splits.classes

    def test_validation_does_not_depend_on_the_training_subset(self, named_splits):
        name, root, splits = named_splits
        other = load(name, root, max_train=100, seed=3)
        assert len(other.train) == 100
        assert np.array_equal(other.validation.images, splits.validation.images)
        assert np.array_equal(other.test.images, splits.test.images)

    def test_the_seed_moves_validation_but_never_test(self, named_splits):
        name, root, splits = named_splits
        other = load(name, root, max_train=1000, seed=4)
        assert not np.array_equal(other.validation.images, splits.validation.images)
        assert np.array_equal(other.test.images, splits.test.images)

    def test_no_sample_is_in_two_parts(self, named_splits):
        name, root, _ = named_splits
        splits = load(name, root)
        raw = DATASETS[name].read(None if root is None else Path(root))
        assert len(splits.train) + len(splits.validation) == len(raw.search)
        assert np.array_equal(splits.test.labels, raw.test.labels)


def test_digits_are_all_there():
    splits = load("digits")
    assert len(splits.train) + len(splits.validation) + len(splits.test) == 1797
    assert len(splits.test) == 359
    together = np.concatenate([part.images for part in (splits.train, splits.validation, splits.test)])
    from sklearn.datasets import load_digits

    whole = (load_digits().data / 16).astype(np.float32)
    assert np.array_equal(np.sort(together.sum(axis=1)), np.sort(whole.sum(axis=1)))


def test_an_unknown_name_is_told_its_neighbour():
    with pytest.raises(DataError, match="'fashon-mnist' is unknown; did you mean 'fashion-mnist'"):
        load("fashon-mnist")


def test_importing_the_data_sets_imports_neither_torch_nor_sklearn():
    program = "import sys, models.datasets; print({'torch', 'sklearn'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
