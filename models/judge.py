"""When a training is not worth going on with: lasting silence, explosion, numbers that are not finite.

Most networks start silent, and most of those recover (more often than not where they learn at all), so that
a share of silent samples alone is a poor verdict. What does not recover is a network that stays silent while
no gradient reaches any weight: a surrogate far below the threshold has no slope left. Adam divides a gradient
by its own size, so even a norm of 1e-5 still moves weights; below 1e-7 nothing was seen to recover
(``benchmarks/training/silence.py``). Rules that learn without gradients are judged by the run
of silent steps alone.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from models.silence import SilenceSettings, SilenceWatch, worst_constraint

Verdict = Literal["complete", "silent", "exploding", "not_finite"]

_AUDIT_STREAM = 0xA0D1


@dataclass(frozen=True)
class Audit:
    """A training that was condemned for silence and ran on all the same.

    Attributes:
        condemned_at: training samples seen when it was condemned.
        recovered: whether its last epoch was not silent.
    """

    condemned_at: int
    recovered: bool


@dataclass(frozen=True)
class Look:
    """What one training step showed.

    Attributes:
        layer_spikes: spikes per sample and layer, integers (B, L).
        loss: of the batch.
        gradients: norm of every weight's gradient; empty where there are none.
        finite: whether every parameter is a number after the step.
    """

    layer_spikes: NDArray[np.integer]
    loss: float
    gradients: Sequence[float] = ()
    finite: bool = True


@dataclass
class Judge:
    """Follows one training, a step at a time.

    Attributes:
        settings: when to stop.
        train_size: samples in an epoch.
        capacity: spikes that each layer can give per sample: neurons times time steps (L,).
        seed: of the draw whether this training is audited.
        quiet: silent steps without gradient, in a row.
        exploding: steps in a row in which a layer fired nearly everywhere.
        samples: training samples seen.
        condemned_at: samples seen when an audited training was condemned; None while it was not.
    """

    settings: SilenceSettings
    train_size: int
    capacity: NDArray[np.int64]
    seed: int
    watch: SilenceWatch = field(init=False)
    audited: bool = field(init=False)
    quiet: int = 0
    exploding: int = 0
    samples: int = 0
    condemned_at: int | None = None

    def __post_init__(self) -> None:
        self.watch = SilenceWatch(self.settings, self.train_size)
        draw = np.random.Generator(np.random.PCG64([self.seed, _AUDIT_STREAM])).random()
        self.audited = bool(draw < self.settings.audit_share)

    def start_epoch(self) -> None:
        """Forget the samples of the epoch before; runs of steps go on."""
        self.watch.start_epoch()

    def step(self, look: Look, epoch: int) -> Verdict:
        """Take one training step in; anything but "complete" ends the training.

        Overflow is looked for first, since a network of infinite weights falls silent as well.

        Args:
            look: what the step showed.
            epoch: number of the epoch, from 0.
        """
        self.samples += len(look.layer_spikes)
        if not (
            look.finite and math.isfinite(look.loss) and all(math.isfinite(norm) for norm in look.gradients)
        ):
            return "not_finite"
        self.quiet = self.quiet + 1 if self._is_quiet(look) else 0
        self.exploding = self.exploding + 1 if self._explodes(look) else 0
        judged = epoch >= self.settings.warmup_epochs
        if judged and self.exploding >= max(1, self.settings.quiet_steps):
            return "exploding"
        condemnable = judged and self.quiet >= self.settings.quiet_steps
        if not self.audited:
            return "silent" if self.watch.update(look.layer_spikes, condemnable) else "complete"
        self.watch.update(look.layer_spikes, judge=False)
        if condemnable and self.condemned_at is None and self.watch.too_silent:
            self.condemned_at = self.samples
        return "complete"

    def constraint(self) -> float:
        """The worst monitored layer's graded constraint in this epoch, feasible iff not above zero."""
        return worst_constraint(self.watch.constraints())

    def audit(self) -> Audit | None:
        """What became of an audited training that was condemned; None for any other."""
        return None if self.condemned_at is None else Audit(self.condemned_at, self.constraint() <= 0.0)

    def _is_quiet(self, look: Look) -> bool:
        monitored = look.layer_spikes[:, list(self.settings.monitored_layers)] < self.settings.alpha
        silent = bool((monitored.mean(axis=0) > self.settings.beta_silent).any())
        return silent and all(norm < self.settings.gradient_floor for norm in look.gradients)

    def _explodes(self, look: Look) -> bool:
        rates = look.layer_spikes.mean(axis=0) / self.capacity
        return bool((rates > self.settings.exploding_rate).any())
