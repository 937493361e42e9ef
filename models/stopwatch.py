"""Wall time of a training, by part."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from models.batches import Batch


@dataclass
class Stopwatch:
    """Wall time by part, in seconds."""

    encode: float = 0.0
    train: float = 0.0
    validate: float = 0.0

    @contextmanager
    def timed(self, part: str) -> Iterator[None]:
        """Add what happens inside to a part."""
        start = time.perf_counter()
        yield
        setattr(self, part, getattr(self, part) + time.perf_counter() - start)

    def add(self, other: "Stopwatch", share: float) -> None:
        """Add a share of what another one measured."""
        for part, seconds in vars(other).items():
            setattr(self, part, getattr(self, part) + share * seconds)

    def reset(self) -> None:
        """Start from zero."""
        self.encode = self.train = self.validate = 0.0

    def total(self) -> float:
        """All parts together."""
        return self.encode + self.train + self.validate


def timed_batches(batches: Iterator[Batch], clock: Stopwatch) -> Iterator[Batch]:
    """The same batches, the time that each takes to encode added to the clock."""
    while True:
        with clock.timed("encode"):
            batch = next(batches, None)
        if batch is None:
            return
        yield batch
