"""Running a network in floating point on a fixed split."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.encoders import EncodedSet
from models.folding import plain_stages
from models.losses import Output
from models.network import Pass, Stage, run
from models.parameters import Network
from models.specification import NetworkSpec, Readout

_BATCH = 256
_ELEMENTS = 1 << 23  # spikes of the largest layer at once: 32 MiB


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What a network does on a split.

    Attributes:
        predicted: class that the readout finds per sample, the lowest on ties, int64 (N,).
        accuracy: share of right predictions.
        layer_spikes: spikes per sample and layer, behind its pooling, int64 (N, L).
    """

    predicted: NDArray[np.int64]
    accuracy: float
    layer_spikes: NDArray[np.int64]


def evaluate(network: Network, data: EncodedSet) -> Evaluation:
    """Run a network as it would be used (normalisation folded in, rounded if trained so) on a split."""
    return evaluate_stages(plain_stages(network), network.spec, data)


def evaluate_stages(stages: Sequence[Stage], spec: NetworkSpec, data: EncodedSet) -> Evaluation:
    """Run layers without normalisation on a split."""
    first = stages[0].weight
    predicted, layer_spikes = [], []
    size = batch_size(spec)
    with torch.inference_mode():
        for start in range(0, len(data), size):
            inputs = torch.from_numpy(data.batch(slice(start, start + size))).to(first.device)
            activity = run(stages, inputs, Pass(spec.time_steps, spec.population))
            predicted.append(predictions(activity.output, spec.readout).numpy(force=True))
            layer_spikes.append(activity.layer_spikes.numpy(force=True))
    guesses = np.concatenate(predicted)
    return Evaluation(guesses, float((guesses == data.labels).mean()), np.concatenate(layer_spikes))


def predictions(output: Output, readout: Readout) -> Tensor:
    """The class that a readout finds, the lowest on ties, int64 (B,)."""
    if readout == "count":
        return output.counts.argmax(dim=1)
    if readout == "first_spike":
        # silence is later than a spike in the last step
        fired = output.spikes_by_class.amax(0) > 0
        return torch.where(fired, output.first_spike, len(output.spikes)).argmin(dim=1)
    return output.highest_membrane.argmax(dim=1)


def batch_size(spec: NetworkSpec) -> int:
    """Samples to run at once, so that a layer's spikes fit into some tens of MiB."""
    largest = max(int(np.prod(layer.neurons_shape)) for layer in spec.layers)
    return max(1, min(_BATCH, _ELEMENTS // (spec.time_steps * largest)))
