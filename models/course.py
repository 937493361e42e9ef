"""The course of one training: what its steps showed, whether it goes on, and the record it leaves."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from models.batches import EncodedSplits
from models.best import Best
from models.judge import Judge, Look, Verdict
from models.parameters import Network
from models.records import EpochReport, Seconds, TrainingResult, TrainingSettings
from models.specification import NetworkSpec
from models.stopwatch import Stopwatch
from models.trained import trained_weights
from spikefront.errors import SpecError


@dataclass(frozen=True)
class Seen:
    """What one training step showed of one network.

    Attributes:
        look: for the judge.
        correct: samples of the batch that were classified rightly.
    """

    look: Look
    correct: int


@dataclass
class _Tally:
    """Sums over the samples of one epoch."""

    loss: float = 0.0
    correct: int = 0
    spikes: NDArray[np.int64] | int = 0
    samples: int = 0

    def add(self, seen: Seen) -> None:
        size = len(seen.look.layer_spikes)
        self.loss += seen.look.loss * size
        self.correct += seen.correct
        self.spikes = self.spikes + seen.look.layer_spikes.sum(axis=0)
        self.samples += size

    def spikes_per_layer(self) -> tuple[float, ...]:
        return tuple(float(total) for total in np.asarray(self.spikes) / self.samples)


@dataclass
class Course:
    """Follows one training from its first step to its record; how the network is moved it does not know.

    Attributes:
        spec: the network.
        settings: how it is trained.
        train_size: samples in an epoch.
        clock: wall time spent on it.
        outcome: "complete" until a step ends the training.
        reports: of the epochs finished so far.
    """

    spec: NetworkSpec
    settings: TrainingSettings
    train_size: int
    clock: Stopwatch = field(default_factory=Stopwatch)
    outcome: Verdict = "complete"
    reports: list[EpochReport] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._capacity = np.array([layer.n_out * self.spec.time_steps for layer in self.spec.layers])
        self._judge = Judge(self.settings.silence, self.train_size, self._capacity, self.settings.seed)
        self._best = Best(self.settings.patience)
        self.start_epoch()

    def start_epoch(self) -> None:
        """Begin the sums of an epoch anew."""
        self._tally = _Tally()
        self._started = self.clock.total()
        self._judge.start_epoch()

    def see(self, seen: Seen) -> bool:
        """Take one step in; True when it ends the training, with ``outcome`` saying why."""
        self._tally.add(seen)
        self.outcome = self._judge.step(seen.look, len(self.reports))
        return self.outcome != "complete"

    def close_epoch(self, accuracy: float, learning_rate: float) -> EpochReport:
        """The report of the epoch that was just finished, with its validation accuracy and last rate."""
        spikes = self._tally.spikes_per_layer()
        report = EpochReport(
            epoch=len(self.reports) + 1,
            loss=self._tally.loss / self._tally.samples,
            accuracy=self._tally.correct / self._tally.samples,
            validation_accuracy=accuracy,
            spikes_per_layer=spikes,
            firing_rates=tuple(float(rate) for rate in np.array(spikes) / self._capacity),
            silence_constraint=self._judge.constraint(),
            learning_rate=learning_rate,
            seconds=self.clock.total() - self._started,
        )
        self.reports.append(report)
        return report

    def ends(self, network: Network) -> bool:
        """Whether the epoch just closed was the last; remembers the network if it is the best so far."""
        last = self.reports[-1]
        impatient = self._best.see(last.epoch, last.validation_accuracy, network)
        return impatient or last.epoch == self.settings.epochs

    def result(self, network: Network) -> TrainingResult:
        """The record of a training that is over; ``network`` takes on the weights that are kept."""
        if self.outcome == "complete":
            self._best.restore(network)
        return TrainingResult(
            state=self.outcome,
            reason=self._reason(),
            weights=trained_weights(network),
            best_epoch=self._best.epoch,
            epochs=tuple(self.reports),
            silence_constraint=self._judge.constraint(),
            samples_seen=self._judge.samples,
            seconds=Seconds(**vars(self.clock)),
            audit=self._judge.audit(),
        )

    def _reason(self) -> str:
        if self.outcome == "silent":
            silence = self.settings.silence
            return (
                f"more than {silence.beta_silent:.3g} of the training samples had fewer than {silence.alpha}"
                f" spikes at a monitored layer, known after {self._judge.watch.seen} of {self.train_size}"
                f" samples, and no gradient reached a weight in the last {self._judge.quiet} training steps"
            )
        if self.outcome == "exploding":
            return (
                f"a layer fired in more than {self.settings.silence.exploding_rate:.3g} of its neurons' time"
                f" steps for {self._judge.exploding} training steps; raise the threshold or start with"
                " smaller weights"
            )
        if self.outcome == "not_finite":
            return f"loss or weights overflowed after {self._judge.samples} samples; lower the learning rate"
        return ""


def check_fit(spec: NetworkSpec, settings: TrainingSettings, data: EncodedSplits) -> None:
    """Refuse a network that cannot run on the data.

    Raises:
        SpecError: the network does not fit the data, or a monitored layer does not exist.
    """
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
