"""The store's longer questions, as statements: which trials, which designs, how many."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, cast, func, select

from hpo.store.states import TrialState
from hpo.store.tables import CampaignRow, DesignRow, TrialRow

CHUNK = 500


def campaigns(limit: int | None, offset: int) -> Select[CampaignRow]:
    """Campaigns, newest first."""
    query = select(CampaignRow).order_by(CampaignRow.created_at.desc(), CampaignRow.name)
    return query.limit(limit).offset(offset)


def trials(
    campaign: str, states: Collection[TrialState] | None, after: int, limit: int | None
) -> Select[TrialRow]:
    """Trials by number."""
    query = select(TrialRow).where(TrialRow.campaign == campaign, TrialRow.number > after)
    if states is not None:
        query = query.where(TrialRow.state.in_(states))
    return query.order_by(TrialRow.number).limit(limit)


def trials_numbered(campaign: str, numbers: Collection[int]) -> Iterator[Select[TrialRow]]:
    """Those trials by number, in as many statements as databases take parameters for."""
    ordered = sorted(set(numbers))
    for first in range(0, len(ordered), CHUNK):
        part = ordered[first : first + CHUNK]
        query = select(TrialRow).where(TrialRow.campaign == campaign, TrialRow.number.in_(part))
        yield query.order_by(TrialRow.number)


def metrics_with(campaign: str, name: str) -> Select[dict[str, Any]]:
    """Metrics whose text holds that name in quotes; sought in the database, where few trials have it."""
    told = cast(TrialRow.metrics, Text).contains(f'"{name}"', autoescape=True)
    return select(TrialRow.metrics).where(TrialRow.campaign == campaign, told).order_by(TrialRow.number)


def designs(campaign: str, between: tuple[int, int] | None, feasible_only: bool) -> Select[DesignRow]:
    """Designs by trial and index, of the trials ``between`` two numbers, both included."""
    query = select(DesignRow).where(DesignRow.campaign == campaign, *_in(between))
    if feasible_only:
        query = query.where(DesignRow.feasible)
    return query.order_by(DesignRow.trial, DesignRow.index)


def points(
    campaign: str, between: tuple[int, int] | None, newest: int | None, unbeaten_only: bool
) -> Select[int, int, dict[str, float]]:
    """Trial, index and measures of feasible designs, newest first: what is read of very many of them."""
    query = select(DesignRow.trial, DesignRow.index, DesignRow.measures)
    query = query.where(DesignRow.campaign == campaign, DesignRow.feasible, *_in(between))
    if unbeaten_only:
        query = query.where(~DesignRow.dominated)
    return query.order_by(DesignRow.trial.desc(), DesignRow.index.desc()).limit(newest)


def feasible_count(campaign: str) -> Select[int]:
    """Number of feasible designs."""
    query = select(func.count()).select_from(DesignRow)
    return query.where(DesignRow.campaign == campaign, DesignRow.feasible)


def unbeaten(campaign: str) -> Select[DesignRow]:
    """Feasible designs that are not known to be dominated, by trial and index."""
    query = select(DesignRow).where(DesignRow.campaign == campaign, DesignRow.feasible, ~DesignRow.dominated)
    return query.order_by(DesignRow.trial, DesignRow.index)


def counts(campaigns: Sequence[str]) -> Select[str, TrialState, int]:
    """Number of trials by campaign and state; of none where there is none."""
    query = select(TrialRow.campaign, TrialRow.state, func.count()).where(TrialRow.campaign.in_(campaigns))
    return query.group_by(TrialRow.campaign, TrialRow.state)


def _in(trials: tuple[int, int] | None) -> tuple[ColumnElement[bool], ...]:
    return () if trials is None else (DesignRow.trial.between(*trials),)
