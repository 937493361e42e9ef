"""What a running trial says of itself, and how it is stopped from outside; neither Ray nor torch here.

A trial reports after every epoch. A ``Reporter`` stands between the trial and its pool: it keeps what was
reported, gives the newest to the pool, and ends the trial once the pool asks for that.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workers.outcome import TrialOutcome

if TYPE_CHECKING:
    from models.records import EpochReport

CURVE_POINTS = 100
"""Epochs of a running trial that are written down, at most."""

Report = Callable[["EpochReport"], None]
"""What ``evaluate`` calls after every epoch; what it raises ends the trial."""


@dataclass(frozen=True)
class Progress:
    """A trial after one of its epochs; none of its sequences is empty.

    Attributes:
        loss, train_accuracy, validation_accuracy: after every epoch so far, as in ``EpochReport``.
        spikes_per_layer, firing_rates: of the newest epoch.
        silence_constraint: of the newest epoch; feasible iff not above zero.
        seconds: that the epochs took.
    """

    loss: tuple[float, ...]
    train_accuracy: tuple[float, ...]
    validation_accuracy: tuple[float, ...]
    spikes_per_layer: tuple[float, ...]
    firing_rates: tuple[float, ...]
    silence_constraint: float
    seconds: float

    @property
    def epoch(self) -> int:
        """Epochs finished."""
        return len(self.loss)

    def curves(self) -> dict[str, Any]:
        """What is left as metrics of a trial whose own reports were lost with its worker."""
        return {
            "loss": list(self.loss),
            "train_accuracy": list(self.train_accuracy),
            "validation_accuracy": list(self.validation_accuracy),
        }

    def as_dict(self) -> dict[str, Any]:
        """The newest epoch, and the curves that led to it thinned to ``CURVE_POINTS``, as JSON values.

        Numbers that are not finite, which JSON does not know, are None.
        """
        stride = -(-self.epoch // CURVE_POINTS)
        kept = [place for place in range(self.epoch) if (self.epoch - 1 - place) % stride == 0]
        return {
            "epoch": self.epoch,
            "loss": _finite(self.loss[-1]),
            "train_accuracy": self.train_accuracy[-1],
            "validation_accuracy": self.validation_accuracy[-1],
            "spikes_per_layer": list(self.spikes_per_layer),
            "firing_rates": list(self.firing_rates),
            "silence_constraint": _finite(self.silence_constraint),
            "seconds": self.seconds,
            "curve": {
                "epoch": [place + 1 for place in kept],
                "loss": [_finite(self.loss[place]) for place in kept],
                "validation_accuracy": [self.validation_accuracy[place] for place in kept],
            },
        }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


Listener = Callable[[Mapping[int, Progress]], None]
"""Called by a pool with the newest progress of running trials, by number."""


def unheard(_report: "EpochReport") -> None:
    """For a trial whose progress nobody wants."""


def deaf(_newest: Mapping[int, Progress]) -> None:
    """For a pool whose trials' progress nobody wants."""


class TrialStoppedError(Exception):
    """Raised inside a trial that was asked to end; its text is the reason."""


class Reporter:
    """One trial's reports; its own thread calls it, the pool's thread takes from it and may stop it."""

    def __init__(self, told: Callable[[], None] = lambda: None) -> None:
        """``told`` is called after every report, in the trial's thread."""
        self._reports: list[EpochReport] = []
        self._taken = 0
        self._reason: str | None = None
        self._told = told

    def __call__(self, report: "EpochReport") -> None:
        """Keep a report; raises TrialStoppedError once the trial was asked to end."""
        self._reports.append(report)
        self._told()
        self.check()

    def take(self) -> Progress | None:
        """The newest progress, unless it was taken before or there is none."""
        reports = tuple(self._reports)
        if len(reports) == self._taken:
            return None
        self._taken = len(reports)
        return progress_of(reports)

    def stop(self, reason: str) -> None:
        """Ask the trial to end."""
        self._reason = reason

    def restart(self) -> None:
        """Forget the reports of a run whose trial is run anew; a wish to end it stays."""
        self._reports, self._taken = [], 0

    def check(self) -> None:
        """Raise TrialStoppedError once the trial was asked to end."""
        if self._reason is not None:
            raise TrialStoppedError(self._reason)

    def curves(self) -> dict[str, Any]:
        """What every finished epoch showed, as metrics of an outcome."""
        return curves(self._reports)


def progress_of(reports: "tuple[EpochReport, ...]") -> Progress:
    """A trial that has made these reports."""
    newest = reports[-1]
    return Progress(
        loss=tuple(report.loss for report in reports),
        train_accuracy=tuple(report.accuracy for report in reports),
        validation_accuracy=tuple(report.validation_accuracy for report in reports),
        spikes_per_layer=newest.spikes_per_layer,
        firing_rates=newest.firing_rates,
        silence_constraint=newest.silence_constraint,
        seconds=sum(report.seconds for report in reports),
    )


def curves(reports: "Sequence[EpochReport]") -> dict[str, Any]:
    """What every epoch showed, as metrics of an outcome."""
    return {
        "loss": [epoch.loss for epoch in reports],
        "train_accuracy": [epoch.accuracy for epoch in reports],
        "validation_accuracy": [epoch.validation_accuracy for epoch in reports],
        "spikes_per_layer": [list(epoch.spikes_per_layer) for epoch in reports],
        "firing_rates": [list(epoch.firing_rates) for epoch in reports],
    }


def pruned(reason: str, metrics: Mapping[str, Any]) -> TrialOutcome:
    """The outcome of a trial that was stopped from outside, with what it had shown by then."""
    return TrialOutcome(state="pruned", reason=reason, metrics=dict(metrics))
