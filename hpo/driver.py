"""The asynchronous loop: ask, submit, collect, record, until the budget is spent or somebody says stop.

The store is the truth: every change is one transaction, so the loop may be killed between any two lines and a
later ``drive`` goes on from what is recorded. A free worker never waits for another trial. What other
processes ask (pause, cancel, more trials) stands in the store too, and is looked up in every turn.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from hpo.batching import batch_size, held
from hpo.campaign import CampaignSpec
from hpo.feasible import feasible_points
from hpo.history import observations, observe
from hpo.home import Home
from hpo.lease import LEASE_S, Lease, hold
from hpo.noting import Notes
from hpo.optimizer import Exhausted, Observation, Problem, Proposal
from hpo.optimizer.propose import propose, random_proposal
from hpo.pruning import Pruner, pruner_of
from hpo.recording import result_of
from hpo.space import Config
from hpo.stopping import StopWatch, watch_of
from hpo.store import CampaignRecord, CampaignState, Store, TrialRecord, TrialResult
from hpo.store.patient import PATIENCE_S, patient, patiently
from spikefront.errors import InputError, SpikefrontError, StoreAwayError, TakenOverError
from workers.outcome import TrialOutcome, TrialRequest
from workers.pool import Pool
from workers.progress import Listener, Progress

POLL_S = 0.5
HOPELESS = 5
"""This many failures before the first complete trial stop a campaign: something is wrong with all."""


@dataclass(frozen=True)
class Campaign:
    """A stored campaign, opened for driving; ``key`` tells what trials of one program have in common."""

    spec: CampaignSpec
    problem: Problem
    store: Store
    home: Home
    data_root: str | None
    key: Callable[[TrialRequest], Hashable | None] = lambda _request: None

    @property
    def name(self) -> str:
        """The campaign's name."""
        return self.spec.name


@dataclass(frozen=True)
class Spent:
    """Nothing is left to start: why, where it is not for the budget of trials."""

    reason: str | None = None


@dataclass(frozen=True)
class Known:
    """What the loop knows of its trials: those that ended, those that run, and what the rules look at."""

    history: list[Observation]
    running: set[int]
    watch: StopWatch
    pruner: Pruner


@dataclass(frozen=True)
class Hooks:
    """How the loop talks to its starter.

    Attributes:
        changed: called after every change.
        stop: asked in every turn; true ends the driving.
        waits: told of an error of the database or the disk while the loop waits for it.
        patience_s: how long it waits.
    """

    changed: Callable[[], None] = lambda: None
    stop: Callable[[], bool] = lambda: False
    waits: Callable[[Exception], None] = lambda _error: None
    patience_s: float = PATIENCE_S

    def told(self, error: Exception) -> bool:
        """For ``hpo.store.patient``."""
        self.waits(error)
        return self.stop()


def drive(campaign: Campaign, pool: Pool, hooks: Hooks, lease_s: float = LEASE_S) -> CampaignState:
    """Run the campaign's remaining trials and return the state it ends in: finished, paused or cancelled.

    Trials that still run in the pool then are the caller's to stop, by closing it.

    Raises:
        ConflictError: the campaign is over, or another driver holds it.
        TakenOverError: another driver took it, since this one did not renew its lease for ``lease_s``.
        StoreAwayError: the database did not answer for ``hooks.patience_s``; ``resume`` goes on from there.
        SpikefrontError: every one of the first trials failed; the sentence holds the first reason.
    """
    with hold(campaign.store, campaign.name, lease_s) as lease:
        campaign = replace(campaign, store=patient(lease.store, hooks.patience_s, hooks.told))
        campaign.store.set_campaign_state(campaign.name, "running")
        campaign.store.requeue_running(campaign.name)
        try:
            return _loop(campaign, pool, hooks, lease)
        except TakenOverError:
            raise
        except BaseException:
            with suppress(StoreAwayError):
                if lease.store.campaign(campaign.name).state == "running":
                    lease.store.leave(campaign.name, "paused")
            raise


