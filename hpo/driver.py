"""The asynchronous loop: ask, submit, collect, record, until the budget is spent or somebody says stop.

The store is the truth: every change is one transaction, so the loop may be killed between any two lines and a
later ``drive`` goes on from what is recorded. A free worker never waits for another trial.
"""

import platform
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hpo.campaign import CampaignSpec
from hpo.history import observations, observe
from hpo.home import Home
from hpo.lease import hold
from hpo.optimizer import Exhausted, Observation, Problem, Proposal
from hpo.optimizer.propose import propose, random_proposal
from hpo.space import Config
from hpo.store import CampaignState, DesignResult, Store, TrialRecord, TrialResult
from spikefront.errors import ConflictError, SpikefrontError
from workers.outcome import DesignOutcome, TrialOutcome, TrialRequest
from workers.pool import Pool

POLL_S = 0.5
HOPELESS = 5
"""This many failures before the first complete trial stop a campaign: something is wrong with all."""


@dataclass(frozen=True)
class Campaign:
    """A stored campaign, opened for driving."""

    spec: CampaignSpec
    problem: Problem
    store: Store
    home: Home
    data_root: str | None

    @property
    def name(self) -> str:
        """The campaign's name."""
        return self.spec.name


@dataclass(frozen=True)
class Hooks:
    """How the loop talks to its starter: ``changed`` after every change, ``stop`` asked in every turn."""

    changed: Callable[[], None] = lambda: None
    stop: Callable[[], bool] = lambda: False


def drive(campaign: Campaign, pool: Pool, hooks: Hooks) -> CampaignState:
    """Run the campaign's remaining trials and return the state it ends in: "finished" or "paused".

    Raises:
        ConflictError: the campaign is over, or another driver holds it.
        SpikefrontError: every one of the first trials failed; the sentence holds the first reason.
    """
    store, name = campaign.store, campaign.name
    with hold(store, name) as lost:
        store.set_campaign_state(name, "running")
        store.requeue_running(name)
        try:
            state = _loop(campaign, pool, hooks, lost)
        except BaseException:
            if not lost.is_set():
                _leave(campaign, "paused")
            raise
        _check_held(campaign, lost)
        _leave(campaign, state)
    return state


def _leave(campaign: Campaign, state: CampaignState) -> None:
    """Put what runs back into the queue and leave the campaign in ``state``, unless it has ended already."""
    campaign.store.requeue_running(campaign.name)
    if campaign.store.campaign(campaign.name).state == "running":
        campaign.store.set_campaign_state(campaign.name, state)


def _loop(campaign: Campaign, pool: Pool, hooks: Hooks, lost: threading.Event) -> CampaignState:
    """Keep the workers busy until nothing is left to do, or until ``stop``."""
    history = observations(campaign.spec, campaign.store)
    before = len(history)
    running: set[int] = set()
    while not hooks.stop():
        _check_held(campaign, lost)
        _fill(campaign, pool, history, running, hooks)
        if not running:
            return "finished"
        ended = pool.collect(POLL_S)
        _check_held(campaign, lost)
        for number, outcome in ended:
            running.discard(number)
            history.append(_record(campaign, number, outcome))
            hooks.changed()
        _check_hope(campaign, history[before:])
    return "paused"


def _check_held(campaign: Campaign, lost: threading.Event) -> None:
    """Write nothing more once another driver has the campaign."""
    if lost.is_set():
        raise ConflictError(f"another driver took over campaign {campaign.name!r}: leave it to that one")


def _fill(
    campaign: Campaign, pool: Pool, history: list[Observation], running: set[int], hooks: Hooks
) -> None:
    """Give every free worker a trial while there is one."""
    while pool.free > 0 and not hooks.stop():
        trial = _next(campaign, history)
        if trial is None:
            return
        campaign.store.start_trial(campaign.name, trial.number)
        running.add(trial.number)
        pool.submit(_request(campaign, trial))
        hooks.changed()


def _next(campaign: Campaign, history: list[Observation]) -> TrialRecord | None:
    """The first queued trial, else a newly proposed one; None when the budget or the space is used up."""
    store, name = campaign.store, campaign.name
    queued = store.trials(name, states={"queued"}, limit=1)
    if queued:
        return queued[0]
    count = sum(store.counts(name).values())
    if count >= campaign.spec.budget.trials:
        return None
    pending = [trial.config for trial in store.trials(name, states={"running"})]
    proposal = _ask(campaign, history, pending, count)
    if isinstance(proposal, Exhausted):
        return None
    seed = trial_seed(campaign.spec.seed, count)
    return store.add_trial(name, dict(proposal.config), seed, proposal.explanation)


def _ask(
    campaign: Campaign, history: list[Observation], pending: Sequence[Config], index: int
) -> Proposal | Exhausted:
    """The next configuration, by the campaign's way of searching."""
    if campaign.spec.search == "random":
        return random_proposal(campaign.problem, index, [*(seen.config for seen in history), *pending])
    return propose(campaign.problem, history, pending, index)


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
    )


def _record(campaign: Campaign, number: int, outcome: TrialOutcome) -> Observation:
    """Write an outcome; its artifact goes to disk before the transaction that names it."""
    artifact = campaign.home.artifacts.put(outcome.artifact) if outcome.artifact else None
    designs = [_design(campaign.spec, design) for design in outcome.designs]
    result = TrialResult(
        state=outcome.state,
        reason=outcome.reason or "",
        traceback=outcome.traceback or "",
        metrics=outcome.metrics,
        constraints=outcome.constraints,
        spikes_per_layer=outcome.spikes_per_layer,
        timings=outcome.timings,
        versions={**outcome.versions, "machine": platform.machine()},
        artifact=artifact,
        designs=designs,
    )
    trial = campaign.store.finish_trial(campaign.name, number, result)
    return observe(campaign.spec, trial, campaign.store.designs(campaign.name, trial=number))


def _design(spec: CampaignSpec, design: DesignOutcome) -> DesignResult:
    return DesignResult(
        config=design.config,
        measures=design.measures,
        details=design.details,
        feasible=is_feasible(spec, design.measures),
    )


def is_feasible(spec: CampaignSpec, measures: dict[str, Any]) -> bool:
    """Whether a design keeps every bound of the campaign; a silent one never does."""
    if measures["silent_fraction"] > spec.silence.beta_silent:
        return False
    for name, bound in spec.bounds:
        if bound.min is not None and measures[name] < bound.min:
            return False
        if bound.max is not None and measures[name] > bound.max:
            return False
    return True


def _check_hope(campaign: Campaign, ended: list[Observation]) -> None:
    """End the campaign when trials of this run fail and none completes."""
    failed = [trial for trial in ended if trial.status == "failed"]
    enough = min(HOPELESS, campaign.spec.budget.trials)
    if len(failed) < enough or any(trial.status == "complete" for trial in ended):
        return
    store, name = campaign.store, campaign.name
    _leave(campaign, "failed")
    first = store.trial(name, failed[0].index)
    raise SpikefrontError(
        f"{enough} trials failed and none completed, trial {first.number} with: {first.reason}; see "
        f"'spikefront show {name} {first.number}', mend the cause and run it again with --name, or "
        f"'spikefront resume {name}' to spend what is left of the budget"
    )
