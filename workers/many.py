"""Evaluating several trials in one process, those of one shape in one training program."""

from collections.abc import Hashable, Sequence

from models.batched import group_key, train_many
from models.records import EpochReport, TrainingResult
from workers.guard import guarded, limited
from workers.outcome import TrialOutcome, TrialRequest
from workers.parameters import design_grid
from workers.progress import Reporter, TrialStoppedError
from workers.settings import code, network_spec, training_settings
from workers.trial import ORDER_SEED_OFFSET, Prepared, evaluate, outcome_of, prepare


def evaluate_many(
    requests: Sequence[TrialRequest],
    reporters: Sequence[Reporter] = (),
    limit_s: float | None = None,
) -> list[TrialOutcome]:
    """What ``workers.trial.evaluate`` gives for each request, up to rounding; errors are failed outcomes.

    Trials whose trainings can run in one program (``models.batched.group_key``) do so; the others run one
    after the other. Where a program fails as a whole, its trials are run alone, so that one cannot take
    others with it. Seconds are a trial's share.

    Args:
        requests: what to evaluate.
        reporters: one per request, told every epoch; a trial that is asked to end leaves its program at the
            end of the epoch.
        limit_s: wall time of one trial. Those of a program have as much together as each has alone; where
            that is not enough they are run alone.
    """
    heard = list(reporters) or [Reporter() for _ in requests]
    if len(requests) == 1:
        return [guarded(evaluate, requests[0], limit_s, heard[0])]
    groups: dict[Hashable, list[int]] = {}
    for place, request in enumerate(requests):
        groups.setdefault(_key(request) or place, []).append(place)
    outcomes: dict[int, TrialOutcome] = {}
    for places in groups.values():
        found = _together([requests[k] for k in places], [heard[k] for k in places], limit_s)
        outcomes.update(zip(places, found, strict=True))
    return [outcomes[place] for place in range(len(requests))]


def program_key(request: TrialRequest, input_shape: tuple[int, ...], classes: int) -> Hashable | None:
    """What trials of one program have in common; None for one that runs alone, or not at all.

    Args:
        request: the trial.
        input_shape: of one sample in one time step.
        classes: of the data set.
    """
    try:
        parameters = design_grid(request.config, request.designs)[0]
        if parameters.learning == "stdp":
            return None
        spec = network_spec(parameters, input_shape, classes)
        data_seed = request.split_seed + ORDER_SEED_OFFSET
        settings = training_settings(parameters, request.seed, request.silence, data_seed)
    except Exception:  # its own run says what is wrong with it
        return None
    key = group_key(spec, settings)
    return None if key is None else (key, code(parameters), request.threads)


def _key(request: TrialRequest) -> Hashable | None:
    """The key of a trial whose data can be read."""
    try:
        prepared = prepare(request)
    except Exception:  # its own run says what is wrong with it
        return None
    key = program_key(request, prepared.splits.shape, prepared.splits.classes)
    return None if key is None else (key, id(prepared.encoded))


def _together(
    requests: Sequence[TrialRequest], reporters: Sequence[Reporter], limit_s: float | None
) -> list[TrialOutcome]:
    """Outcomes of trials of one key."""
    pairs = list(zip(requests, reporters, strict=True))
    if len(pairs) > 1:
        try:
            with limited(None if limit_s is None else limit_s * len(pairs)):
                return _trained_together(pairs)
        except Exception:  # their own runs tell whose fault it is
            for reporter in reporters:
                reporter.restart()
    return [guarded(evaluate, request, limit_s, reporter) for request, reporter in pairs]


def _trained_together(pairs: Sequence[tuple[TrialRequest, Reporter]]) -> list[TrialOutcome]:
    prepared = [prepare(request) for request, _ in pairs]
    reporters = [reporter for _, reporter in pairs]
    specs, settings = zip(*(each.gradient_training() for each in prepared), strict=True)

    def told_to_end(place: int, report: EpochReport) -> bool:
        try:
            reporters[place](report)
        except TrialStoppedError:
            return True
        return False

    results = train_many(specs, settings, prepared[0].encoded, told_to_end)
    return [_outcome(*each) for each in zip(prepared, results, reporters, strict=True)]


def _outcome(prepared: Prepared, result: TrainingResult, reporter: Reporter) -> TrialOutcome:
    spent = result.seconds.encode + result.seconds.train + result.seconds.validate
    return guarded(
        lambda _request, _report: outcome_of(prepared, result, spent), prepared.request, reporter=reporter
    )
