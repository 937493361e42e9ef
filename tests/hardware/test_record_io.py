import dataclasses
import json

import numpy as np
import pytest

from hardware.network import Convolution, TrainedLayer, TrainedNetwork
from hardware.record_io import NetworkRecord, load_record, save_record
from spikefront.errors import DataError


@pytest.fixture
def record():
    rng = np.random.default_rng(0)
    layers = (
        TrainedLayer(rng.normal(size=(6, 9)), 0.9, 1.0, "zero", blank_after_spike=True),
        TrainedLayer(
            rng.normal(size=(4, 6)),
            0.5,
            2.0,
            "fixed",
            alpha=0.25,
            bias=rng.normal(size=4),
            refractory_steps=2,
            reset_value=-0.5,
            recurrent=rng.normal(size=(4, 4)),
        ),
    )
    inputs = rng.integers(0, 2, (5, 3, 9)).astype(np.uint8)
    return NetworkRecord(TrainedNetwork(layers, 3, "latency"), inputs, rng.integers(0, 4, 5))


def test_what_was_saved_is_loaded(record, tmp_path):
    path = tmp_path / "net.npz"
    save_record(path, record)
    found = load_record(path)
    assert (found.network.time_steps, found.network.encoding) == (3, "latency")
    assert np.array_equal(found.inputs, record.inputs)
    assert found.inputs.dtype == np.uint8
    assert np.array_equal(found.labels, record.labels)
    for a, b in zip(found.network.layers, record.network.layers, strict=True):
        assert np.array_equal(a.weight, b.weight)
        for field in dataclasses.fields(TrainedLayer):
            assert np.array_equal(getattr(a, field.name), getattr(b, field.name)), field.name
    assert [p.name for p in tmp_path.iterdir()] == ["net.npz"]


def test_a_record_of_an_earlier_version_is_loaded(record, tmp_path):
    """Its layers have five fields, and its network three."""
    path = tmp_path / "net.npz"
    layers = [{"beta": 0.5, "threshold": 1.0, "reset": "zero", "blank_after_spike": True}]
    header = {"format": "spikefront-network", "version": 1, "time_steps": 3, "encoding": "rate"}
    arrays = {"weight0": np.ones((2, 9)), "inputs": record.inputs, "labels": record.labels}
    np.savez(path, header=np.array(json.dumps({**header, "layers": layers})), **arrays)
    network = load_record(path).network
    assert network.layers[0].rest == 1
    assert network.layers[0].alpha is None
    assert network.layers[0].bias is None


def test_a_convolutional_network_is_loaded(tmp_path):
    shape = Convolution((2, 4, 5), 3, stride=2, padding=1, pool=1)
    layers = (
        TrainedLayer(np.ones((3, 2, 3, 3)), 0.9, 1.0, "zero", bias=np.arange(3.0), convolution=shape),
        TrainedLayer(np.ones((4, 18)), 0.9, 1.0, "zero"),
    )
    network = TrainedNetwork(layers, 2, "rate", "first_spike", population=2)
    path = tmp_path / "net.npz"
    save_record(path, NetworkRecord(network, np.ones((1, 2, 40), dtype=np.uint8), np.zeros(1, dtype=int)))
    found = load_record(path).network
    assert found.layers[0].convolution == shape
    assert found.sizes == (40, 18, 4)
    assert (found.readout, found.population) == ("first_spike", 2)
    assert found.layers[0].weight.shape == (3, 2, 3, 3)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match="no network record at"):
        load_record(tmp_path / "none.npz")


@pytest.mark.parametrize("keep", [0, 1, 10, 100, 0.5, 0.9])
def test_a_truncated_file_is_damaged(record, tmp_path, keep):
    path = tmp_path / "net.npz"
    save_record(path, record)
    content = path.read_bytes()
    path.write_bytes(content[: int(keep * len(content)) if isinstance(keep, float) else keep])
    with pytest.raises(DataError, match="damaged"):
        load_record(path)


def test_flipped_bytes_never_give_another_network(record, tmp_path):
    path = tmp_path / "net.npz"
    save_record(path, record)
    content = path.read_bytes()
    rng = np.random.default_rng(1)
    for position in rng.integers(0, len(content), 60):
        changed = bytearray(content)
        changed[position] ^= 0x55
        path.write_bytes(bytes(changed))
        try:
            found = load_record(path)
        except DataError:
            continue
        assert np.array_equal(found.network.layers[0].weight, record.network.layers[0].weight)
        assert np.array_equal(found.inputs, record.inputs)


@pytest.mark.parametrize(
    "content",
    [
        {"x": np.zeros(2)},
        {"header": np.array("{}")},
        {"header": np.array("not json")},
        {"header": np.array('{"format": "spikefront-network", "version": 99}')},
        {"header": np.array({"a": 1}, dtype=object)},
    ],
)
def test_a_file_of_another_kind_is_refused(content, tmp_path):
    path = tmp_path / "net.npz"
    np.savez(path, allow_pickle=True, **content)
    with pytest.raises(DataError, match="damaged"):
        load_record(path)


def test_a_network_that_makes_no_sense_is_refused(record, tmp_path):
    path = tmp_path / "net.npz"
    bad = TrainedNetwork((TrainedLayer(np.full((2, 9), np.nan), 0.5, 1.0, "zero"),), 3, "rate")
    save_record(path, NetworkRecord(bad, record.inputs, record.labels))
    with pytest.raises(DataError, match="holds no valid network: Layer 0"):
        load_record(path)
    save_record(path, NetworkRecord(record.network, record.inputs, record.labels[:2]))
    with pytest.raises(DataError, match="do not fit the network"):
        load_record(path)


def test_a_place_that_cannot_be_written_is_named(record, tmp_path):
    with pytest.raises(DataError, match="cannot be written"):
        save_record(tmp_path / "none" / "net.npz", record)
