"""Training a layer of competing neurons by plasticity, watching for silence."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
import torch

from models.batches import Batch, EncodedSplits, epoch_batches
from models.decoders import Decoder, Responses, fit, predict
from models.encoders import EncodedSet
from models.judge import Audit, Judge, Look, Verdict
from models.plasticity import PlasticNetwork
from models.records import EpochReport, Seconds
from models.stdp import StdpSettings, StdpSpec
from models.stdp_record import deployed
from models.stopwatch import Stopwatch, timed_batches
from models.trained import TrainedWeights
from spikefront.errors import SpecError

_ASSIGNMENT = 1 << 33
"""Added to the seed for the samples that tell what neurons stand for."""
_ELEMENTS = 1 << 23  # spikes at once where nothing is learnt: 32 MiB
_BATCH = 256


@dataclass(frozen=True, eq=False)
class StdpResult:
    """What became of a training by plasticity; the fields of ``models.records.TrainingResult``.

    Attributes:
        state: "complete"; or why it was stopped: "silent", "exploding" (in a layer of very few neurons, since
            one at most fires per step while learning) or "not_finite".
        reason: one sentence, empty when complete.
        network: as it was at the end, also when stopped.
        decoder: of the last epoch; None when no epoch was finished.
        epochs: reports of the finished epochs. Their loss is the share of the assignment samples that the
            decoder gets wrong, their learning rate ``nu_post``; spikes are those while learning.
        silence_constraint: graded constraint in the last epoch, feasible iff <= 0.
        samples_seen: training samples that the network was trained on, all epochs together.
        seconds: wall time by part.
        audit: what became of a training that was condemned for silence and ran on; None for any other.
    """

    state: Verdict
    reason: str
    network: PlasticNetwork
    decoder: Decoder | None
    epochs: tuple[EpochReport, ...]
    silence_constraint: float
    samples_seen: int
    seconds: Seconds
    audit: Audit | None

    @property
    def best_epoch(self) -> int:
        """Number of the epoch whose end the network is; 0 when none was finished."""
        return len(self.epochs)

    @property
    def validation_accuracy(self) -> float | None:
        """Accuracy with the decoder of the last epoch; None when no epoch was finished."""
        return self.epochs[-1].validation_accuracy if self.epochs else None

    @property
    def weights(self) -> TrainedWeights:
        """The record for the hardware.

        Raises:
            SpecError: no epoch was finished, or the decoder cannot be built.
        """
        if self.decoder is None:
            raise SpecError("training was stopped before neurons were assigned to classes; train it longer")
        return deployed(self.network, self.decoder)


def train_stdp(
    spec: StdpSpec,
    settings: StdpSettings,
    data: EncodedSplits,
    progress: Callable[[EpochReport], None] | None = None,
) -> StdpResult:
    """Train a network by plasticity from scratch.

    With the same arguments, thread count and library versions the result is bit-identical. No global random
    generator is read or moved. At the end of every epoch, responses to training samples tell what neurons
    stand for; the validation split is only judged.

    Args:
        spec: the network; its code must be that of ``data``.
        settings: how to train it.
        data: shared encoded splits, not changed.
        progress: called after every epoch; what it raises ends the training.

    Raises:
        SpecError: the network does not fit the data.
    """
    _check_fit(spec, data)
    run = _Run.start(spec, settings, data)
    for epoch in range(settings.epochs):
        report = run.epoch(epoch)
        if report is None:
            break
        run.reports.append(report)
        if progress is not None:
            progress(report)
    return run.result()


def responses(network: PlasticNetwork, data: EncodedSet) -> Responses:
    """What the network as it is deployed answers to a fixed split."""
    size = _inference_batch(network.spec)
    parts = []
    for start in range(0, len(data), size):
        rows = slice(start, start + size)
        batch = Batch(torch.from_numpy(data.batch(rows)), None, torch.from_numpy(data.labels[rows]))
        parts.append(Responses.of(network.respond(batch)))
    return Responses.joined(parts)


@dataclass
class _Run:
    """Everything that moves during one training."""

    spec: StdpSpec
    settings: StdpSettings
    data: EncodedSplits
    network: PlasticNetwork
    judge: Judge
    decoder: Decoder | None = None
    outcome: Verdict = "complete"
    reports: list[EpochReport] = field(default_factory=list)
    clock: Stopwatch = field(default_factory=Stopwatch)

    @classmethod
    def start(cls, spec: StdpSpec, settings: StdpSettings, data: EncodedSplits) -> "_Run":
        network = PlasticNetwork.start(spec, settings.seed)
        judge = Judge(settings.silence, len(data), np.array([_capacity(spec)]), settings.seed)
        return cls(spec, settings, data, network, judge)

    def epoch(self, epoch: int) -> EpochReport | None:
        """Train one epoch; None when it was stopped, with the state saying why."""
        started = time.perf_counter()
        self.judge.start_epoch()
        spikes = 0
        batches = epoch_batches(self.data, self.settings.batch_size, self.settings.seed, epoch)
        for batch in timed_batches(batches, self.clock):
            with self.clock.timed("train"):
                fired = self.network.learn(batch).sum(dim=(0, 2)).long()
                spikes += int(fired.sum())
                look = Look(fired.numpy(force=True)[:, None], loss=0.0, finite=self.network.finite())
                self.outcome = self.judge.step(look, epoch)
            if self.outcome != "complete":
                return None
        with self.clock.timed("validate"):
            accuracy, validation_accuracy = self._assess(epoch)
        per_sample = spikes / len(self.data)
        return EpochReport(
            epoch=epoch + 1,
            loss=1.0 - accuracy,
            accuracy=accuracy,
            validation_accuracy=validation_accuracy,
            spikes_per_layer=(per_sample,),
            firing_rates=(per_sample / _capacity(self.spec),),
            silence_constraint=self.judge.constraint(),
            learning_rate=self.spec.rule.nu_post,
            seconds=time.perf_counter() - started,
        )

    def result(self) -> StdpResult:
        """The record that leaves this module."""
        return StdpResult(
            state=self.outcome,
            reason=self._reason(),
            network=self.network,
            decoder=self.decoder,
            epochs=tuple(self.reports),
            silence_constraint=self.judge.constraint(),
            samples_seen=self.judge.samples,
            seconds=Seconds(**vars(self.clock)),
            audit=self.judge.audit(),
        )

    def _assess(self, epoch: int) -> tuple[float, float]:
        """Fit the decoder; its accuracies on the samples it was fitted to and on validation."""
        size = _inference_batch(self.spec)
        batches = epoch_batches(self.data, size, self.settings.seed + _ASSIGNMENT, epoch)
        parts, labels = [], []
        for batch in islice(batches, -(-self.settings.assignment_samples // size)):
            parts.append(Responses.of(self.network.respond(batch)))
            labels.append(batch.labels.numpy())
        seen, known = Responses.joined(parts), np.concatenate(labels)
        self.decoder = fit(self.spec.decoder, seen, known, self.spec.classes)
        validation = predict(self.decoder, responses(self.network, self.data.validation))
        return (
            float((predict(self.decoder, seen) == known).mean()),
            float((validation == self.data.validation.labels).mean()),
        )

    def _reason(self) -> str:
        silence = self.settings.silence
        if self.outcome == "silent":
            return (
                f"more than {silence.beta_silent:.3g} of the training samples had fewer than {silence.alpha}"
                f" spikes, known after {self.judge.watch.seen} of {len(self.data)} samples, and the last"
                f" {self.judge.quiet} training steps were silent"
            )
        if self.outcome == "exploding":
            return (
                f"the layer fired in more than {silence.exploding_rate:.3g} of its neurons' time steps for"
                f" {self.judge.exploding} training steps; raise the threshold or the inhibition"
            )
        if self.outcome == "not_finite":
            return (
                f"weights or thresholds overflowed after {self.judge.samples} samples; lower nu_post, nu_pre"
                " or theta_plus"
            )
        return ""


def _capacity(spec: StdpSpec) -> int:
    """Spikes that the layer can give per sample."""
    return spec.neurons * spec.code.time_steps


def _inference_batch(spec: StdpSpec) -> int:
    """Samples to run at once where nothing is learnt."""
    return max(1, min(_BATCH, _ELEMENTS // (spec.code.time_steps * max(spec.neurons, spec.inputs))))


def _check_fit(spec: StdpSpec, data: EncodedSplits) -> None:
    """Refuse a network that cannot run on the data."""
    if spec.code != data.code:
        raise SpecError(f"the network expects {spec.code} and the data are {data.code}; encode them for it")
    classes = int(data.labels.max()) + 1
    if spec.inputs != data.width or spec.classes < classes:
        raise SpecError(
            f"the network has {spec.inputs} inputs and {spec.classes} classes and the data have {data.width}"
            f" and {classes}; make them equal"
        )
