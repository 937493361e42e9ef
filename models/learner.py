"""One step of backpropagation through time: forward, loss, backward, and a move of the parameters."""

from dataclasses import dataclass

import torch
from torch import Tensor

from models.batches import Batch
from models.folding import training_stages
from models.network import Activity, Dropout, Pass, run
from models.optimisers import Learned, Optimiser, clip_gradients, gradient_norms, optimiser_named
from models.parameters import Network, initial_network
from models.records import TrainingSettings
from models.specification import NetworkSpec
from spikefront.errors import SpecError

NOISE = 1 << 32
"""Added to the seed for dropout and random surrogates, apart from every seed that draws weights."""


@dataclass(frozen=True, eq=False)
class Step:
    """What one batch did before the move.

    Attributes:
        loss: with any penalty.
        activity: of the network.
        gradients: norm of every learned tensor's gradient, before any clipping.
    """

    loss: float
    activity: Activity
    gradients: tuple[float, ...]


class Learner:
    """A network with the state of its optimiser."""

    def __init__(self, spec: NetworkSpec, settings: TrainingSettings, steps_per_epoch: int) -> None:
        check_device(settings.device)
        self.network: Network = initial_network(spec, settings.seed, settings.device)
        self.learned: list[Learned] = self.network.learned(settings.weight_decay)
        self.settings = settings
        self.steps = 0
        self._steps_per_epoch = steps_per_epoch
        self._optimiser: Optimiser = optimiser_named(settings.optimiser, self.learned, settings.momentum)
        self._generator = torch.Generator(settings.device).manual_seed(settings.seed + NOISE)
        self._pass = Pass(
            spec.time_steps,
            spec.population,
            Dropout(spec.dropout, self._generator) if spec.dropout else None,
            settings.loss.needs_membrane,
        )

    @property
    def learning_rate(self) -> float:
        """Of the coming step."""
        schedule, epochs = self.settings.schedule, self.settings.epochs
        return self.settings.learning_rate * schedule.factor(self.steps, self._steps_per_epoch, epochs)

    def step(self, batch: Batch) -> Step:
        """Learn from one batch; gradients are gone afterwards."""
        activity, loss = self._forward(batch)
        loss.backward()  # type: ignore[no-untyped-call]
        gradients = gradient_norms(self.learned)
        if self.settings.clip_norm:
            clip_gradients(self.learned, self.settings.clip_norm)
        self._optimiser.step(self.learning_rate)
        self.network.confine()
        self.steps += 1
        return Step(float(loss.detach()), activity, gradients)

    def _forward(self, batch: Batch) -> tuple[Activity, Tensor]:
        settings, device = self.settings, self.settings.device
        columns = None if batch.columns is None else batch.columns.to(device)
        with torch.autocast(torch.device(device).type, torch.bfloat16, settings.mixed_precision):
            stages = training_stages(self.network, self._generator)
            activity = run(stages, batch.inputs.to(device), self._pass, columns)
        loss = settings.loss(activity.output, batch.labels.to(device))
        if settings.rate_bounds.active:
            loss = loss + settings.rate_bounds.penalty(activity.spikes)
        return activity, loss


def check_device(name: str) -> None:
    """Refuse a device that is not there.

    Raises:
        SpecError: naming it.
    """
    if name == "cpu":
        return
    try:
        torch.zeros(1, device=name)
    except (RuntimeError, AssertionError) as fault:
        raise SpecError(
            f"the training device {name!r} cannot be used ({str(fault).splitlines()[0]}); choose 'cpu', or"
            " install PyTorch for this GPU"
        ) from fault
