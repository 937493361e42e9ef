import numpy as np
import pytest

from hpo import runs
from hpo.campaign import CampaignSpec
from hpo.home import Home
from models.datasets import load
from models.encoders import Code, encode
from spikefront.errors import DataError, SpecError

LABELS = np.arange(40) % 4


def write(folder, **arrays):
    np.savez_compressed(folder / "mine.npz", **arrays)
    return load("npz", folder, options={"file": "mine.npz"})


def test_images_with_a_test_part(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (40, 3, 5, 6)).astype(np.uint8)
    splits = write(tmp_path, images=images, labels=LABELS, test_images=images[:8], test_labels=LABELS[:8])
    assert splits.kind == "images"
    assert splits.shape == (3, 5, 6)
    assert np.array_equal(splits.test.inputs, images[:8].reshape(8, -1))
    assert len(splits.train) + len(splits.validation) == 40


def test_without_a_test_part_a_fixed_fifth_is_held_out(tmp_path):
    values = np.random.default_rng(0).random((40, 6))
    splits = write(tmp_path, images=values, labels=LABELS)
    assert len(splits.test) == 8
    other = load("npz", tmp_path, seed=7, options={"file": "mine.npz"})
    assert np.array_equal(other.test.inputs, splits.test.inputs)
    assert splits.test.inputs.dtype == np.float32


def test_series(tmp_path):
    splits = write(tmp_path, series=np.random.default_rng(0).random((40, 9, 3)), labels=LABELS)
    assert (splits.kind, splits.shape) == ("series", (6,))


def test_spikes_come_back_at_their_own_number_of_steps(tmp_path):
    spikes = (np.random.default_rng(0).random((40, 7, 2, 5)) < 0.2).astype(np.uint8)
    splits = write(tmp_path, spikes=spikes, labels=LABELS, test_spikes=spikes[:6], test_labels=LABELS[:6])
    assert (splits.kind, splits.shape) == ("events", (2, 5))
    encoded = encode(splits.test.inputs, splits.test.labels, Code("events", 7), seed=0)
    assert np.array_equal(encoded.samples(), spikes[:6].reshape(6, 7, 10))


def events_arrays(**changes):
    arrays = {
        "labels": LABELS,
        "event_times_us": np.arange(80) * 10,
        "event_addresses": np.arange(80) % 18,
        "event_offsets": np.arange(41) * 2,
        "event_shape": np.array([2, 3, 3]),
        "event_duration_us": np.array(1000),
    }
    return {**arrays, **changes}


def test_events(tmp_path):
    splits = write(tmp_path, **events_arrays())
    assert (splits.kind, splits.shape, splits.test.inputs.duration_us) == ("events", (2, 3, 3), 1000)
    assert len(splits.test) == 8


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({"images": np.zeros((40, 3))}, "has no array 'labels'"),
        ({"labels": LABELS}, "has none of images, series, spikes, event_times_us where one belongs"),
        (
            {"labels": LABELS, "images": np.zeros((40, 2)), "series": np.zeros((40, 2, 2))},
            "images and series of",
        ),
        ({"labels": LABELS, "images": np.full((40, 2), 3.0)}, "neither bytes nor numbers from 0 to 1"),
        ({"labels": LABELS, "images": np.full((40, 2), np.nan)}, "neither bytes nor numbers from 0 to 1"),
        ({"labels": LABELS, "images": np.zeros((39, 2))}, "39 samples of images and 40 labels"),
        ({"labels": LABELS / 2, "images": np.zeros((40, 2))}, "labels of float64"),
        ({"labels": LABELS - 1, "images": np.zeros((40, 2))}, "labels of int64"),
        ({"labels": LABELS, "spikes": np.full((40, 2, 2), 2)}, "of 0 and 1"),
        ({"labels": LABELS, "series": np.zeros((40, 2))}, "not (N, steps, channels)"),
        (events_arrays(event_offsets=np.arange(41)), "event_offsets that do not run from 0 to that number"),
        (events_arrays(event_addresses=np.full(80, 18)), "addresses 18 to 18 where .* below 18 belong"),
        (events_arrays(event_shape=np.array([0, 3])), "not above 0"),
    ],
)
def test_unfit_arrays_are_named(tmp_path, arrays, reason):
    with pytest.raises(DataError, match=reason.replace("(", r"\(").replace(")", r"\)")):
        write(tmp_path, **arrays)


def test_test_arrays_must_fit_the_others(tmp_path):
    images = np.zeros((40, 4))
    with pytest.raises(DataError, match=r"samples of shape \(4,\) and test samples of shape \(5,\)"):
        write(tmp_path, images=images, labels=LABELS, test_images=np.zeros((2, 5)), test_labels=LABELS[:2])
    with pytest.raises(DataError, match="has no array 'test_images'"):
        write(tmp_path, images=images, labels=LABELS, test_labels=LABELS[:2])


def test_pickles_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"cannot be read as \.npz file of plain arrays"):
        write(tmp_path, labels=LABELS, images=np.array([{"code": 1}], dtype=object))


@pytest.mark.parametrize("file", ["/etc/passwd", "../mine.npz", "a/../../mine.npz"])
def test_files_outside_the_data_folder_are_refused(tmp_path, file):
    with pytest.raises(DataError, match="give a path below the data folder"):
        load("npz", tmp_path, options={"file": file})


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"needs a file; give data.file"):
        load("npz", tmp_path)
    with pytest.raises(DataError, match=r"yours\.npz of npz was not found in"):
        load("npz", tmp_path, options={"file": "yours.npz"})


def test_the_encoding_is_checked_when_the_campaign_is_created(tmp_path):
    np.savez(tmp_path / "mine.npz", series=np.random.default_rng(0).random((40, 9, 3)), labels=LABELS)
    values = {
        "name": "own",
        "data": {"set": "npz", "file": "mine.npz"},
        "space": {"beta": {"type": "float", "low": 0.5, "high": 0.9}},
        "objectives": {"accuracy": {"reference": 0.5}},
        "budget": {"trials": 3},
    }
    spec = CampaignSpec.from_mapping(values)
    store = Home(tmp_path / "home").open()
    with pytest.raises(SpecError, match=r"fixed.encoding: .* holds series, .* give 'delta'"):
        runs.create(store, spec, str(tmp_path))
    assert store.campaigns() == []
    store.close()
