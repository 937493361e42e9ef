import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from small_sets import event, write_nmnist

from models.datasets import load
from models.datasets.nmnist import parse_events
from spikefront.errors import DataError


def test_five_bytes_are_one_event():
    recording = parse_events(event(33, 1, 1, 0x123456) + event(2, 33, 0, 7), 4)
    assert recording.time_us.tolist() == [0x123456, 7]
    assert recording.site.tolist() == [1 * 34 + 33, 33 * 34 + 2]
    assert recording.polarity.tolist() == [1, 0]
    assert recording.label == 4


def test_overflow_events_move_the_clock_on():
    content = event(0, 0, 1, 8000) + event(0, 240, 0, 0) + event(1, 0, 1, 10) + event(0, 240, 0, 0)
    recording = parse_events(content + event(2, 0, 1, 20), 0)
    assert recording.time_us.tolist() == [8000, 8192 + 10, 2 * 8192 + 20]
    assert recording.site.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("content", "reason"), [(b"1234", "4 bytes"), (event(34, 0, 0, 0), "outside the 34x34")]
)
def test_damaged_recordings(content, reason):
    with pytest.raises(ValueError, match=reason):
        parse_events(content, 0)


@pytest.mark.parametrize("packed", [False, True])
def test_the_official_layout(tmp_path, packed):
    write_nmnist(tmp_path / "NMNIST")
    if packed:
        for side in ("Train", "Test"):
            with zipfile.ZipFile(tmp_path / f"{side}.zip", "w") as archive:
                for path in sorted((tmp_path / "NMNIST" / side).rglob("*.bin")):
                    archive.write(path, path.relative_to(tmp_path / "NMNIST"))
        (tmp_path / "NMNIST").rename(tmp_path / "elsewhere")
    splits = load("nmnist", tmp_path)
    assert splits.shape == (2, 34, 34)
    assert (len(splits.train), len(splits.validation), len(splits.test)) == (40, 10, 50)
    addresses = splits.test.inputs.address.reshape(50, 3).astype(int)
    assert np.array_equal(addresses % 34, np.repeat(splits.test.labels[:, None], 3, axis=1))
    assert (splits.train.inputs.address >= 34 * 34).all()  # ON events have the second half


def test_options_reach_the_recordings(tmp_path):
    write_nmnist(tmp_path)
    options = {"polarity": "merge", "downsample": 2, "duration_ms": 2}
    splits = load("nmnist", tmp_path, options=options)
    assert splits.shape == (17, 17)
    assert splits.test.inputs.duration_us == 2000
    assert splits.test.inputs.time_us.max() < 2000


def test_missing_and_damaged_files_are_named(tmp_path):
    with pytest.raises(DataError, match=r"Train or Train\.zip of N-MNIST .* md5 20959b8e"):
        load("nmnist", tmp_path)
    write_nmnist(tmp_path)
    (tmp_path / "Train" / "7" / "00002.bin").write_bytes(b"123")
    with pytest.raises(DataError, match=r"Train/7/00002\.bin in .* is damaged: it has 3 bytes"):
        load("nmnist", tmp_path)


def test_untouched_official_recordings():
    root = os.environ.get("SPIKEFRONT_DATA")
    path = Path(root or "") / "NMNIST_subset" / "NMNIST_official_ones.zip"
    if not root or not path.is_file():
        pytest.skip("SPIKEFRONT_DATA names no folder with NMNIST_subset/NMNIST_official_ones.zip")
    with zipfile.ZipFile(path) as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".bin"))
        recordings = [parse_events(archive.read(name), 1) for name in names]
    assert len(recordings) == 345
    for recording in recordings:
        assert (np.diff(recording.time_us) >= 0).all()
        assert 290_000 < recording.time_us[-1] < 320_000
        assert 0.2 < recording.polarity.mean() < 0.8


def test_the_subset_has_no_polarity():
    root = os.environ.get("SPIKEFRONT_DATA")
    if not root or not (Path(root) / "NMNIST_subset").is_dir():
        pytest.skip("SPIKEFRONT_DATA names no folder with NMNIST_subset")
    splits = load("nmnist-subset", root)
    assert splits.shape == (34, 34)
    assert len(splits.train) + len(splits.validation) == 1899
    assert len(splits.test) == 479
    counts = np.bincount(np.concatenate([p.labels for p in (splits.train, splits.validation, splits.test)]))
    assert counts.tolist() == [195, 265, 244, 252, 234, 218, 249, 241, 228, 252]
    with pytest.raises(DataError, match="no option 'polarity': it takes downsample, denoise_us, duration_ms"):
        load("nmnist-subset", root, options={"polarity": "merge"})
