"""What holds for every data set, and how they are found."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from models.datasets import DATASETS, find, load
from models.datasets.samples import unit_values
from models.datasets.splits import split
from models.encoders import KIND_ENCODINGS, Code, encode, input_width
from spikefront.errors import DataError


@pytest.fixture(scope="module", params=sorted(DATASETS.keys() - {"npz"}))  # npz: tests of its own
def dataset(request):
    """Every data set whose files are here, with what it reads and a split of that."""
    root = os.environ.get("SPIKEFRONT_DATA")
    found = find(request.param)
    try:
        raw = found.read(None if root is None else Path(root))
    except DataError as error:
        if "was not found" not in str(error) and "no data folder was named" not in str(error):
            raise
        pytest.skip(f"the files of {request.param} are not here")
    return found, raw, split(raw, 500, 0.2, 3)


class TestEveryDataset:
    def test_inputs_are_what_the_kind_says(self, dataset):
        found, _, splits = dataset
        assert splits.kind == found.kind
        for part in (splits.train, splits.validation, splits.test):
            assert part.kind == splits.kind
            assert len(part.inputs) == len(part.labels) == len(part)
            assert input_width(part.inputs) == splits.width == int(np.prod(splits.shape))

    def test_values_fill_their_range(self, dataset):
        _, _, splits = dataset
        for part in (splits.train, splits.validation, splits.test):
            if splits.kind == "events":
                assert part.inputs.time_us.max() < part.inputs.duration_us
                assert part.inputs.address.max() < splits.width
                assert np.diff(part.inputs.offsets).min() > 0  # no sample without an event
            else:
                values = unit_values(part.inputs)
                assert values.dtype == np.float32
                assert 0.0 <= values.min() < 0.05
                assert 0.75 < values.max() <= 1.0

    def test_every_encoding_of_the_kind_gives_spikes(self, dataset):
        _, _, splits = dataset
        few = splits.validation.take(np.linspace(0, len(splits.validation) - 1, 8).astype(int))
        for encoding in KIND_ENCODINGS[splits.kind]:
            inputs = encode(few.inputs, few.labels, Code(encoding, 10, 0.05), seed=1).samples()
            assert inputs.shape in {(8, 10, splits.width), (8, splits.width)}
            assert 0.0 < inputs.mean() < 1.0

    def test_every_part_holds_every_class(self, dataset):
        _, _, splits = dataset
        for part in (splits.train, splits.validation, splits.test):
            assert part.labels.dtype == np.int64
            assert set(part.labels) == set(range(splits.classes))

    def test_the_training_subset_keeps_the_shares_of_the_classes(self, dataset):
        _, raw, splits = dataset
        whole = split(raw, None, 0.2, 3)
        assert len(whole.train) + len(whole.validation) == len(raw.search)
        shares = np.bincount(whole.train.labels) * len(splits.train) / len(whole.train)
        assert np.abs(np.bincount(splits.train.labels) - shares).max() < 1
        assert np.isin(splits.train_rows, whole.train_rows).all()

    def test_validation_does_not_depend_on_the_training_subset(self, dataset):
        _, raw, splits = dataset
        other = split(raw, 100, 0.2, 3)
        assert len(other.train) == 100
        assert np.array_equal(other.validation_rows, splits.validation_rows)
        assert np.array_equal(other.validation.labels, splits.validation.labels)
        assert other.fingerprint != splits.fingerprint

    def test_the_seed_moves_validation_but_never_test(self, dataset):
        _, raw, splits = dataset
        other = split(raw, 500, 0.2, 4)
        assert not np.array_equal(other.validation_rows, splits.validation_rows)
        assert np.array_equal(other.test.labels, splits.test.labels)

    def test_equal_arguments_give_equal_fingerprints(self, dataset):
        found, _, splits = dataset
        root = os.environ.get("SPIKEFRONT_DATA")
        again = load(found.name, root, max_train=500, validation_fraction=0.2, seed=3)
        assert again.fingerprint == splits.fingerprint

    def test_no_sample_is_in_two_parts(self, dataset):
        _, _, splits = dataset
        assert not np.isin(splits.train_rows, splits.validation_rows).any()


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
