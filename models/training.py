"""Training one network by backpropagation through time, watching for silence."""

from collections.abc import Callable

from torch import Tensor

from models.batches import EncodedSplits, epoch_batches
from models.course import Course, Seen, check_fit
from models.evaluation import evaluate, predictions
from models.judge import Look
from models.learner import Learner, Step
from models.records import EpochReport, Seconds, TrainingResult, TrainingSettings
from models.specification import NetworkSpec
from models.stopwatch import timed_batches

__all__ = ["EpochReport", "Seconds", "TrainingResult", "TrainingSettings", "train"]


def train(
    spec: NetworkSpec,
    settings: TrainingSettings,
    data: EncodedSplits,
    progress: Callable[[EpochReport], None] | None = None,
) -> TrainingResult:
    """Train a network from scratch.

    With the same arguments, thread count and library versions the resulting weights are bit-identical. No
    global random generator is read or moved.

    Args:
        spec: the network; its encoding and time steps must be those of ``data``.
        settings: how to train it.
        data: shared encoded splits, not changed.
        progress: called after every epoch; what it raises ends the training.

    Raises:
        SpecError: the network does not fit the data, a monitored layer does not exist, or the device is not
            there.
    """
    check_fit(spec, settings, data)
    learner = Learner(spec, settings, -(-len(data) // settings.batch_size))
    course = Course(spec, settings, len(data))
    while _epoch(learner, course, data):
        if progress is not None:
            progress(course.reports[-1])
        if course.ends(learner.network):
            break
    return course.result(learner.network)


def _epoch(learner: Learner, course: Course, data: EncodedSplits) -> bool:
    """Train one epoch and report it; False when it was stopped."""
    course.start_epoch()
    rate = learner.learning_rate
    settings = course.settings
    batches = epoch_batches(data, settings.batch_size, settings.order_seed, len(course.reports))
    for batch in timed_batches(batches, course.clock):
        with course.clock.timed("train"):
            rate = learner.learning_rate
            if course.see(_seen(learner, learner.step(batch), batch.labels)):
                return False
    with course.clock.timed("validate"):
        accuracy = evaluate(learner.network, data.validation).accuracy
    course.close_epoch(accuracy, rate)
    return True


def _seen(learner: Learner, step: Step, labels: Tensor) -> Seen:
    guesses = predictions(step.activity.output, learner.network.spec.readout).cpu()
    spikes = step.activity.layer_spikes.numpy(force=True)
    look = Look(spikes, step.loss, step.gradients, learner.network.finite())
    return Seen(look, int((guesses == labels).sum()))
