"""The data of a campaign: what decides its split, and reading it; no torch here."""

from dataclasses import dataclass

from models.datasets import Splits, load


@dataclass(frozen=True)
class CampaignData:
    """What decides a split and its spikes; equal for every trial of a campaign with one encoding."""

    set: str
    root: str | None
    max_train: int | None
    validation_fraction: float
    seed: int

    def read(self) -> Splits:
        """The data set, as every trial sees it.

        Raises:
            DataError: it is unknown, missing or damaged.
        """
        return load(
            self.set,
            self.root,
            max_train=self.max_train,
            validation_fraction=self.validation_fraction,
            seed=self.seed,
        )
