import h5py
import numpy as np
import pytest

from models.datasets import load
from spikefront.errors import DataError


def write_shd(folder, per_class=5):
    """Files as published: float16 seconds, uint16 units, both of variable length."""
    folder.mkdir(parents=True, exist_ok=True)
    for side in ("train", "test"):
        with h5py.File(folder / f"shd_{side}.h5", "w") as file:
            count = 20 * per_class
            floats, units = h5py.vlen_dtype(np.float16), h5py.vlen_dtype(np.uint16)
            times = file.create_dataset("spikes/times", (count,), dtype=floats)
            sites = file.create_dataset("spikes/units", (count,), dtype=units)
            for row in range(count):
                times[row] = np.array([0.5, 0.25], np.float16)
                sites[row] = np.array([row % 20, 699], np.uint16)
            file["labels"] = np.arange(count, dtype=np.uint16) % 20


def test_the_published_layout(tmp_path):
    write_shd(tmp_path / "SHD")
    splits = load("shd", tmp_path)
    assert splits.shape == (700,)
    assert splits.classes == 20
    assert splits.test.inputs.time_us[:4].tolist() == [250_000, 500_000] * 2
    assert splits.test.inputs.address[:4].tolist() == [699, 0, 699, 1]
    assert splits.test.labels[:3].tolist() == [0, 1, 2]


def test_channels_may_be_joined(tmp_path):
    write_shd(tmp_path)
    splits = load("shd", tmp_path, options={"downsample": 5})
    assert splits.shape == (140,)
    assert splits.test.inputs.address[:2].tolist() == [139, 0]


def test_what_is_no_such_file_is_named(tmp_path):
    write_shd(tmp_path)
    (tmp_path / "shd_test.h5").write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"shd_test\.h5 cannot be read as an SHD file"):
        load("shd", tmp_path)
    (tmp_path / "shd_train.h5").unlink()
    with pytest.raises(DataError, match=r"shd_train\.h5 of SHD was not found .*shd_train\.h5\.zip has md5"):
        load("shd", tmp_path)
