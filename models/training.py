"""Training one network by backpropagation through time, watching for silence."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from models.batches import Batch, EncodedSplits, epoch_batches
from models.best import Best
from models.evaluation import evaluate, predictions
from models.judge import Judge, Look, Verdict
from models.learner import Learner, Step
from models.records import EpochReport, Seconds, TrainingResult, TrainingSettings
from models.specification import NetworkSpec, Readout
from models.trained import trained_weights
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
        SpecError: the network does not fit the data, a monitored layer does not exist, or the device is not
            there.
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
        if state.best.see(report.epoch, report.validation_accuracy, state.learner.network):
            break
    return state.result(tuple(reports))


@dataclass
class _Tally:
    """Sums over the samples of one epoch."""

    readout: Readout
    loss: float = 0.0
    correct: int = 0
    spikes: NDArray[np.int64] | int = 0
    samples: int = 0

    def add(self, step: Step, labels: Tensor) -> None:
        size = len(labels)
        self.loss += step.loss * size
        guesses = predictions(step.activity.output, self.readout).cpu()
        self.correct += int((guesses == labels).sum())
        self.spikes = self.spikes + step.activity.layer_spikes.sum(dim=0).numpy(force=True)
        self.samples += size

    def spikes_per_layer(self) -> tuple[float, ...]:
        return tuple(float(total) for total in np.asarray(self.spikes) / self.samples)


@dataclass
class _Run:
    """Everything that moves during one training."""

    spec: NetworkSpec
    settings: TrainingSettings
    data: EncodedSplits
    learner: Learner
    best: Best
    judge: Judge
    clock: dict[str, float]
    samples_seen: int = 0
    outcome: Verdict = "complete"

    @classmethod
    def start(cls, spec: NetworkSpec, settings: TrainingSettings, data: EncodedSplits) -> "_Run":
        return cls(
            spec,
            settings,
            data,
            Learner(spec, settings, -(-len(data) // settings.batch_size)),
            Best(settings.patience),
            Judge(settings.silence, len(data), _capacity(spec), settings.seed),
            dict.fromkeys(("encode", "train", "validate"), 0.0),
        )

    def epoch(self, epoch: int) -> EpochReport | None:
        """Train one epoch; None when it was stopped, with the state saying why."""
        started = time.perf_counter()
        tally = _Tally(self.spec.readout)
        self.judge.start_epoch()
        rate = self.settings.learning_rate
        for batch in self._batches(epoch):
            with self._timed("train"):
                rate = self.learner.learning_rate
                step = self.learner.step(batch)
                self.samples_seen += len(batch.labels)
                tally.add(step, batch.labels)
                self._judge(step, epoch)
            if self.outcome != "complete":
                return None
        with self._timed("validate"):
            accuracy = evaluate(self.learner.network, self.data.validation).accuracy
        spikes = tally.spikes_per_layer()
        return EpochReport(
            epoch=epoch + 1,
            loss=tally.loss / tally.samples,
            accuracy=tally.correct / tally.samples,
            validation_accuracy=accuracy,
            spikes_per_layer=spikes,
            firing_rates=self._rates(spikes),
            silence_constraint=self.judge.constraint(),
            learning_rate=rate,
            seconds=time.perf_counter() - started,
        )

    def result(self, reports: tuple[EpochReport, ...]) -> TrainingResult:
        """The record that leaves this module."""
        if self.outcome == "complete":
            self.best.restore(self.learner.network)
        return TrainingResult(
            state=self.outcome,
            reason=self._reason(),
            weights=trained_weights(self.learner.network),
            best_epoch=self.best.epoch,
            epochs=reports,
            silence_constraint=self.judge.constraint(),
            samples_seen=self.samples_seen,
            seconds=Seconds(**self.clock),
            audit=self.judge.audit(),
        )

    def _rates(self, spikes: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(float(rate) for rate in np.array(spikes) / _capacity(self.spec))

    def _batches(self, epoch: int) -> Iterator[Batch]:
        batches = epoch_batches(self.data, self.settings.batch_size, self.settings.seed, epoch)
        while True:
            with self._timed("encode"):
                batch = next(batches, None)
            if batch is None:
                return
            yield batch

    def _judge(self, step: Step, epoch: int) -> None:
        """Set the outcome when this batch ends the training.

        Overflow is looked for first, since a network of infinite weights falls silent as well.
        """
        if not self.learner.network.finite():
            self.outcome = "not_finite"
            return
        look = Look(step.activity.layer_spikes.numpy(force=True), step.loss, step.gradients)
        self.outcome = self.judge.step(look, epoch)

    def _reason(self) -> str:
        if self.outcome == "silent":
            silence = self.settings.silence
            return (
                f"more than {silence.beta_silent:.3g} of the training samples had fewer than {silence.alpha}"
                f" spikes at a monitored layer, known after {self.judge.watch.seen} of {len(self.data)}"
                f" samples, and no gradient reached a weight in the last {self.judge.quiet} training steps"
            )
        if self.outcome == "exploding":
            return (
                f"a layer fired in more than {self.settings.silence.exploding_rate:.3g} of its neurons' time"
                f" steps for {self.judge.exploding} training steps; raise the threshold or start with smaller"
                " weights"
            )
        if self.outcome == "not_finite":
            return f"loss or weights overflowed after {self.samples_seen} samples; lower the learning rate"
        return ""

    @contextmanager
    def _timed(self, part: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.clock[part] += time.perf_counter() - start


def _capacity(spec: NetworkSpec) -> NDArray[np.int64]:
    """Spikes that every layer can give per sample."""
    return np.array([layer.n_out * spec.time_steps for layer in spec.layers])


def _check_fit(spec: NetworkSpec, settings: TrainingSettings, data: EncodedSplits) -> None:
    """Refuse a network that cannot run on the data."""
    if (spec.encoding, spec.time_steps) != (data.code.encoding, data.code.time_steps):
        raise SpecError(
            f"the network expects {spec.code} and the data are {data.code}; encode them for this network"
        )
    width, classes = data.width, int(data.labels.max()) + 1
    if spec.layers[0].n_in != width or spec.classes < classes:
        raise SpecError(
            f"network {spec.layout!r} has {spec.layers[0].n_in} inputs and {spec.classes} classes and the"
            f" data have {width} and {classes}; make them equal"
        )
    layers = len(spec.layers)
    for layer in settings.silence.monitored_layers:
        if not -layers <= layer < layers:
            raise SpecError(
                f"silence monitors layer {layer} and the network has {layers}; use -1 for the output"
            )
