import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest
from idx_files import NAMES, small_arrays, write_source

from models.datasets import load
from models.datasets.mnist import FASHION_MNIST, MNIST, read_mnist
from spikefront.errors import DataError


@pytest.mark.parametrize("place", ["Small/raw", "raw", "."])
@pytest.mark.parametrize("compressed", [True, False])
def test_files_are_found_in_the_usual_places(tmp_path, place, compressed):
    arrays = small_arrays()
    root = tmp_path / "data"
    source = write_source(root / place, arrays, compressed)
    raw = read_mnist(source, root)
    assert raw.shape == (4, 3)
    assert np.allclose(raw.search.images * 255, arrays[0].reshape(50, 12), atol=1e-4)
    assert np.array_equal(raw.test.labels, arrays[3])
    assert raw.search.images.dtype == np.float32


def test_a_missing_file_is_named_with_places_checksum_and_remedy(tmp_path):
    source = write_source(tmp_path / "raw", small_arrays())
    (tmp_path / "raw" / f"{NAMES[1]}.gz").unlink()
    with pytest.raises(DataError) as error:
        read_mnist(source, tmp_path)
    sentence = str(error.value)
    assert (
        f"{NAMES[1]}.gz or {NAMES[1]} of Small was not found in {tmp_path}/Small/raw, {tmp_path}/raw,"
        in sentence
    )
    assert f"sha256 {source.files[1].sha256}" in sentence
    assert "example.org/small" in sentence


def test_one_changed_bit_is_noticed(tmp_path):
    source = write_source(tmp_path / "raw", small_arrays())
    path = tmp_path / "raw" / f"{NAMES[0]}.gz"
    content = bytearray(path.read_bytes())
    content[40] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=f"{NAMES[0]}.gz is damaged or of another data set: its sha256 is"):
        read_mnist(source, tmp_path)


def test_a_cut_plain_file_is_noticed(tmp_path):
    source = write_source(tmp_path / "raw", small_arrays(), compressed=False)
    path = tmp_path / "raw" / NAMES[2]
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match=f"{NAMES[2]} is damaged: it holds 239 bytes .* announces 240; get"):
        read_mnist(source, tmp_path)


@pytest.mark.parametrize("change", ["fewer", "other"])
def test_plain_files_that_do_not_fit_each_other(tmp_path, change):
    arrays = small_arrays()
    if change == "fewer":
        arrays[1] = arrays[1][:-1]
    else:
        arrays[1][3] = 10
    source = write_source(tmp_path / "raw", arrays, compressed=False)
    source = dataclasses.replace(source, train_count=50)
    with pytest.raises(DataError, match="where 50 of each and labels up to 9 belong"):
        read_mnist(source, tmp_path)


def test_a_folder_must_be_named():
    with pytest.raises(DataError, match="pass --data or set SPIKEFRONT_DATA"):
        load("mnist")


@pytest.mark.parametrize("source", [MNIST, FASHION_MNIST], ids=lambda source: source.folder)
def test_the_official_files(source):
    root = os.environ.get("SPIKEFRONT_DATA")
    if not root or not (Path(root) / source.folder / "raw").is_dir():
        pytest.skip(f"SPIKEFRONT_DATA names no folder with {source.folder}/raw")
    raw = read_mnist(source, Path(root))
    assert raw.search.images.shape == (60_000, 784)
    assert raw.test.images.shape == (10_000, 784)
    assert raw.shape == (28, 28)
    counts = np.bincount(raw.search.labels)
    if source is MNIST:
        assert counts.tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    else:
        assert set(counts) == {6000}
