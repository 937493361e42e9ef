"""Evaluating several trials in one process, those of one shape in one training program."""

from collections.abc import Hashable, Sequence

from models.batched import group_key, train_many
from models.records import TrainingResult
from workers.guard import TrialTimeoutError, guarded
from workers.outcome import TrialOutcome, TrialRequest
from workers.trial import Prepared, evaluate, outcome_of, prepare


def evaluate_many(requests: Sequence[TrialRequest]) -> list[TrialOutcome]:
    """What ``workers.trial.evaluate`` gives for each request, up to rounding; errors are failed outcomes.

    Trials whose trainings can run in one program (``models.batched.group_key``) do so; the others run one
    after the other. Where a program fails as a whole, its trials are run alone, so that one cannot take
    others with it. Seconds are a trial's share.
    """
    groups: dict[Hashable, list[int]] = {}
    for place, request in enumerate(requests):
        groups.setdefault(_key(request) or place, []).append(place)
    outcomes: dict[int, TrialOutcome] = {}
    for places in groups.values():
        outcomes.update(zip(places, _together([requests[place] for place in places]), strict=True))
    return [outcomes[place] for place in range(len(requests))]


def _key(request: TrialRequest) -> Hashable | None:
    """What trials of one program have in common; None for one that runs alone, or not at all."""
    try:
        prepared = prepare(request)
        key = None if prepared.parameters.learning == "stdp" else group_key(*prepared.gradient_training())
    except TrialTimeoutError:
        raise
    except Exception:  # its own run says what is wrong with it
        return None
    return None if key is None else (key, id(prepared.encoded), request.threads)


def _together(requests: Sequence[TrialRequest]) -> list[TrialOutcome]:
    """Outcomes of trials of one key."""
    if len(requests) == 1:
        return [guarded(evaluate, requests[0])]
    try:
        prepared = [prepare(request) for request in requests]
        specs, settings = zip(*(each.gradient_training() for each in prepared), strict=True)
        results = train_many(specs, settings, prepared[0].encoded)
    except TrialTimeoutError:
        raise
    except Exception:
        return [guarded(evaluate, request) for request in requests]
    return [_outcome(each, result) for each, result in zip(prepared, results, strict=True)]


def _outcome(prepared: Prepared, result: TrainingResult) -> TrialOutcome:
    spent = result.seconds.encode + result.seconds.train + result.seconds.validate
    return guarded(lambda _request, _report: outcome_of(prepared, result, spent), prepared.request)