def _loop(campaign: Campaign, pool: Pool, hooks: Hooks, lease: Lease) -> CampaignState:
    """Keep the workers busy until nothing is left to do, or until somebody asks for an end."""
    store, name = campaign.store, campaign.name
    history = observations(campaign.spec, store)
    watch = watch_of(campaign.spec.stop_when, campaign.problem.scale, store, name, history)
    known = Known(history, set(), watch, pruner_of(campaign.spec, campaign.problem, store, history))
    before = len(history)
    listen = _listener(pool, Notes(store, name, hooks.changed), known.pruner)
    while True:
        lease.check()
        seen = store.campaign(name)
        order = _order(seen, hooks)
        spent = _fill(campaign, pool, known, hooks) if order == "go" else None
        if order == "stop" or (not known.running and (spent or order == "drain")):
            if store.leave(name, "finished" if spent else "paused", seen, spent.reason if spent else None):
                return store.campaign(name).state
            continue
        for number, outcome in pool.collect(POLL_S, listen):
            known.running.discard(number)
            kept = known.pruner.annotated(number, outcome, feasible_points(campaign.spec, outcome))
            trial, observation = _record(campaign, hooks, number, kept)
            history.append(observation)
            watch.ended(trial, observation)
            known.pruner.ended(trial)
            hooks.changed()
        _check_hope(campaign, history[before:])


def _listener(pool: Pool, notes: Notes, pruner: Pruner) -> Listener:
    """Keeps what running trials show, for whoever looks on, and stops those that are hopeless."""

    def listen(newest: Mapping[int, Progress]) -> None:
        notes(newest)
        for number, reason in pruner.look(newest).items():
            pool.stop(number, reason)

    return listen


def _order(seen: CampaignRecord, hooks: Hooks) -> Literal["go", "drain", "stop"]:
    """Whether to start trials, only to let running ones end, or to leave them too."""
    if hooks.stop() or seen.request_now:
        return "stop"
    return "drain" if seen.request else "go"


def _fill(campaign: Campaign, pool: Pool, known: Known, hooks: Hooks) -> Spent | None:
    """Give every free worker a trial; says so when there is none left to give."""
    while pool.free > 0:
        seen = campaign.store.campaign(campaign.name)
        if _order(seen, hooks) != "go":
            return None
        trial = _next(campaign, known, seen)
        if isinstance(trial, Spent):
            return trial
        trials = [trial, *_mates(campaign, known, seen, trial)]
        for each in trials:
            known.watch.started(campaign.store.start_trial(campaign.name, each.number))
            known.running.add(each.number)
        pool.submit(*(_request(campaign, each) for each in trials))
        hooks.changed()
    return None


def _next(campaign: Campaign, known: Known, seen: CampaignRecord) -> TrialRecord | Spent:
    """The first queued trial, else a newly proposed one, unless budget, rules or space leave none."""
    queued = campaign.store.trials(campaign.name, states={"queued"}, limit=1)
    return queued[0] if queued else _propose(campaign, known, seen, seen.narrowed)


def _mates(campaign: Campaign, known: Known, seen: CampaignRecord, first: TrialRecord) -> list[TrialRecord]:
    """Trials to train in one program with the ``first``: queued ones, then new ones of its shape."""
    store, spec = campaign.store, campaign.spec
    key = campaign.key(_request(campaign, first)) if spec.workers.batch > 1 else None
    if key is None:
        return []
    queued = [each for each in store.trials(campaign.name, states={"queued"}) if each.number != first.number]
    asked = store.trial_count(campaign.name)
    left = spec.budget.trials + seen.extra_trials - asked + len(queued) + 1
    size = batch_size(spec, left) - 1
    mates = [trial for trial in queued if campaign.key(_request(campaign, trial)) == key][:size]
    shape = held(campaign.problem.space, first.config)
    if shape and first.number < campaign.problem.initial:
        return mates  # the start is to see many shapes
    while len(mates) < size:
        found = _propose(campaign, known, seen, {**seen.narrowed, **shape}, first.number)
        if isinstance(found, Spent):
            break
        if campaign.key(_request(campaign, found)) != key:
            break  # it stays queued, for a batch of its own
        mates.append(found)
    return mates


