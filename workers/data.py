"""The data of a campaign: what decides its split, and reading it; no torch here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from models.datasets import Splits, load
from models.datasets.options import NAMES

_BROUGHT: dict["CampaignData", Splits] = {}
"""Data sets that came to this process from another one; the latest alone, for they are large."""


@dataclass(frozen=True)
class CampaignData:
    """What decides a split and its spikes; equal for every trial of a campaign with one encoding.

    Attributes:
        set: name of the data set.
        root: data folder, None for sets that come with a library.
        max_train, validation_fraction, seed: of the split.
        options: (name, value) of the data set's options that were given.
    """

    set: str
    root: str | None
    max_train: int | None
    validation_fraction: float
    seed: int
    options: tuple[tuple[str, Any], ...] = ()

    @classmethod
    def of(cls, data: Mapping[str, Any], root: str | None, seed: int) -> "CampaignData":
        """From ``[data]`` of a campaign file as plain values; None is an option not given."""
        options = tuple((name, data[name]) for name in NAMES if data.get(name) is not None)
        split = {name: value for name, value in data.items() if name not in NAMES}
        return cls(root=root, seed=seed, options=options, **split)

    def read(self) -> Splits:
        """The data set, as every trial sees it: what was brought to this process, else from the data folder.

        Raises:
            DataError: it is unknown, missing or damaged.
        """
        if self in _BROUGHT:
            return _BROUGHT[self]
        return load(
            self.set,
            self.root,
            max_train=self.max_train,
            validation_fraction=self.validation_fraction,
            seed=self.seed,
            options=dict(self.options),
        )


@dataclass(frozen=True)
class Brought:
    """A data set on its way to the workers, which then need no data folder."""

    data: CampaignData
    splits: Splits

    def unpack(self) -> None:
        """Let ``CampaignData.read`` find it in this process."""
        _BROUGHT.clear()
        _BROUGHT[self.data] = self.splits
