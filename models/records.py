"""What a training is asked to do and what it answers."""

import math
from dataclasses import dataclass, field
from typing import Literal

from models.losses import loss_named
from models.network import TrainedWeights
from models.silence import SilenceSettings
from spikefront.errors import SpecError

Schedule = Literal["constant", "cosine"]
State = Literal["complete", "silent", "not_finite"]


@dataclass(frozen=True)
class TrainingSettings:
    """How a network is trained.

    Attributes:
        learning_rate: Adam's, at the start.
        batch_size: samples per step.
        epochs: passes over the training split.
        loss: "ce_count" or "mse_count".
        weight_decay: L2 term added to the gradient.
        seed: of weights, order and noise.
        schedule: "cosine" lets the learning rate fall to zero along half a cosine, "constant" keeps it.
        silence: when training is stopped for silence.
    """

    learning_rate: float = 5e-3
    batch_size: int = 64
    epochs: int = 10
    loss: str = "ce_count"
    weight_decay: float = 0.0
    seed: int = 0
    schedule: Schedule = "cosine"
    silence: SilenceSettings = field(default_factory=SilenceSettings)

    def __post_init__(self) -> None:
        if not 0 < self.learning_rate <= 1e6:
            raise SpecError(f"learning_rate is {self.learning_rate}; give a number above 0, at most 1e6")
        if not (math.isfinite(self.weight_decay) and self.weight_decay >= 0):
            raise SpecError(f"weight_decay is {self.weight_decay}; give a finite number of at least 0")
        for name in ("batch_size", "epochs"):
            if getattr(self, name) < 1:
                raise SpecError(f"{name} is {getattr(self, name)}; give at least 1")
        if self.seed < 0:
            raise SpecError(f"seed is {self.seed}; give a whole number of at least 0")
        if self.schedule not in ("constant", "cosine"):
            raise SpecError(f"schedule {self.schedule!r} is unknown; choose one of constant, cosine")
        if self.silence.warmup_epochs >= self.epochs:
            raise SpecError(
                f"silence warmup_epochs is {self.silence.warmup_epochs} of {self.epochs} epochs, so that none"
                " would be judged; lower it or train longer"
            )
        loss_named(self.loss)


@dataclass(frozen=True)
class EpochReport:
    """One finished epoch.

    Attributes:
        epoch: number, from 1.
        loss, accuracy: mean over the training samples while the weights were moving.
        validation_accuracy: of the float network at the end of the epoch.
        spikes_per_layer: mean spikes per training sample, one per layer.
        silence_constraint: feasible iff not above zero.
    """

    epoch: int
    loss: float
    accuracy: float
    validation_accuracy: float
    spikes_per_layer: tuple[float, ...]
    silence_constraint: float


@dataclass(frozen=True)
class Seconds:
    """Wall time by part: encoding training batches, training steps, validation."""

    encode: float
    train: float
    validate: float


@dataclass(frozen=True, eq=False)
class TrainingResult:
    """What became of a training.

    Attributes:
        state: "complete", "silent" (stopped), or "not_finite" (loss or weights overflowed).
        reason: one sentence, empty when complete.
        weights: the network as it was at the end, also when stopped.
        epochs: reports of the finished epochs; the one a stop fell in is not among them.
        silence_constraint: worst monitored layer's graded constraint in the last epoch, feasible iff <= 0.
        samples_seen: training samples that the network was trained on, all epochs together.
        seconds: wall time by part.
    """

    state: State
    reason: str
    weights: TrainedWeights
    epochs: tuple[EpochReport, ...]
    silence_constraint: float
    samples_seen: int
    seconds: Seconds

    @property
    def validation_accuracy(self) -> float | None:
        """Accuracy of the float network after the last finished epoch; None when none was finished."""
        return self.epochs[-1].validation_accuracy if self.epochs else None