def _propose(
    campaign: Campaign,
    known: Known,
    seen: CampaignRecord,
    narrowed: dict[str, Any],
    mate_of: int | None = None,
) -> TrialRecord | Spent:
    """A newly proposed trial (in the shape of ``mate_of``), unless budget, rules or space leave none."""
    store, name = campaign.store, campaign.name
    count = store.trial_count(name)
    if count >= campaign.spec.budget.trials + seen.extra_trials:
        return Spent()
    if count >= seen.exempt_trials and (reason := known.watch.reason(datetime.now(UTC))):
        return Spent(reason)
    pending = [trial.config for trial in store.trials(name, states={"running", "queued"})]
    proposal = _ask(campaign, known.history, pending, count, narrowed)
    if isinstance(proposal, Exhausted):
        where = "space as it is narrowed" if narrowed else "space"
        return Spent(f"all {proposal.cardinality} configurations of the {where} have been tried")
    seed = trial_seed(campaign.spec.seed, count)
    told = proposal.explanation if mate_of is None else {**proposal.explanation, "mate_of": mate_of}
    return store.add_trial(name, dict(proposal.config), seed, told)


def _ask(
    campaign: Campaign,
    history: list[Observation],
    pending: Sequence[Config],
    index: int,
    narrowed: dict[str, Any],
) -> Proposal | Exhausted:
    """The next configuration, by the campaign's way of searching, in the space as it is narrowed now."""
    problem = replace(campaign.problem, space=campaign.problem.space.narrow(narrowed))
    if campaign.spec.search == "random":
        return random_proposal(problem, index, [*(seen.config for seen in history), *pending])
    return propose(problem, history, pending, index)


def trial_seed(campaign_seed: int, number: int) -> int:
    """The seed of one trial's training: fixed by the campaign's seed and the trial's number."""
    return (campaign_seed * 1_000_003 + number * 7_919 + 1) % 2**31


def _request(campaign: Campaign, trial: TrialRecord) -> TrialRequest:
    spec = campaign.spec
    return TrialRequest(
        number=trial.number,
        seed=trial.seed,
        config=spec.complete(trial.config),
        designs=spec.designs,
        data=spec.data.model_dump(),
        silence=spec.silence.model_dump(),
        split_seed=spec.seed,
        data_root=campaign.data_root,
        energy_model=spec.energy_model,
        device=spec.device,
        threads=spec.workers.threads,
        train_on="cuda" if spec.workers.gpus else "cpu",
    )


def _record(
    campaign: Campaign, hooks: Hooks, number: int, outcome: TrialOutcome
) -> tuple[TrialRecord, Observation]:
    """Write an outcome; its artifact goes to disk, once there is room, before what names it is written."""
    content, put = outcome.artifact, campaign.home.artifacts.put
    kept = patiently(lambda _: put(content), (OSError,), hooks.patience_s, hooks.told) if content else None
    try:
        trial = campaign.store.finish_trial(campaign.name, number, result_of(campaign.spec, outcome, kept))
    except InputError as error:  # numbers that are not finite, above all
        trial = campaign.store.finish_trial(
            campaign.name, number, TrialResult("failed", reason=f"its outcome cannot be recorded: {error}")
        )
    return trial, observe(campaign.spec, trial, campaign.store.points(campaign.name, (number, number)))


def _check_hope(campaign: Campaign, ended: list[Observation]) -> None:
    """End the campaign when trials of this run fail and none completes."""
    failed = [trial for trial in ended if trial.status == "failed"]
    enough = min(HOPELESS, campaign.spec.budget.trials)
    if len(failed) < enough or any(trial.status == "complete" for trial in ended):
        return
    store, name = campaign.store, campaign.name
    store.leave(name, "failed")
    first = store.trial(name, failed[0].index)
    raise SpikefrontError(
        f"{enough} trials failed and none completed, trial {first.number} with: {first.reason}; see "
        f"'spikefront show {name} {first.number}', mend the cause and run it again with --name, or "
        f"'spikefront resume {name}' to spend what is left of the budget"
    )
