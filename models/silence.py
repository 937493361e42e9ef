"""When is a network silent, and when is it too late to go on training it?

The criterion of Firmin, Boulet and Talbi (arXiv 2403.00450): a sample is silent at a layer when the layer's
spikes, over all neurons and time steps, are fewer than ``alpha``; training stops when more than a fraction
``beta_silent`` of the whole training set was silent within one epoch. The constraint handed to the optimiser
is the graded form of the authors' later work, which is larger the earlier the stop happens.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from spikefront.errors import SpecError


@dataclass(frozen=True)
class SilenceSettings:
    """When training is stopped for silence.

    Attributes:
        alpha: a sample with fewer spikes than this at a monitored layer is silent there.
        beta_silent: tolerated share of silent samples in the training set, 0..1.
        update_interval: samples between two verdicts.
        monitored_layers: layer numbers, 0 is the first spiking layer, -1 the output; silence at any one
            counts.
        warmup_epochs: epochs that are never judged; most networks start silent and recover.
        quiet_steps: a network is only stopped when so many training steps in a row were silent and without
            gradient (``models.judge``); 0 stops by the share of silent samples alone, as the authors do.
        gradient_floor: a step is without gradient when every weight's gradient has a norm below this.
        exploding_rate: training also stops when a layer fired in more than this share of its neurons' time
            steps for ``quiet_steps`` steps in a row (at least one).
        audit_share: probability that a training condemned for silence runs on to its end nevertheless, to
            learn how often the verdict is wrong.
    """

    alpha: int = 1
    beta_silent: float = 0.1
    update_interval: int = 200
    monitored_layers: tuple[int, ...] = (-1,)
    warmup_epochs: int = 1
    quiet_steps: int = 20
    gradient_floor: float = 1e-7
    exploding_rate: float = 0.95
    audit_share: float = 0.05

    def __post_init__(self) -> None:
        if self.alpha < 0:
            raise SpecError(f"silence alpha is {self.alpha}; give a number of spikes of at least 0")
        if not 0.0 <= self.beta_silent <= 1.0:
            raise SpecError(f"silence beta_silent is {self.beta_silent}; give a share from 0 to 1")
        if self.update_interval < 1:
            raise SpecError(f"silence update_interval is {self.update_interval}; give at least 1 sample")
        if not self.monitored_layers:
            raise SpecError(
                "silence monitored_layers is empty; name at least one layer, such as -1 for the output"
            )
        if self.warmup_epochs < 0:
            raise SpecError(f"silence warmup_epochs is {self.warmup_epochs}; give 0 or more")
        if self.quiet_steps < 0:
            raise SpecError(f"silence quiet_steps is {self.quiet_steps}; give 0 or more training steps")
        if not self.gradient_floor >= 0.0:
            raise SpecError(f"silence gradient_floor is {self.gradient_floor}; give a norm of at least 0")
        for name in ("exploding_rate", "audit_share"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise SpecError(f"silence {name} is {getattr(self, name)}; give a share from 0 to 1")


@dataclass
class SilenceWatch:
    """Counts silent samples through an epoch and says when to stop.

    Feed it every sample of an epoch in order, in batches of any size: verdicts fall after each whole block of
    ``update_interval`` samples and after the epoch's last sample, whatever the batch size. Since the count
    starts at zero in every epoch, no stop comes before more than beta_silent * train_size samples were seen.
    """

    settings: SilenceSettings
    train_size: int
    seen: int = 0
    silent: NDArray[np.int64] = field(init=False)
    stopped: bool = False

    def __post_init__(self) -> None:
        if self.train_size < 1:
            raise SpecError(f"the training set has {self.train_size} samples; give at least 1")
        self.start_epoch()

    def start_epoch(self) -> None:
        """Forget the counts of the epoch before."""
        self.seen = 0
        self.silent = np.zeros(len(self.settings.monitored_layers), dtype=np.int64)

    def update(self, layer_spikes: NDArray[np.integer], judge: bool = True) -> bool:
        """Count one batch; True when training must stop.

        Args:
            layer_spikes: spikes per sample and layer (B, L), over all neurons and time steps.
            judge: False in warm-up epochs: counts only.

        Once stopped, samples of the batch behind the verdict are not counted, and further batches change
        nothing.
        """
        if self.stopped:
            return True
        silent = layer_spikes[:, list(self.settings.monitored_layers)] < self.settings.alpha
        while len(silent) and not self.stopped:
            room = self.settings.update_interval - self.seen % self.settings.update_interval
            self._count(silent[:room], judge)
            silent = silent[room:]
        return self.stopped

    def _count(self, silent: NDArray[np.bool_], judge: bool) -> None:
        """Take samples that lie within one block, and give the verdict when they complete it."""
        self.seen += len(silent)
        self.silent += silent.sum(axis=0)
        block_ends = self.seen % self.settings.update_interval == 0 or self.seen == self.train_size
        if judge and block_ends:
            self.stopped = self.too_silent

    @property
    def too_silent(self) -> bool:
        """Whether more samples of this epoch were silent already than the whole set may have."""
        return bool((self.silent / self.train_size > self.settings.beta_silent).any())

    def constraints(self) -> tuple[float, ...]:
        """One graded constraint per monitored layer, feasible iff it is not above zero.

        c = 1 - (spiking samples seen) / train_size - beta_silent. After a whole epoch this is the silent
        share minus beta_silent; after a stop it is larger by the share of the epoch that was not run.
        """
        silent, size = self.silent, self.train_size
        # written with the silent share, so that a whole epoch compares exactly as the stopping rule does
        unseen = (size - self.seen) / size
        return tuple(float(count / size - self.settings.beta_silent + unseen) for count in silent)


def worst_constraint(constraints: Sequence[float]) -> float:
    """The largest of the constraint values: silence at any monitored layer makes a network infeasible."""
    return max(constraints, default=-math.inf)
