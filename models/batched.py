"""Training several networks of one shape in one program: fewer and larger operations, data encoded once.

What may differ between them is what leaves the operations the same: beta, threshold, alpha, surrogate slope,
starting weights, dropout, learning rate, schedule, weight decay, momentum, clipping, epochs, patience,
silence settings and seed. The networks share nothing but the batches, so each result is that of its training
alone, up to the rounding of sums in another order.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace

from models.batches import Batch, EncodedSplits, epoch_batches
from models.course import Course, check_fit
from models.records import EpochReport, TrainingResult, TrainingSettings
from models.specification import NetworkSpec
from models.stacked_learner import StackedLearner
from models.stopwatch import Stopwatch, timed_batches
from models.surrogates import surrogate_named
from spikefront.errors import SpecError

Progress = Callable[[int, EpochReport], bool | None]
"""Called with a network's place and the report of its epoch; True ends that network's training."""


def group_key(spec: NetworkSpec, settings: TrainingSettings) -> Hashable | None:
    """What trainings must have in common to run in one program; None for one that cannot.

    Convolutions are slower in groups on a CPU; rounding while training, random surrogates and mixed precision
    are left to single runs.
    """
    single = (
        any(layer.convolutional for layer in spec.layers)
        or spec.quantisation is not None
        or surrogate_named(spec.neuron.surrogate).random
        or settings.mixed_precision
    )
    if single:
        return None
    neuron = replace(spec.neuron, beta=0.5, threshold=1.0, alpha=0.8, slope=1.0)
    return (
        replace(spec, neuron=neuron, dropout=0.0, initial="uniform", init_scale=1.0),
        *(settings.batch_size, settings.order_seed, settings.device),
        *(settings.loss, settings.rate_bounds, settings.optimiser),
    )


def train_many(
    specs: Sequence[NetworkSpec],
    settings: Sequence[TrainingSettings],
    data: EncodedSplits,
    progress: Progress | None = None,
) -> list[TrainingResult]:
    """Train networks of one group key together: what ``models.training.train`` gives for each.

    Each result equals that of a training alone up to rounding, which may in time turn a spike and then the
    digits behind it. With the same arguments, thread count and library versions the results are
    bit-identical. A network that stops early leaves the program, and the others go on without it. Seconds are
    a network's share of the time spent.

    Args:
        specs: the networks; their encoding and time steps must be those of ``data``.
        settings: how to train each of them.
        data: shared encoded splits, not changed.
        progress: called after every epoch of every network. Where it answers True, that network's training is
            over, with the weights it has then; what it raises ends all trainings.

    Raises:
        SpecError: the trainings have no group key in common, or one of them does not fit the data.
    """
    keys = {group_key(spec, each) for spec, each in zip(specs, settings, strict=True)}
    if not specs:
        return []
    if len(keys) > 1 or None in keys:
        raise SpecError(
            f"{len(specs)} networks cannot be trained in one program, for they differ in more than numbers or"
            " are of a kind that is trained alone; group them by models.batched.group_key"
        )
    for spec, each in zip(specs, settings, strict=True):
        check_fit(spec, each, data)
    return _Program.start(specs, settings, data).run(data, progress)


@dataclass
class _Program:
    """Networks in training.

    Attributes:
        learner: of those still in training.
        courses: of all networks.
        active: places, among all, of those still in training.
        results: of those that are not.
    """

    learner: StackedLearner
    courses: list[Course]
    active: list[int]
    results: dict[int, TrainingResult]

    @classmethod
    def start(
        cls, specs: Sequence[NetworkSpec], settings: Sequence[TrainingSettings], data: EncodedSplits
    ) -> "_Program":
        courses = [Course(spec, each, len(data)) for spec, each in zip(specs, settings, strict=True)]
        learner = StackedLearner(specs, settings, -(-len(data) // settings[0].batch_size))
        return cls(learner, courses, list(range(len(specs))), {})

    def run(self, data: EncodedSplits, progress: Progress | None) -> list[TrainingResult]:
        """Train until every network is done."""
        epoch = 0
        while self.active:
            self._epoch(data, epoch, progress)
            epoch += 1
        return [self.results[place] for place in range(len(self.courses))]

    def _epoch(self, data: EncodedSplits, epoch: int, progress: Progress | None) -> None:
        for place in self.active:
            self.courses[place].start_epoch()
        rates: list[float] = []
        clock = Stopwatch()
        first = self.learner.settings[0]
        batches = epoch_batches(data, first.batch_size, first.order_seed, epoch)
        for batch in timed_batches(batches, clock):
            rates = self.learner.learning_rates()
            with clock.timed("train"):
                stopped = self._step(batch)
            self._share(clock)
            rates = self._leave(stopped, rates)
            if not self.active:
                return
        with clock.timed("validate"):
            accuracies = self.learner.accuracies(data.validation)
        self._share(clock)
        ended = []
        for where, place in enumerate(self.active):
            report = self.courses[place].close_epoch(accuracies[where], rates[where])
            called_off = progress is not None and progress(place, report)
            if self.courses[place].ends(self.learner.network(where)) or called_off:
                ended.append(where)
        self._leave(ended, rates)

    def _step(self, batch: Batch) -> list[int]:
        """Train on one batch; which of the active networks it ended the training of."""
        seen = self.learner.step(batch)
        return [where for where, each in enumerate(seen) if self.courses[self.active[where]].see(each)]

    def _share(self, clock: Stopwatch) -> None:
        """Charge what the clock measured to the active networks, in equal parts, and reset it."""
        for place in self.active:
            self.courses[place].clock.add(clock, 1.0 / len(self.active))
        clock.reset()

    def _leave(self, ended: Sequence[int], rates: Sequence[float]) -> list[float]:
        """Take networks out; the rates of those that stay."""
        for where in ended:
            place = self.active[where]
            self.results[place] = self.courses[place].result(self.learner.network(where))
        staying = [where for where in range(len(self.active)) if where not in set(ended)]
        if ended and staying:
            self.learner.keep(staying)
        self.active = [self.active[where] for where in staying]
        return [rates[where] for where in staying]
