"""Encoded data of a training run: fresh inputs for training, fixed ones for validation."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.encoders import Code, EncodedSet, FloatImages, check_range, encode, spikes_of


@dataclass(frozen=True, eq=False)
class EncodedSplits:
    """Training images and an encoded validation split; shared by all trials with this code.

    Training inputs are encoded batch by batch with fresh noise in every epoch: that takes about a tenth of
        the
    training time and no memory, and networks trained on it are as accurate as with stored spikes.
    """

    code: Code
    images: FloatImages
    labels: NDArray[np.int64]
    validation: EncodedSet

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, eq=False)
class Batch:
    """Training samples as ``models.network.run`` takes them.

    Attributes:
        inputs: spikes float32 (T, B, k), or values (B, k) when direct; only inputs that are not zero
            throughout.
        columns: which of the network's inputs those are, int64 (k,); None when all.
        labels: int64 (B,).
    """

    inputs: Tensor
    columns: Tensor | None
    labels: Tensor


def encode_splits(
    train: tuple[FloatImages, NDArray[np.int64]],
    validation: tuple[FloatImages, NDArray[np.int64]],
    code: Code,
    seed: int,
) -> EncodedSplits:
    """Prepare (images, labels) pairs for training; ``seed`` is that of the validation noise.

    Raises:
        SpecError: an image value outside 0..1.
    """
    check_range(train[0])
    return EncodedSplits(code, *train, encode(*validation, code, seed))


def epoch_batches(data: EncodedSplits, size: int, seed: int, epoch: int) -> Iterator[Batch]:
    """All training samples once, in an order and with noise that depend on the arguments alone."""
    order = np.random.Generator(np.random.PCG64([seed, epoch])).permutation(len(data))
    noise = np.random.SFC64([seed, epoch])
    for start in range(0, len(order), size):
        yield _batch(data, order[start : start + size], noise)


def _batch(data: EncodedSplits, rows: NDArray[np.int64], noise: np.random.SFC64) -> Batch:
    """Encode some samples, leaving out inputs that are zero in all of them (a third of MNIST's pixels)."""
    images = data.images[rows]
    columns = np.flatnonzero(images.any(axis=0))
    images = images.take(columns, axis=1)  # plain indexing would leave the columns strided
    inputs = images if data.code.encoding == "direct" else spikes_of(images, data.code, noise)
    return Batch(
        torch.from_numpy(inputs).to(torch.float32),
        None if len(columns) == data.images.shape[1] else torch.from_numpy(columns),
        torch.from_numpy(data.labels[rows]),
    )
