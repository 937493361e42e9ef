"""The asynchronous loop: ask, submit, collect, record, until the budget is spent or somebody says stop.

The store is the truth: every change is one transaction, so the loop may be killed between any two lines and a
later ``drive`` goes on from what is recorded. A free worker never waits for another trial.
"""

import os
import platform
import secrets
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hpo.campaign import CampaignSpec
from hpo.history import observations, observe
from hpo.home import Home
from hpo.optimizer import Exhausted, Observation, Problem, propose
from hpo.store import DesignResult, Store, TrialRecord, TrialResult
from spikefront.errors import ConflictError, SpikefrontError
from workers.outcome import DesignOutcome, TrialOutcome, TrialRequest
from workers.pool import Pool

LEASE_S = 20.0
"""A driver that has not renewed for this long is taken for dead."""
POLL_S = 0.5
HOPELESS = 5
"""A campaign whose first trials all failed, this many of them, is stopped: something is wrong with all."""


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


def drive(campaign: Campaign, pool: Pool, hooks: Hooks) -> str:
    """Run the campaign's remaining trials and return the state it ends in: "finished" or "paused".

    Raises:
        ConflictError: the campaign is over, or another driver holds it.
        SpikefrontError: every one of the first trials failed; the sentence holds the first reason.
    """
    holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
    _take_over(campaign, holder, hooks)
    try:
        campaign.store.requeue_running(campaign.name)
        _loop(campaign, pool, hooks, holder)
        state = "paused" if hooks.stop() else "finished"
        campaign.store.requeue_running(campaign.name)
        campaign.store.set_campaign_state(campaign.name, state)
    except _HopelessError as error:
        campaign.store.set_campaign_state(campaign.name, "failed")
        raise SpikefrontError(str(error)) from None
    finally:
        campaign.store.drop_lease(campaign.name, holder)
    return state


class _HopelessError(Exception):
    """Raised inside the loop when going on makes no sense."""


def _take_over(campaign: Campaign, holder: str, hooks: Hooks) -> None:
    """Take the lease, waiting out the one of a driver that may have died, and mark the campaign running."""
    deadline = time.monotonic() + LEASE_S + 1.0
    while True:
        try:
            campaign.store.take_lease(campaign.name, holder, LEASE_S)
            break
        except ConflictError:
            if time.monotonic() > deadline or hooks.stop():
                raise
            time.sleep(POLL_S)
    campaign.store.set_campaign_state(campaign.name, "running")


def _loop(campaign: Campaign, pool: Pool, hooks: Hooks, holder: str) -> None:
    history = observations(campaign.spec, campaign.store)
    renewed = time.monotonic()
    exhausted = False
    while not hooks.stop():
        exhausted = _fill(campaign, pool, history, exhausted, hooks)
        if not campaign.store.trials(campaign.name, states={"running"}):
            return
        for number, outcome in pool.collect(POLL_S):
            history.append(_record(campaign, number, outcome))
            hooks.changed()
        _check_hope(campaign, history)
        if time.monotonic() - renewed > LEASE_S / 4:
            campaign.store.take_lease(campaign.name, holder, LEASE_S)
            renewed = time.monotonic()


def _fill(campaign: Campaign, pool: Pool, history: list[Observation], exhausted: bool, hooks: Hooks) -> bool:
    """Give every free worker a trial, queued ones first; returns whether the space is exhausted."""
    store, name = campaign.store, campaign.name
    queued = store.trials(name, states={"queued"})
    while pool.free > 0 and not hooks.stop():
        if queued:
            trial = queued.pop(0)
        elif exhausted or (count := len(store.trials(name))) >= campaign.spec.budget.trials:
            return exhausted
        else:
            pending = [t.config for t in store.trials(name, states={"running"})]
            proposal = propose(campaign.problem, history, pending, count)
            if isinstance(proposal, Exhausted):
                return True
            seed = trial_seed(campaign.spec.seed, count)
            trial = store.add_trial(name, dict(proposal.config), seed, proposal.explanation)
        store.start_trial(name, trial.number)
        pool.submit(_request(campaign, trial))
        hooks.changed()
    return exhausted


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
    for name, bound in spec.constraints.items():
        if bound.min is not None and measures[name] < bound.min:
            return False
        if bound.max is not None and measures[name] > bound.max:
            return False
    return True


def _check_hope(campaign: Campaign, history: list[Observation]) -> None:
    if len(history) < HOPELESS or any(seen.status != "failed" for seen in history):
        return
    first = campaign.store.trial(campaign.name, history[0].index)
    raise _HopelessError(
        f"the first {HOPELESS} trials all failed, the first with: {first.reason}; "
        f"see 'spikefront show {campaign.name} {first.number}' for the traceback"
    )
