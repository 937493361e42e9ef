"""States of campaigns and trials, and every step between them that is allowed."""

from typing import Literal, get_args

from spikefront.errors import ConflictError, InputError

CampaignState = Literal["created", "running", "paused", "finished", "cancelled", "failed"]
TrialState = Literal["queued", "running", "complete", "silent", "pruned", "failed", "cancelled"]
StopRequest = Literal["pause", "cancel"]
"""What another process may ask of a campaign's driver."""

CAMPAIGN_STATES: tuple[CampaignState, ...] = get_args(CampaignState)
TRIAL_STATES: tuple[TrialState, ...] = get_args(TrialState)
FINAL_TRIAL_STATES: frozenset[TrialState] = frozenset({"complete", "silent", "pruned", "failed", "cancelled"})

# "running" to "running" is a driver taking over from one that died; "failed" to "running" is a resume. Only
# ``Store.extend`` leads out of "finished", to "paused": with a larger budget there is something left to do.
CAMPAIGN_STEPS: dict[CampaignState, frozenset[CampaignState]] = {
    "created": frozenset({"running", "cancelled", "failed"}),
    "running": frozenset({"running", "paused", "finished", "cancelled", "failed"}),
    "paused": frozenset({"running", "cancelled", "failed"}),
    "failed": frozenset({"running", "cancelled"}),
    "finished": frozenset(),
    "cancelled": frozenset(),
}
TRIAL_STEPS: dict[TrialState, frozenset[TrialState]] = {
    "queued": FINAL_TRIAL_STATES | {"running"},
    "running": FINAL_TRIAL_STATES | {"queued"},
    **{state: frozenset() for state in FINAL_TRIAL_STATES},
}


def check_campaign_step(name: str, current: CampaignState, new: CampaignState) -> None:
    """Raise ConflictError when a campaign may not go from ``current`` to ``new``, InputError if unknown."""
    _check_known(new, CAMPAIGN_STATES)
    if new not in CAMPAIGN_STEPS[current]:
        msg = f"Campaign {name!r} is {current} and cannot become {new}; {_allowed(CAMPAIGN_STEPS[current])}."
        raise ConflictError(msg)


def check_trial_step(number: int, current: TrialState, new: TrialState) -> None:
    """Raise ConflictError when a trial may not go from ``current`` to ``new``, InputError if unknown."""
    _check_known(new, TRIAL_STATES)
    if new not in TRIAL_STEPS[current]:
        msg = f"Trial {number} is {current} and cannot become {new}; {_allowed(TRIAL_STEPS[current])}."
        raise ConflictError(msg)


def _check_known(state: str, known: tuple[str, ...]) -> None:
    if state not in known:
        raise InputError(f"There is no state {state!r}; use one of {', '.join(known)}.")


def _allowed(states: frozenset[CampaignState] | frozenset[TrialState]) -> str:
    return f"it can only become {', '.join(sorted(states))}" if states else "that state is final"
