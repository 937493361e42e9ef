"""One step of backpropagation through time for several networks at once."""

from collections.abc import Sequence

import torch
from torch import Tensor

from models.batches import Batch
from models.course import Seen
from models.encoders import EncodedSet
from models.evaluation import batch_size, predictions
from models.judge import Look
from models.learner import NOISE, check_device
from models.network import Dropout
from models.parameters import Network, initial_network
from models.records import TrainingSettings
from models.specification import NetworkSpec
from models.stack import Stack
from models.stacked_optimisers import clip_stacked, stacked_norms, stacked_optimiser
from models.stacked_pass import StackedActivity, StackedPass, run_stack


class StackedLearner:
    """Networks of one shape with the state of their optimisers.

    Args:
        specs: of the networks.
        settings: how each is trained; all have one group key (``models.batched.group_key``).
        steps_per_epoch: batches in an epoch.
    """

    def __init__(
        self, specs: Sequence[NetworkSpec], settings: Sequence[TrainingSettings], steps_per_epoch: int
    ) -> None:
        self.settings = list(settings)
        common = self.settings[0]
        check_device(common.device)
        pairs = zip(specs, settings, strict=True)
        self.stack = Stack.of([initial_network(spec, each.seed, each.device) for spec, each in pairs])
        self.steps = 0
        self._steps_per_epoch = steps_per_epoch
        self._learned = self.stack.learned([each.weight_decay for each in settings])
        self._optimiser = stacked_optimiser(
            common.optimiser, self._learned, [each.momentum for each in settings]
        )
        self._generators = [torch.Generator(each.device).manual_seed(each.seed + NOISE) for each in settings]

    def __len__(self) -> int:
        return len(self.stack)

    def learning_rates(self) -> list[float]:
        """Of the coming step, one per network."""
        steps, per_epoch = self.steps, self._steps_per_epoch
        return [
            each.learning_rate * each.schedule.factor(steps, per_epoch, each.epochs) for each in self.settings
        ]

    def network(self, place: int) -> Network:
        """One of the networks, a part of the stack."""
        return self.stack.network(place)

    def keep(self, places: Sequence[int]) -> None:
        """Go on with some of the networks alone."""
        self.stack = self.stack.kept(places)
        self.settings = [self.settings[place] for place in places]
        self._generators = [self._generators[place] for place in places]
        self._learned = self.stack.learned([each.weight_decay for each in self.settings])
        self._optimiser.keep(places, self._learned)

    def step(self, batch: Batch) -> list[Seen]:
        """Learn from one batch; what it showed of every network before the move."""
        activity, losses = self._forward(batch)
        losses.sum().backward()  # type: ignore[no-untyped-call]
        norms = stacked_norms(self._learned)
        clip_stacked(self._learned, norms, [each.clip_norm for each in self.settings])
        self._optimiser.step(self.learning_rates())
        self.stack.confine()
        self.steps += 1
        rows = zip(
            activity.layer_spikes().numpy(force=True),
            losses.tolist(),
            norms.tolist(),
            self._correct(activity, batch.labels),
            self.stack.finite(),
            strict=True,
        )
        return [
            Seen(Look(spikes, loss, tuple(gradients), finite), correct)
            for spikes, loss, gradients, correct, finite in rows
        ]

    def accuracies(self, data: EncodedSet) -> list[float]:
        """Of every network on a split."""
        correct = [0] * len(self)
        size = max(1, batch_size(self.stack.specs[0]) // len(self))
        how = StackedPass(training=False, membrane=self._reads_membrane())
        with torch.inference_mode():
            for start in range(0, len(data), size):
                rows = slice(start, start + size)
                inputs = torch.from_numpy(data.batch(rows)).to(self.settings[0].device)
                found = self._correct(run_stack(self.stack, inputs, how), torch.from_numpy(data.labels[rows]))
                correct = [one + more for one, more in zip(correct, found, strict=True)]
        return [each / len(data) for each in correct]

    def _forward(self, batch: Batch) -> tuple[StackedActivity, Tensor]:
        common, weight = self.settings[0], self.stack.layers[0].weight
        columns = None if batch.columns is None else batch.columns.to(weight.device)
        activity = run_stack(self.stack, batch.inputs.to(weight.device), self._pass(), columns)
        labels = batch.labels.to(weight.device).repeat(len(self))
        losses = common.loss.per_sample(activity.output, labels).view(len(self), -1).mean(1)
        if common.rate_bounds.active:
            losses = losses + common.rate_bounds.of_rates(activity.rates())
        return activity, losses

    def _pass(self) -> StackedPass:
        shares = [spec.dropout for spec in self.stack.specs]
        needed = self.settings[0].loss.needs_membrane
        return StackedPass(
            training=True,
            membrane=needed or self._reads_membrane(),
            membrane_gradient=needed,
            dropouts=list(map(Dropout, shares, self._generators)) if any(shares) else (),
        )

    def _reads_membrane(self) -> bool:
        return self.stack.specs[0].readout == "max_membrane"

    def _correct(self, activity: StackedActivity, labels: Tensor) -> list[int]:
        """Samples that each network classified rightly."""
        guesses = predictions(activity.output, self.stack.specs[0].readout).view(len(self), -1).cpu()
        found: list[int] = (guesses == labels).sum(1).tolist()
        return found
