"""The campaign file: TOML, YAML or JSON to one frozen, checked ``CampaignSpec``.

Every error is one sentence that names the key, the value and the remedy; nothing is created before all of the
file is right.
"""

import json
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from hardware.devices import DEVICES, RESOURCES, Device
from hpo.campaign_checks import LOG_MEASURES, check
from hpo.campaign_search import StoppingSpec, StopSpec, WarmStartSpec, check_search
from hpo.measures import MEASURES
from hpo.sentences import nearest, sentence
from hpo.space import Space, Variable
from models.datasets import find, names
from models.datasets.options import NAMES, Polarity, options_for
from spikefront.errors import DataError, SpecError
from workers.data import CampaignData

MAX_FILE_BYTES = 1_000_000


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class DataSpec(_Frozen):
    """``[data]``: which data set, and how it is split."""

    set: str = Field(description="data set name")

    @field_validator("set")
    @classmethod
    def _known_set(cls, value: str) -> str:
        try:
            known = names()
        except DataError as error:
            raise ValueError(str(error)) from None
        if value not in known:
            raise ValueError(f"there is no data set {value!r}{nearest(value, known)}")
        return value

    validation_fraction: float = Field(0.2, gt=0.0, lt=0.9)
    max_train: int | None = Field(None, ge=10, description="training samples per trial, drawn stratified")
    downsample: int | None = Field(
        None, ge=1, le=64, description="pixels or channels that become one, per axis"
    )
    denoise_us: int | None = Field(None, ge=1, description="time in which a neighbouring event supports one")
    polarity: Polarity | None = Field(None, description="`both` keeps ON and OFF apart, `merge` does not")
    duration_ms: int | None = Field(None, ge=1, le=60_000, description="time that the time steps cover")
    bands: int | None = Field(None, ge=4, le=256, description="mel bands of the filter bank for sound")
    file: str | None = Field(None, description="the user's own file, below the data folder")

    @model_validator(mode="after")
    def _fitting_options(self) -> "DataSpec":
        given = {name: getattr(self, name) for name in NAMES}
        try:
            options_for(self.set, find(self.set).options, given)
        except DataError as error:
            raise ValueError(str(error)) from None
        return self


class ObjectiveSpec(_Frozen):
    """One entry of ``[objectives]``; the direction follows from the measure."""

    reference: float = Field(description="the worst value still of interest; it bounds the hypervolume")
    scale: Literal["linear", "log"] | None = Field(None, description="scale on which hypervolume is measured")


class BoundSpec(_Frozen):
    """One entry of ``[constraints]``: a bound on a measure of a design."""

    min: float | None = None
    max: float | None = None

    @model_validator(mode="after")
    def _bounded(self) -> "BoundSpec":
        if (self.min is None) == (self.max is None):
            raise ValueError("a constraint has one bound: give min or max")
        return self


class SilenceSpec(_Frozen):
    """``[silence]``: the criterion of arXiv 2403.00450, and when it starts to judge."""

    alpha: int = Field(1, ge=1, description="spikes of the output layer under which a sample is silent")
    beta_silent: float = Field(0.1, gt=0.0, lt=1.0, description="share of silent samples that is too many")
    update_interval: int = Field(256, ge=1, description="samples between two looks")
    warmup_epochs: int = Field(1, ge=0, description="epochs before the first verdict")
    monitored_layers: tuple[int, ...] = Field(
        (-1,), min_length=1, max_length=8, description="layers that must not be silent, -1 the output"
    )
    quiet_steps: int = Field(
        20, ge=0, description="silent steps in a row without gradient that end a training; 0 waits for none"
    )
    gradient_floor: float = Field(1e-7, ge=0.0, description="gradient norm below which a step has none")
    exploding_rate: float = Field(
        0.95, gt=0.0, le=1.0, description="firing rate of a layer that ends a training as well"
    )
    audit_share: float = Field(
        0.05, ge=0.0, le=1.0, description="share of condemned trainings that run on, to check the verdict"
    )


class BudgetSpec(_Frozen):
    """``[budget]``: how much to spend."""

    trials: int = Field(ge=1, le=100_000)
    initial: int | None = Field(None, ge=1, description="trials of the first, space-filling design")

    @model_validator(mode="after")
    def _within(self) -> "BudgetSpec":
        if self.initial is not None and self.initial > self.trials:
            raise ValueError(f"initial {self.initial} is more than trials {self.trials}: lower it")
        return self


class WorkersSpec(_Frozen):
    """``[workers]``: how many trials run at once, and on what."""

    count: int = Field(2, ge=1, le=1024)
    threads: int = Field(1, ge=1, le=64, description="CPU threads of one trial")
    gpus: float = Field(0.0, ge=0.0, le=1.0, description="share of a GPU of one trial, 0 for none")
    memory_gb: float | None = Field(None, gt=0.0, description="main memory that one trial may take")
    time_limit_s: float | None = Field(None, gt=0.0, description="wall time after which a trial is stopped")
    batch: int = Field(1, ge=1, le=64, description="trials of one shape that a worker trains in one program")


