import numpy as np
import pytest
import torch

from models.batches import encode_splits, epoch_batches
from models.encoders import ENCODINGS, Code
from spikefront.errors import SpecError

COUNT, WIDTH = 23, 10


def data_of(encoding, time_steps=200):
    rng = np.random.default_rng(0)
    images = rng.random((COUNT, WIDTH), dtype=np.float32)
    images[:, [2, 7]] = 0
    images[:, 0] = np.arange(COUNT) / 100 + 0.5  # tells which sample a row is
    labels = np.arange(COUNT, dtype=np.int64)
    return encode_splits((images, labels), (images[:4], labels[:4]), Code(encoding, time_steps), 1)


@pytest.mark.parametrize("encoding", ENCODINGS)
class TestEveryEncoding:
    def test_an_epoch_has_every_sample_once(self, encoding):
        batches = list(epoch_batches(data_of(encoding), 5, seed=0, epoch=0))
        assert [len(batch.labels) for batch in batches] == [5, 5, 5, 5, 3]
        assert sorted(torch.cat([batch.labels for batch in batches]).tolist()) == list(range(COUNT))

    def test_inputs_that_are_always_zero_are_left_out(self, encoding):
        for batch in epoch_batches(data_of(encoding), 5, seed=0, epoch=0):
            assert batch.columns.tolist() == [0, 1, 3, 4, 5, 6, 8, 9]
            assert batch.inputs.shape[-1] == 8
            assert batch.inputs.dtype == torch.float32

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
        expected = data.images[batch.labels.numpy()][:, batch.columns.numpy()]
        assert np.abs(batch.inputs.mean(0).numpy() - expected).max() < 5 * 0.5 / np.sqrt(4000)


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
