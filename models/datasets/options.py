"""What a campaign may ask of a data set beside its split."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from spikefront.errors import DataError

Polarity = Literal["both", "merge"]


@dataclass(frozen=True)
class Options:
    """Options of ``[data]``; which of them a set takes is its ``Dataset.options``.

    Attributes:
        downsample: pixels (or channels) in each direction that become one.
        denoise_us: an event needs one of a neighbouring pixel within this time before it; None keeps all.
        polarity: "both" gives ON and OFF events inputs of their own, "merge" one input a pixel.
        duration_ms: time that the time steps cover; None for the set's own.
        bands: mel bands of the filter bank for sound.
        file: file of the user's own data, below the data folder.
    """

    downsample: int = 1
    denoise_us: int | None = None
    polarity: Polarity = "both"
    duration_ms: int | None = None
    bands: int = 32
    file: str | None = None

    def __post_init__(self) -> None:
        for name in ("downsample", "denoise_us", "duration_ms", "bands"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise DataError(f"{name} is {value}; give at least 1, or leave it out")
        if self.polarity not in {"both", "merge"}:
            raise DataError(f"polarity is {self.polarity!r}; choose 'both' or 'merge'")

    def duration_us(self, default_ms: int) -> int:
        """The duration in microseconds, where the set's own is ``default_ms``."""
        return 1000 * (default_ms if self.duration_ms is None else self.duration_ms)


DEFAULTS = Options()
NAMES = tuple(field.name for field in fields(Options))
EVENT_OPTIONS = ("downsample", "denoise_us", "polarity", "duration_ms")
"""What every event set of a camera takes."""


def options_for(name: str, accepted: tuple[str, ...], given: Mapping[str, Any]) -> Options:
    """Check options (None means not given) against those that the data set ``name`` takes.

    Raises:
        DataError: naming the option, the set and what the set takes.
    """
    stated = {key: value for key, value in given.items() if value is not None}
    for key in stated:
        if key not in accepted:
            takes = f"takes {', '.join(accepted)} alone" if accepted else "takes no option"
            raise DataError(f"the data set {name!r} has no option {key!r}: it {takes}; leave {key} out")
    return Options(**stated)
