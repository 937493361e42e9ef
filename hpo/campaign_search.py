"""Tables of a campaign file that steer the search: where it starts and when it ends."""

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, model_validator

from spikefront.errors import SpecError

if TYPE_CHECKING:
    from hpo.campaign import CampaignSpec

MAX_STARTS = 1000
_STRICT = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class StopSpec(BaseModel):
    """``[stop_when]``: ends before the budget of trials is spent; the first that holds ends the campaign."""

    model_config = _STRICT
    hours: float | None = Field(None, gt=0.0, description="wall time with at least one trial running")
    worker_hours: float | None = Field(None, gt=0.0, description="running time of all trials together")
    growth: float | None = Field(
        None, gt=0.0, lt=1.0, description="share by which the hypervolume must still be expected to grow"
    )
    within: int = Field(20, ge=5, le=10_000, description="trials in which it must")

    @model_validator(mode="after")
    def _some_rule(self) -> "StopSpec":
        if self.hours is None and self.worker_hours is None and self.growth is None:
            raise ValueError("no rule is given: give hours, worker_hours or growth")
        return self


class StoppingSpec(BaseModel):
    """``[stopping]``: ends trainings that will hardly improve the front (``hpo.optimizer.hopeless``)."""

    model_config = _STRICT
    chance: float = Field(
        0.05, gt=0.0, lt=1.0, description="chance of improving the front below which a training is stopped"
    )
    after_share: float = Field(
        0.25, gt=0.0, lt=1.0, description="share of its epochs before which no training is stopped"
    )
    audit_share: float = Field(
        0.05, ge=0.0, le=1.0, description="share of hopeless trainings that run on, to check the verdict"
    )


class WarmStartSpec(BaseModel):
    """``[warm_start]``: an earlier campaign whose best configurations are tried first."""

    model_config = _STRICT
    campaign: str = Field(min_length=1, max_length=64, description="name of the earlier campaign")
    share: float = Field(0.5, gt=0.0, le=1.0, description="share of the initial design that it gives")


def check_search(spec: "CampaignSpec") -> None:
    """Starting points are part of the space, the rules can be followed, the earlier campaign is another.

    Raises:
        ValueError: one sentence with key, value and remedy.
    """
    _check_start(spec)
    if spec.warm_start is not None and spec.warm_start.campaign == spec.name:
        raise ValueError(f"warm_start.campaign: {spec.name!r} is this campaign itself: name an earlier one")
    if spec.search == "random" and spec.stop_when is not None and spec.stop_when.growth is not None:
        raise ValueError("stop_when.growth: a random search expects nothing: give hours, or search bayesian")


def _check_start(spec: "CampaignSpec") -> None:
    if len(spec.start) > min(spec.budget.trials, MAX_STARTS):
        raise ValueError(
            f"start: {len(spec.start)} starting points are more than the {spec.budget.trials} trials of the "
            f"budget, or than {MAX_STARTS}: leave some out"
        )
    for place, given in enumerate(spec.start):
        for name in given:
            if name in spec.fixed or name in spec.designs:
                table = "fixed" if name in spec.fixed else "designs"
                raise ValueError(f"start.{place}.{name}: {name} stands under [{table}] already: leave it out")
        try:
            spec.search_space.validate_part(given)
        except SpecError as error:
            raise ValueError(f"start.{place}: {error}") from None
