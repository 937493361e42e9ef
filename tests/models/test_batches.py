import numpy as np
import pytest
import torch

from models.batches import encode_splits, epoch_batches
from models.datasets.events import join
from models.encoders import KIND_ENCODINGS, Code
from spikefront.errors import SpecError

COUNT, WIDTH = 23, 10


def data_of(encoding, time_steps=200):
    rng = np.random.default_rng(0)
    images = rng.random((COUNT, WIDTH), dtype=np.float32)
    images[:, [2, 7]] = 0
    images[:, 0] = np.arange(COUNT) / 100 + 0.5  # tells which sample a row is
    labels = np.arange(COUNT, dtype=np.int64)
    return encode_splits((images, labels), (images[:4], labels[:4]), Code(encoding, time_steps), 1)


@pytest.mark.parametrize("encoding", KIND_ENCODINGS["images"])
class TestEveryEncoding:
    def test_an_epoch_has_every_sample_once(self, encoding):
        batches = list(epoch_batches(data_of(encoding), 5, seed=0, epoch=0))
        assert [len(batch.labels) for batch in batches] == [5, 5, 5, 5, 3]
        assert sorted(torch.cat([batch.labels for batch in batches]).tolist()) == list(range(COUNT))

    def test_inputs_that_are_always_zero_are_left_out(self, encoding):
        for batch in epoch_batches(data_of(encoding), 5, seed=0, epoch=0):
            assert batch.columns.tolist() == [0, 1, 3, 4, 5, 6, 8, 9]
            assert batch.inputs.shape[-1] == 8
            assert batch.inputs.dtype == (torch.float32 if encoding == "direct" else torch.uint8)

    def test_seed_and_epoch_alone_decide(self, encoding):
        data = data_of(encoding)
        first, again, later, other = (
            next(epoch_batches(data, 5, seed, epoch)) for seed, epoch in ((0, 0), (0, 0), (0, 1), (1, 0))
        )
        assert torch.equal(first.inputs, again.inputs)
        assert torch.equal(first.labels, again.labels)
        assert not torch.equal(first.labels, later.labels)
        assert not torch.equal(first.labels, other.labels)


def test_rates_belong_to_their_labels():
    data = data_of("rate", 4000)
    for batch in epoch_batches(data, 5, seed=0, epoch=0):
        expected = data.train[batch.labels.numpy()][:, batch.columns.numpy()]
        assert np.abs(batch.inputs.float().mean(0).numpy() - expected).max() < 5 * 0.5 / np.sqrt(4000)


def test_noise_is_fresh_in_every_epoch():
    data = data_of("rate")
    whole = [
        {int(label): batch.inputs[:, row] for batch in epoch_batches(data, COUNT, 0, epoch)
         for row, label in enumerate(batch.labels)}
        for epoch in (0, 1)
    ]  # fmt: skip
    assert not any(torch.equal(whole[0][label], whole[1][label]) for label in range(COUNT))


def test_columns_are_not_named_when_all_are_active():
    images = np.full((3, WIDTH), 0.5, np.float32)
    labels = np.zeros(3, np.int64)
    data = encode_splits((images, labels), (images, labels), Code("direct", 4), 1)
    (batch,) = epoch_batches(data, 8, seed=0, epoch=0)
    assert batch.columns is None
    assert batch.inputs.shape == (3, WIDTH)


def test_a_batch_of_blank_images_has_no_inputs():
    blank = np.zeros((3, WIDTH), np.float32)
    labels = np.zeros(3, np.int64)
    data = encode_splits((blank, labels), (blank, labels), Code("rate", 4), 1)
    (batch,) = epoch_batches(data, 8, seed=0, epoch=0)
    assert batch.inputs.shape == (4, 3, 0)


def test_training_images_outside_the_range_are_refused():
    images = np.full((3, WIDTH), 2.0, np.float32)
    labels = np.zeros(3, np.int64)
    with pytest.raises(SpecError, match=r"scale them to 0\.\.1"):
        encode_splits((images, labels), (images / 2, labels), Code("rate", 4), 1)


def fixed_data_of(kind, width=29):
    """Samples without noise: event i lies at input i alone, series i rises in channel i alone."""
    labels = np.arange(COUNT, dtype=np.int64)
    if kind == "events":
        inputs = join([(np.array([10, 60]), np.array([i, i])) for i in range(COUNT)], width, 100)
    else:
        inputs = np.zeros((COUNT, 9, width), np.uint8)
        inputs[labels, 5:, labels] = 40
    few = inputs[np.arange(4)]
    return encode_splits((inputs, labels), (few, labels[:4]), Code(KIND_ENCODINGS[kind][0], 10), 1)


@pytest.mark.parametrize("kind", ["events", "series"])
class TestSamplesWithoutNoise:
    def test_spikes_belong_to_their_labels(self, kind):
        data = fixed_data_of(kind)
        seen = []
        for batch in epoch_batches(data, 5, seed=0, epoch=0):
            assert batch.inputs.dtype == torch.uint8
            inputs = torch.zeros(10, len(batch.labels), data.width, dtype=torch.uint8)
            columns = slice(None) if batch.columns is None else batch.columns
            inputs[:, :, columns] = batch.inputs
            expected = torch.from_numpy(data.train.batch(batch.labels.numpy()))  # label i is row i
            assert torch.equal(inputs, expected)
            seen += batch.labels.tolist()
        assert sorted(seen) == list(range(COUNT))

    def test_bytes_without_spikes_are_left_out(self, kind):
        data = fixed_data_of(kind)
        for batch in epoch_batches(data, 1, seed=0, epoch=0):
            byte = int(batch.labels[0]) // 8
            assert batch.columns.tolist() == list(range(8 * byte, 8 * byte + 8))

    def test_spikes_are_the_same_in_every_epoch(self, kind):
        data = fixed_data_of(kind)
        one, two = (
            {int(label): batch.inputs[:, row] for batch in epoch_batches(data, COUNT, 0, epoch)
             for row, label in enumerate(batch.labels)}
            for epoch in (0, 1)
        )  # fmt: skip
        assert all(torch.equal(one[label], two[label]) for label in range(COUNT))


def test_the_last_byte_of_inputs_may_be_partial():
    data = fixed_data_of("events")
    whole = next(epoch_batches(data, COUNT, seed=0, epoch=0))
    assert whole.columns.tolist() == list(range(24))
    labels = np.zeros(1, np.int64)
    last = join([(np.array([0]), np.array([28]))], 29, 100)
    data = encode_splits((last, labels), (last, labels), Code("events", 2), 1)
    (batch,) = epoch_batches(data, 1, seed=0, epoch=0)
    assert batch.columns.tolist() == [24, 25, 26, 27, 28]
    assert batch.inputs[0, 0].tolist() == [0, 0, 0, 0, 1]


def test_bytes_train_as_their_values_do():
    rng = np.random.default_rng(2)
    pixels = rng.integers(0, 256, (COUNT, WIDTH)).astype(np.uint8)
    labels = np.arange(COUNT, dtype=np.int64)
    values = np.divide(pixels, np.float32(255.0), dtype=np.float32)
    for encoding in KIND_ENCODINGS["images"]:
        one, two = (
            next(epoch_batches(encode_splits((kept, labels), (kept, labels), Code(encoding, 5), 1), 8, 0, 0))
            for kept in (pixels, values)
        )
        assert torch.equal(one.inputs, two.inputs)
