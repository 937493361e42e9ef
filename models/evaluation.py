"""Running a trained network in floating point on a fixed split."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.encoders import EncodedSet
from models.network import TrainedWeights, run
from models.scan import Dynamics

_BATCH = 256


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What a network does on a split.

    Attributes:
        predicted: class with most output spikes per sample, the lowest on ties, int64 (N,).
        accuracy: share of right predictions.
        layer_spikes: spikes per sample and layer, int64 (N, L).
    """

    predicted: NDArray[np.int64]
    accuracy: float
    layer_spikes: NDArray[np.int64]


def evaluate(network: TrainedWeights, data: EncodedSet) -> Evaluation:
    """Run a trained network (float32) on a split."""
    weights = [torch.from_numpy(layer.weight).to(torch.float32) for layer in network.layers]
    dynamics = [
        Dynamics(layer.beta, 1.0, layer.threshold, layer.reset, layer.blank_after_spike, torch.zeros_like)
        for layer in network.layers
    ]
    return evaluate_tensors(weights, dynamics, data)


def evaluate_tensors(weights: Sequence[Tensor], dynamics: Sequence[Dynamics], data: EncodedSet) -> Evaluation:
    """Run weights as ``models.network.run`` takes them on a split."""
    predicted, layer_spikes = [], []
    with torch.inference_mode():
        for start in range(0, len(data), _BATCH):
            inputs = torch.from_numpy(data.batch(slice(start, start + _BATCH))).to(torch.float32)
            activity = run(weights, dynamics, inputs, data.code.time_steps)
            predicted.append(activity.counts.argmax(dim=1).numpy())
            layer_spikes.append(activity.layer_spikes.numpy())
    guesses = np.concatenate(predicted)
    return Evaluation(guesses, float((guesses == data.labels).mean()), np.concatenate(layer_spikes))
