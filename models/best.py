"""Early stopping: validation chooses the weights and says when to end."""

from dataclasses import dataclass, field

from torch import Tensor

from models.parameters import Network


@dataclass
class Best:
    """The weights that are to be kept.

    With patience, those of the best validation accuracy so far, the earliest on ties (Prechelt 1998, "Early
    stopping - but when?"); without, always the last ones.

    Attributes:
        patience: epochs without a better accuracy after which to end; 0 for never.
        epoch: number of the epoch whose end is kept, from 1; 0 before the first.
        accuracy: its validation accuracy.
    """

    patience: int
    epoch: int = 0
    accuracy: float = -1.0
    _values: list[Tensor] = field(default_factory=list)

    def see(self, epoch: int, accuracy: float, network: Network) -> bool:
        """Look at a finished epoch; True when training is to end."""
        if self.patience == 0 or accuracy > self.accuracy:
            self.epoch, self.accuracy = epoch, accuracy
            self._values = network.values() if self.patience else []
        return self.patience > 0 and epoch - self.epoch >= self.patience

    def restore(self, network: Network) -> None:
        """Give the network the weights that are kept, if an epoch was finished."""
        if self._values:
            network.restore(self._values)
