"""CIFAR-10 and SVHN: files written here in the official formats, and the real subsets."""

import os
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from models.datasets import cifar10, load
from spikefront.errors import DataError

BATCHES = [f"data_batch_{number}.bin" for number in range(1, 6)] + ["test_batch.bin"]


def write_cifar(folder, records, monkeypatch):
    """Six batches of some records; record r of batch b is of class r % 10 and has a red of b."""
    monkeypatch.setattr(cifar10, "_RECORDS", records)
    folder.mkdir(parents=True)
    for number, name in enumerate(BATCHES):
        content = np.zeros((records, 3073), np.uint8)
        content[:, 0] = np.arange(records) % 10
        content[:, 1:1025] = number
        content[:, 1025:2049] = 100
        content[:, 2049 + 33] = 255  # blue at row 1, column 1
        (folder / name).write_bytes(content.tobytes())


@pytest.mark.parametrize("packed", [False, True])
def test_cifar_in_its_binary_version(tmp_path, monkeypatch, packed):
    write_cifar(tmp_path / "CIFAR10" / "cifar-10-batches-bin", 20, monkeypatch)
    if packed:
        with tarfile.open(tmp_path / "cifar-10-binary.tar.gz", "w:gz") as archive:
            archive.add(tmp_path / "CIFAR10" / "cifar-10-batches-bin", "cifar-10-batches-bin")
        (tmp_path / "CIFAR10").rename(tmp_path / "elsewhere")
    splits = load("cifar10", tmp_path)
    assert (len(splits.train), len(splits.validation), len(splits.test)) == (80, 20, 20)
    assert splits.shape == (3, 32, 32)
    image = splits.test.images[7].reshape(splits.shape)
    assert splits.test.labels[7] == 7
    assert np.allclose(image[0] * 255, 5)
    assert np.allclose(image[1] * 255, 100, atol=1e-4)
    assert np.argwhere(image[2]).tolist() == [[1, 1]]
    assert image[2, 1, 1] == 1.0


def test_cifar_pickles_are_not_read(tmp_path):
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    for name in ("data_batch_1", "test_batch"):
        (folder / name).write_bytes(pickle.dumps({b"data": np.zeros((2, 3072)), b"labels": [0, 1]}))
    with pytest.raises(DataError, match=r"cifar-10-binary\.tar\.gz of CIFAR-10 was not found .*md5 c32a1d4"):
        load("cifar10", tmp_path)


def test_cut_cifar_files_are_noticed(tmp_path, monkeypatch):
    folder = tmp_path / "cifar-10-batches-bin"
    write_cifar(folder, 20, monkeypatch)
    (folder / BATCHES[2]).write_bytes(b"123")
    with pytest.raises(DataError, match=r"data_batch_3\.bin has 3 bytes instead of 61460"):
        load("cifar10", tmp_path)


def write_svhn(folder, count=30):
    folder.mkdir(parents=True)
    for seed, name in enumerate(("train_32x32.mat", "test_32x32.mat")):
        images = np.random.default_rng(seed).integers(0, 256, (32, 32, 3, count)).astype(np.uint8)
        labels = np.arange(count, dtype=np.uint8)[:, None] % 10 + 1
        savemat(folder / name, {"X": images, "y": labels})


@pytest.mark.parametrize("place", ["SVHN", "."])
def test_svhn_in_its_matlab_files(tmp_path, place):
    write_svhn(tmp_path / "data" / place)
    splits = load("svhn", tmp_path / "data")
    images = np.random.default_rng(1).integers(0, 256, (32, 32, 3, 30)).astype(np.uint8)
    assert np.array_equal(splits.test.inputs[4].reshape(3, 32, 32)[2, 5, 6], images[5, 6, 2, 4])
    assert splits.test.labels[:11].tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]


def test_damaged_svhn_files_are_named(tmp_path):
    write_svhn(tmp_path / "SVHN")
    (tmp_path / "SVHN" / "test_32x32.mat").write_bytes(b"no matrix" * 30)
    with pytest.raises(DataError, match=r"test_32x32\.mat cannot be read as a MATLAB 5 file"):
        load("svhn", tmp_path)
    savemat(tmp_path / "SVHN" / "test_32x32.mat", {"X": np.zeros((8, 8, 3, 2)), "y": np.ones((2, 1))})
    with pytest.raises(DataError, match=r"bytes \(32, 32, 3, N\) belong"):
        load("svhn", tmp_path)


def real(folder):
    root = os.environ.get("SPIKEFRONT_DATA")
    if not root or not (Path(root) / folder).is_dir():
        pytest.skip(f"SPIKEFRONT_DATA names no folder with {folder}")
    return root


def test_the_cifar_subset():
    splits = load("cifar10-subset", real("CIFAR10_subset"))
    assert (len(splits.train), len(splits.validation), len(splits.test)) == (8000, 2000, 2000)
    assert set(np.bincount(splits.train.labels)) == {800}
    planes = splits.train.inputs.reshape(-1, 3, 1024).mean(axis=(0, 2)) / 255
    assert np.allclose(planes, [0.492, 0.482, 0.445], atol=0.01)  # means published for CIFAR-10's planes


def test_svhn_mini():
    splits = load("svhn-mini", real("SVHN_mini"))
    counts = np.bincount(splits.train.labels) + np.bincount(splits.validation.labels)
    assert counts.tolist() == [32, 112, 79, 72, 55, 53, 34, 36, 43, 38]
    assert np.bincount(splits.test.labels).tolist() == [26, 94, 85, 52, 48, 31, 50, 36, 27, 37]
