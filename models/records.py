"""What a training is asked to do and what it answers."""

import math
from dataclasses import dataclass, field

from models.judge import Audit, Verdict
from models.losses import LossSpec
from models.optimisers import OPTIMISERS, OptimiserName
from models.regularisers import RateBounds
from models.schedules import Schedule
from models.silence import SilenceSettings
from models.trained import TrainedWeights
from spikefront.errors import SpecError


@dataclass(frozen=True)
class TrainingSettings:
    """How a network is trained.

    Attributes:
        learning_rate: before the schedule's factor.
        batch_size: samples per step.
        epochs: passes over the training split, at most.
        loss: what is minimised.
        rate_bounds: what is added to the loss for firing rates outside bounds.
        optimiser: "adam", "adamw" or "sgd".
        momentum: of "sgd".
        weight_decay: of weights, not of biases, normalisation and neuron constants; L2 term in the gradient,
            decoupled with "adamw".
        schedule: of the learning rate.
        clip_norm: upper bound on the common norm of all gradients; 0 for none.
        patience: epochs without a better validation accuracy after which training ends and the weights of the
            best epoch are kept; 0 trains all epochs and keeps the last weights.
        seed: of weights and dropout, and of order and noise where ``data_seed`` is None.
        data_seed: of the training samples' order and noise. Trainings that share it see the same batches,
            and can run in one program (``models.batched``).
        silence: when training is stopped for silence.
        device: "cpu", or a CUDA device such as "cuda".
        mixed_precision: products in bfloat16; CUDA only.
    """

    learning_rate: float = 5e-3
    batch_size: int = 64
    epochs: int = 10
    loss: LossSpec = field(default_factory=LossSpec)
    rate_bounds: RateBounds = field(default_factory=RateBounds)
    optimiser: OptimiserName = "adam"
    momentum: float = 0.9
    weight_decay: float = 0.0
    schedule: Schedule = field(default_factory=Schedule)
    clip_norm: float = 0.0
    patience: int = 0
    seed: int = 0
    data_seed: int | None = None
    silence: SilenceSettings = field(default_factory=SilenceSettings)
    device: str = "cpu"
    mixed_precision: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.learning_rate <= 1e6:
            raise SpecError(f"learning_rate is {self.learning_rate}; give a number above 0, at most 1e6")
        for name in ("weight_decay", "clip_norm"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) >= 0):
                raise SpecError(f"{name} is {getattr(self, name)}; give a finite number of at least 0")
        if not 0 <= self.momentum < 1:
            raise SpecError(f"momentum is {self.momentum}; give a number from 0 to below 1")
        for name, least in (("batch_size", 1), ("epochs", 1), ("patience", 0), ("seed", 0)):
            if getattr(self, name) < least:
                raise SpecError(f"{name} is {getattr(self, name)}; give a whole number of at least {least}")
        if self.data_seed is not None and self.data_seed < 0:
            raise SpecError(f"data_seed is {self.data_seed}; give a whole number of at least 0")
        if self.optimiser not in OPTIMISERS:
            raise SpecError(f"optimiser {self.optimiser!r} is unknown; choose one of {', '.join(OPTIMISERS)}")
        if self.silence.warmup_epochs >= self.epochs:
            raise SpecError(
                f"silence warmup_epochs is {self.silence.warmup_epochs} of {self.epochs} epochs, so that none"
                " would be judged; lower it or train longer"
            )
        if self.mixed_precision and self.device == "cpu":
            raise SpecError(
                "mixed_precision is on and the device is the CPU, where bfloat16 products take 3 to 4 times"
                " longer; leave it off or train on a GPU"
            )

    @property
    def order_seed(self) -> int:
        """Seed of the training samples' order and noise."""
        return self.seed if self.data_seed is None else self.data_seed


@dataclass(frozen=True)
class EpochReport:
    """One finished epoch.

    Attributes:
        epoch: number, from 1.
        loss, accuracy: mean over the training samples while the weights were moving; the loss with its rate
            bounds.
        validation_accuracy: of the float network at the end of the epoch.
        spikes_per_layer: mean spikes per training sample, one per layer, behind its pooling.
        firing_rates: the same per output and time step, 0..1.
        silence_constraint: feasible iff not above zero.
        learning_rate: of the epoch's last step.
        seconds: wall time of the epoch, validation included.
    """

    epoch: int
    loss: float
    accuracy: float
    validation_accuracy: float
    spikes_per_layer: tuple[float, ...]
    firing_rates: tuple[float, ...]
    silence_constraint: float
    learning_rate: float
    seconds: float = field(compare=False)


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
        state: "complete"; or why it was stopped: "silent", "exploding" (a layer fires nearly everywhere), or
            "not_finite" (loss or weights overflowed).
        reason: one sentence, empty when complete.
        weights: the network as it was at the end, also when stopped; that of the best epoch with patience.
        best_epoch: number of the epoch whose end ``weights`` are; 0 when none was finished.
        epochs: reports of the finished epochs; the one a stop fell in is not among them.
        silence_constraint: worst monitored layer's graded constraint in the last epoch, feasible iff <= 0.
        samples_seen: training samples that the network was trained on, all epochs together.
        seconds: wall time by part.
        audit: what became of a training that was condemned for silence and ran on; None for any other.
    """

    state: Verdict
    reason: str
    weights: TrainedWeights
    best_epoch: int
    epochs: tuple[EpochReport, ...]
    silence_constraint: float
    samples_seen: int
    seconds: Seconds
    audit: Audit | None = None

    @property
    def validation_accuracy(self) -> float | None:
        """Accuracy of the float network kept, at the end of its epoch; None when no epoch was finished."""
        return self.epochs[self.best_epoch - 1].validation_accuracy if self.best_epoch else None
