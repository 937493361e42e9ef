"""How the learning rate moves over a training."""

import math
from dataclasses import dataclass
from typing import Literal

from spikefront.errors import SpecError

ScheduleName = Literal["constant", "cosine", "step", "exponential"]
SCHEDULES: tuple[ScheduleName, ...] = ("constant", "cosine", "step", "exponential")


@dataclass(frozen=True)
class Schedule:
    """A factor on the learning rate, from the number of optimiser steps made.

    ===========  ======================================================================
    constant     1
    cosine       half a cosine from 1 to 0 (SGDR without restarts, arXiv 1608.03983)
    step         decay ** (whole ``step_epochs`` passed)
    exponential  decay ** (epochs passed), moving at every optimiser step
    ===========  ======================================================================

    Attributes:
        name: one of the above.
        warmup_epochs: epochs, whole or not, over which the rate first climbs in equal steps from near zero.
        decay: factor of "step" and "exponential", above 0 and at most 1.
        step_epochs: epochs between two falls of "step".
    """

    name: ScheduleName = "cosine"
    warmup_epochs: float = 0.0
    decay: float = 0.1
    step_epochs: int = 10

    def __post_init__(self) -> None:
        if self.name not in SCHEDULES:
            raise SpecError(f"schedule {self.name!r} is unknown; choose one of {', '.join(SCHEDULES)}")
        if not (math.isfinite(self.warmup_epochs) and self.warmup_epochs >= 0):
            raise SpecError(f"warmup_epochs of the schedule is {self.warmup_epochs}; give 0 or more")
        if not 0 < self.decay <= 1:
            raise SpecError(f"decay of the schedule is {self.decay}; give a number above 0, at most 1")
        if self.step_epochs < 1:
            raise SpecError(f"step_epochs of the schedule is {self.step_epochs}; give at least 1")

    def factor(self, step: int, steps_per_epoch: int, epochs: int) -> float:
        """The factor for optimiser step number ``step``, the first being 0."""
        warmup = self.warmup_epochs * steps_per_epoch
        climb = min(1.0, (step + 1) / (warmup + 1))
        passed = step / steps_per_epoch
        if self.name == "cosine":
            # the fall takes the steps behind the climb, so that its top is reached
            share = max(0.0, step - warmup) / max(1.0, epochs * steps_per_epoch - warmup)
            return climb * 0.5 * (1.0 + math.cos(math.pi * share))
        if self.name == "step":
            return climb * math.pow(self.decay, passed // self.step_epochs)
        return climb * (math.pow(self.decay, passed) if self.name == "exponential" else 1.0)
