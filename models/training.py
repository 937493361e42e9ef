"""Training one network by backpropagation through time, watching for silence."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.adam import Adam
from models.batches import Batch, EncodedSplits, epoch_batches
from models.evaluation import evaluate_tensors
from models.losses import loss_named
from models.network import Activity, NetworkSpec, initial_weights, run, trained_weights
from models.records import EpochReport, Seconds, State, TrainingResult, TrainingSettings
from models.silence import SilenceWatch, worst_constraint
from spikefront.errors import SpecError

__all__ = ["EpochReport", "TrainingResult", "TrainingSettings", "train"]


def train(
    spec: NetworkSpec,
    settings: TrainingSettings,
    data: EncodedSplits,
    progress: Callable[[EpochReport], None] | None = None,
) -> TrainingResult:
    """Train a network from scratch.

    With the same arguments, thread count and library versions the resulting weights are bit-identical. No
    global random generator is read or moved.

    Args:
        spec: the network; its encoding and time steps must be those of ``data``.
        settings: how to train it.
        data: shared encoded splits, not changed.
        progress: called after every epoch; what it raises ends the training.

    Raises:
        SpecError: the network does not fit the data, or a monitored layer does not exist.
    """
    _check_fit(spec, settings, data)
    state = _Run.start(spec, settings, data)
    reports: list[EpochReport] = []
    for epoch in range(settings.epochs):
        report = state.epoch(epoch)
        if report is None:
            break
        reports.append(report)
        if progress is not None:
            progress(report)
    return state.result(tuple(reports))


@dataclass
class _Tally:
    """Sums over the samples of one epoch."""

    loss: float = 0.0
    correct: int = 0
    spikes: NDArray[np.int64] | int = 0
    samples: int = 0

    def add(self, loss: float, activity: Activity, labels: Tensor) -> None:
        size = len(labels)
        self.loss += loss * size
        self.correct += int((activity.counts.argmax(dim=1) == labels).sum())
        self.spikes = self.spikes + activity.layer_spikes.sum(dim=0).numpy()
        self.samples += size


@dataclass
class _Run:
    """Everything that moves during one training."""

    spec: NetworkSpec
    settings: TrainingSettings
    data: EncodedSplits
    weights: list[Tensor]
    adam: Adam
    watch: SilenceWatch
    clock: dict[str, float]
    samples_seen: int = 0
    steps: int = 0
    outcome: State = "complete"

    @classmethod
    def start(cls, spec: NetworkSpec, settings: TrainingSettings, data: EncodedSplits) -> "_Run":
        weights = [weight.requires_grad_() for weight in initial_weights(spec, settings.seed)]
        adam = Adam(weights, settings.weight_decay)
        watch = SilenceWatch(settings.silence, len(data))
        return cls(
            spec, settings, data, weights, adam, watch, dict.fromkeys(("encode", "train", "validate"), 0.0)
        )

    def epoch(self, epoch: int) -> EpochReport | None:
        """Train one epoch; None when it was stopped, with the state saying why."""
        tally = _Tally()
        self.watch.start_epoch()
        for batch in self._batches(epoch):
            with self._timed("train"):
                activity = self._step(batch, tally)
                self._judge(activity, epoch)
            if self.outcome != "complete":
                return None
        with self._timed("validate"):
            dynamics = [self.spec.dynamics] * len(self.weights)
            accuracy = evaluate_tensors(self.weights, dynamics, self.data.validation).accuracy
        return EpochReport(
            epoch=epoch + 1,
            loss=tally.loss / tally.samples,
            accuracy=tally.correct / tally.samples,
            validation_accuracy=accuracy,
            spikes_per_layer=tuple(float(total) for total in np.asarray(tally.spikes) / tally.samples),
            silence_constraint=worst_constraint(self.watch.constraints()),
        )

    def result(self, reports: tuple[EpochReport, ...]) -> TrainingResult:
        """The record that leaves this module."""
        return TrainingResult(
            state=self.outcome,
            reason=self._reason(),
            weights=trained_weights(self.spec, self.weights),
            epochs=reports,
            silence_constraint=worst_constraint(self.watch.constraints()),
            samples_seen=self.samples_seen,
            seconds=Seconds(**self.clock),
        )

    def _batches(self, epoch: int) -> Iterator[Batch]:
        batches = epoch_batches(self.data, self.settings.batch_size, self.settings.seed, epoch)
        while True:
            with self._timed("encode"):
                batch = next(batches, None)
            if batch is None:
                return
            yield batch

    def _step(self, batch: Batch, tally: _Tally) -> Activity:
        """One forward and backward pass and one move of the weights."""
        spec = self.spec
        dynamics = [spec.dynamics] * len(self.weights)
        activity = run(self.weights, dynamics, batch.inputs, spec.time_steps, batch.columns)
        loss = loss_named(self.settings.loss)(activity.counts, batch.labels, spec.time_steps)
        loss.backward()  # type: ignore[no-untyped-call]
        self.adam.step(self._learning_rate())
        self.steps += 1
        self.samples_seen += len(batch.labels)
        tally.add(float(loss.detach()), activity, batch.labels)
        return activity

    def _learning_rate(self) -> float:
        if self.settings.schedule == "constant":
            return self.settings.learning_rate
        total = self.settings.epochs * -(-len(self.data) // self.settings.batch_size)
        return self.settings.learning_rate * 0.5 * (1.0 + math.cos(math.pi * self.steps / total))

    def _judge(self, activity: Activity, epoch: int) -> None:
        """Set the outcome when this batch ends the training.

        Overflow is looked for first, since a network of infinite weights falls silent as well.
        """
        judged = epoch >= self.settings.silence.warmup_epochs
        if not all(bool(torch.isfinite(weight.detach().sum())) for weight in self.weights):
            self.outcome = "not_finite"
        elif self.watch.update(activity.layer_spikes.numpy(), judged):
            self.outcome = "silent"

    def _reason(self) -> str:
        if self.outcome == "silent":
            silence = self.settings.silence
            return (
                f"more than {silence.beta_silent:.3g} of the training samples had fewer than {silence.alpha}"
                f" spikes at a monitored layer, known after {self.watch.seen} of {len(self.data)} samples"
            )
        if self.outcome == "not_finite":
            return f"the weights overflowed after {self.samples_seen} samples; lower the learning rate"
        return ""

    @contextmanager
    def _timed(self, part: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.clock[part] += time.perf_counter() - start


def _check_fit(spec: NetworkSpec, settings: TrainingSettings, data: EncodedSplits) -> None:
    """Refuse a network that cannot run on the data."""
    if (spec.encoding, spec.time_steps) != (data.code.encoding, data.code.time_steps):
        raise SpecError(
            f"the network expects {spec.code} and the data are {data.code}; encode them for this network"
        )
    width, classes = data.width, int(data.labels.max()) + 1
    if spec.sizes[0] != width or spec.sizes[-1] < classes:
        raise SpecError(
            f"network sizes are {spec.sizes} and the data have {width} inputs and {classes} classes; make the"
            " first and the last size those"
        )
    layers = len(spec.sizes) - 1
    for layer in settings.silence.monitored_layers:
        if not -layers <= layer < layers:
            raise SpecError(
                f"silence monitors layer {layer} and the network has {layers}; use -1 for the output"
            )
