"""AEDAT files, DVS128-Gesture and CIFAR10-DVS, all written here in the official formats."""

import struct

import numpy as np
import pytest

from models.datasets import load
from models.datasets.aedat import parse_aedat2, parse_aedat31
from models.datasets.cifar10_dvs import CLASSES
from spikefront.errors import DataError

HEAD2 = b"#!AER-DAT2.0\r\n# This is a raw AE data file\r\n"
HEAD31 = b"#!AER-DAT3.1\r\n#Format: RAW\r\n#Source 1: DVS128\r\n#!END-HEADER\r\n"


def aedat2(events):
    """Events (time, x, y, polarity)."""
    words = [struct.pack(">II", y << 8 | x << 1 | (1 - p), t) for t, x, y, p in events]
    return HEAD2 + b"".join(words)


def packet(events, kind=1, overflow=0, valid=True):
    words = [struct.pack("<II", x << 17 | y << 2 | p << 1 | valid, t) for t, x, y, p in events]
    count = len(events)
    return struct.pack("<hhiiiiii", kind, 1, 8, 4, overflow, count, count, count) + b"".join(words)


EVENTS = [(10, 1, 2, 1), (20, 127, 0, 0), (2_000_000, 64, 127, 1)]


def assert_events(found, expected):
    fields = np.array(expected).T
    for array, field in zip((found.time_us, found.x, found.y, found.polarity), fields, strict=True):
        assert array.tolist() == field.tolist()


def test_version_2():
    assert_events(parse_aedat2(aedat2(EVENTS)), EVENTS)


def test_special_events_of_version_2_are_left_out():
    special = struct.pack(">II", 0x8000, 15)
    content = aedat2(EVENTS[:1]) + special + aedat2(EVENTS[1:])[len(HEAD2) :]
    assert_events(parse_aedat2(content), EVENTS)


def test_version_31_packet_by_packet():
    other = packet([(5, 0, 0, 0)], kind=0)
    content = HEAD31 + packet(EVENTS[:2]) + other + packet(EVENTS[2:]) + packet([(9, 9, 9, 1)], valid=False)
    assert_events(parse_aedat31(content), EVENTS)


def test_the_clock_of_version_31_overflows():
    events = parse_aedat31(HEAD31 + packet([(7, 1, 1, 1)], overflow=1))
    assert events.time_us.tolist() == [2**31 + 7]


@pytest.mark.parametrize(
    ("parse", "content", "reason"),
    [
        (parse_aedat2, HEAD31, "does not start with #!AER-DAT2"),
        (parse_aedat2, aedat2(EVENTS)[:-3], "no multiple of 8"),
        (parse_aedat31, HEAD2, "text lines of AEDAT 3.1"),
        (parse_aedat31, HEAD31 + packet(EVENTS)[:20], "header of a packet"),
        (parse_aedat31, HEAD31 + packet(EVENTS)[:-4], "within a packet of 3 events of 8 bytes"),
    ],
)
def test_damaged_files(parse, content, reason):
    with pytest.raises(ValueError, match=reason):
        parse(content)


def write_gestures(folder):
    """Two users; gesture g of each has events in column g alone, 0.1 s after its start."""
    folder.mkdir(parents=True, exist_ok=True)
    for side, users in (("train", ("user01", "user02")), ("test", ("user24",))):
        names = [f"{user}_led" for user in users]
        (folder / f"trials_to_{side}.txt").write_text("".join(f"{name}.aedat\n" for name in names))
        for name in names:
            starts = [1_000_000 * (1 + label) for label in range(11)]
            events = [(start + 100_000, label, 5, 1) for label, start in enumerate(starts)]
            late = [(start + 900_000, 100, 100, 0) for start in starts]  # behind the gesture's end
            (folder / f"{name}.aedat").write_bytes(HEAD31 + packet(sorted(events + late)))
            rows = [f"{label + 1},{start},{start + 800_000}" for label, start in enumerate(starts)]
            table = "class,startTime_usec,endTime_usec\n" + "\n".join(rows) + "\n"
            (folder / f"{name}_labels.csv").write_text(table)


def test_gestures_are_cut_out_of_the_recordings(tmp_path):
    write_gestures(tmp_path / "DvsGesture")
    splits = load("dvs128-gesture", tmp_path, validation_fraction=0.5)
    assert splits.shape == (2, 128, 128)
    assert splits.classes == 11
    assert splits.test.labels.tolist() == list(range(11))
    assert splits.test.inputs.time_us.tolist() == [100_000] * 11
    assert splits.test.inputs.address.tolist() == [128 * 128 + 5 * 128 + label for label in range(11)]
    assert len(splits.train) == len(splits.validation) == 11


def test_gestures_as_tonic_keeps_them(tmp_path):
    for side in ("Train", "Test"):
        for user in ("user01_led", "user02_led"):
            place = tmp_path / "DVSGesture" / f"ibmGesture{side}" / user
            place.mkdir(parents=True)
            for label in range(11):
                np.save(place / f"{label}.npy", np.array([[label, 5, 1, 3000.5], [3, 4, 0, 3001.75]]))
    splits = load("dvs128-gesture", tmp_path, validation_fraction=0.5, options={"downsample": 4})
    assert splits.shape == (2, 32, 32)
    assert sorted(splits.test.labels) == sorted(list(range(11)) * 2)
    assert splits.test.inputs.time_us.tolist() == [0, 1250] * 22
    first = splits.test.inputs.address[::2].astype(int) - 32 * 32
    assert np.array_equal(first, 32 + splits.test.labels // 4)


def test_a_damaged_table_of_gestures_is_named(tmp_path):
    write_gestures(tmp_path)
    (tmp_path / "user02_led_labels.csv").write_text("class,start\n1,2\n")
    with pytest.raises(DataError, match=r"user02_led\.aedat or its table is damaged"):
        load("dvs128-gesture", tmp_path)


def test_cifar10_dvs_folders(tmp_path):
    for label, name in enumerate(CLASSES):
        place = tmp_path / "CIFAR10DVS" / name
        place.mkdir(parents=True)
        for number in range(10):
            events = [(500 + number, label, 3, 1), (600 + number, 7, 7, 0)]
            (place / f"cifar10_{name}_{number}.aedat").write_bytes(aedat2(events))
    splits = load("cifar10-dvs", tmp_path)
    assert (len(splits.train), len(splits.validation), len(splits.test)) == (72, 18, 10)
    assert splits.test.inputs.time_us.tolist() == [0, 100] * 10
    expected = 128 * 128 + 3 * 128 + splits.test.labels
    assert np.array_equal(splits.test.inputs.address[::2], expected)


def test_a_missing_class_is_named(tmp_path):
    (tmp_path / "airplane").mkdir()
    with pytest.raises(DataError, match=r"automobile of CIFAR10-DVS was not found in .* figshare"):
        load("cifar10-dvs", tmp_path)