class CampaignSpec(_Frozen):
    """One campaign, complete and checked. ``load`` and ``from_mapping`` make one."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")  # also a folder of the home
    seed: int = Field(0, ge=0, le=2**31 - 1)
    data: DataSpec
    space: dict[str, Variable] = Field(min_length=1, max_length=40)
    fixed: dict[str, Any] = Field(default_factory=dict)
    designs: dict[str, list[Any]] = Field(default_factory=dict)
    objectives: dict[str, ObjectiveSpec] = Field(min_length=1, max_length=4)
    constraints: dict[str, BoundSpec] = Field(default_factory=dict)
    silence: SilenceSpec = SilenceSpec()
    budget: BudgetSpec
    workers: WorkersSpec = WorkersSpec()
    search: Literal["bayesian", "random"] = "bayesian"
    energy_model: Literal["asic_45nm", "fpga_7series"] = "asic_45nm"
    device: str | None = Field(None, description="FPGA whose budget bounds every design")
    start: tuple[dict[str, Any], ...] = ()
    warm_start: WarmStartSpec | None = None
    stop_when: StopSpec | None = None
    stopping: StoppingSpec | None = None

    @field_validator("name")
    @classmethod
    def _free_name(cls, value: str) -> str:
        if value == "artifacts" or value.startswith("store.db"):
            raise ValueError(f"{value!r} is a name of Spikefront's own in its home folder: choose another")
        return value

    @field_validator("objectives", "constraints")
    @classmethod
    def _known_measures(cls, value: dict[str, Any]) -> dict[str, Any]:
        for name in value:
            if name not in MEASURES:
                raise ValueError(f"there is no measure {name!r}{nearest(name, MEASURES)}")
        return value

    @field_validator("device")
    @classmethod
    def _known_device(cls, value: str | None) -> str | None:
        if value is not None and value not in DEVICES:
            raise ValueError(f"there is no device {value!r}{nearest(value, DEVICES)}")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> "CampaignSpec":
        check(self, find(self.data.set).kind)
        check_search(self)
        return self

    @property
    def search_space(self) -> Space:
        """The searched variables as a ``Space``."""
        return Space(self.space)

    @property
    def target(self) -> Device | None:
        """The device of the campaign, where it names one."""
        return None if self.device is None else DEVICES[self.device]

    @property
    def bounds(self) -> tuple[tuple[str, BoundSpec], ...]:
        """Every bound on a measure: those of [constraints], and the device's budget."""
        budget = {name: getattr(self.target, name) for name in RESOURCES} if self.target else {}
        return (*self.constraints.items(), *((name, BoundSpec(max=top)) for name, top in budget.items()))

    def campaign_data(self, root: str | None) -> CampaignData:
        """The data set with its split, in the data folder ``root``."""
        return CampaignData.of(self.data.model_dump(), root, self.seed)

    def complete(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """A proposed configuration together with the fixed values."""
        return {**self.fixed, **config}

    def scale(self, objective: str) -> Literal["linear", "log"]:
        """The scale on which an objective enters the hypervolume."""
        return self.objectives[objective].scale or scale_of(objective)

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values; ``from_mapping`` reads them back."""
        return self.model_dump(mode="json", exclude_none=True)

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> "CampaignSpec":
        """Check a campaign given as plain values.

        Raises:
            SpecError: one sentence with key, value and remedy.
        """
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            raise SpecError(sentence(error, cls)) from None

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "CampaignSpec":
        """Read and check a campaign file; its name ends in .toml, .yaml, .yml or .json.

        Raises:
            SpecError: the file cannot be read, is not what its name says, or is no campaign.
        """
        return cls.from_text(_read(Path(path)), Path(path).suffix.lstrip("."), str(path))

    @classmethod
    def from_text(cls, text: str, form: str, source: str = "the campaign") -> "CampaignSpec":
        """Read and check a campaign from text in TOML, YAML or JSON."""
        values = _parse(text, form, source)
        if not isinstance(values, dict):
            raise SpecError(
                f"{source} holds a {type(values).__name__}, not a table: see examples/digits.toml"
            )
        return cls.from_mapping(values)


def scale_of(objective: str) -> Literal["linear", "log"]:
    """The scale of an objective that states none."""
    return "log" if objective in LOG_MEASURES else "linear"


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise SpecError(
                f"{path} is larger than {MAX_FILE_BYTES} bytes: a campaign file is a page of text"
            )
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise SpecError(
            f"cannot read the campaign file {path} ({reason}): give the path of a TOML or YAML file"
        ) from None


def _parse(text: str, form: str, source: str) -> Any:
    readers: dict[str, Callable[[str], Any]] = {
        "toml": tomllib.loads,
        "yaml": yaml.safe_load,
        "yml": yaml.safe_load,
        "json": json.loads,
    }
    if form not in readers:
        raise SpecError(f"{source} ends in {form!r}: name it .toml, .yaml or .json so that its form is known")
    try:
        return readers[form](text)
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        detail = re.sub(r"\s+", " ", str(error))
        raise SpecError(f"{source} is not valid {form.upper()} ({detail}): mend that place") from None
