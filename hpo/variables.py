"""The four kinds of variable, and each kind's way to and from 0..1.

*Model columns* are what a surrogate model sees: one column per number, one per choice of a category
(one-hot), all in 0..1. A *share* is a place in 0..1 in which each value of a discrete variable has an equal
part, so that evenly spread shares give evenly spread values.
"""

import math
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Value = bool | int | float | str

_Flag = Annotated[bool, Field(strict=True)]
_Int = Annotated[int, Field(strict=True)]
# Beyond 10**12 a logarithm in double precision no longer tells neighbouring integers apart.
_Whole = Annotated[int, Field(strict=True, ge=-(10**12), le=10**12)]
_Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
_Text = Annotated[str, Field(strict=True)]
_Choice = _Flag | _Int | _Number | _Text
_When = dict[str, Annotated[tuple[_Choice, ...], Field(min_length=1)]]
_STRICT = ConfigDict(frozen=True, extra="forbid")


class Float(BaseModel):
    """A real number in ``low``..``high``, spaced evenly or (``log``) by ratio."""

    model_config = _STRICT
    type: Literal["float"] = "float"
    low: _Number
    high: _Number
    log: bool = False
    when: _When | None = None

    @model_validator(mode="after")
    def _check(self) -> "Float":
        _check_bounds(self.low, self.high, self.log)
        return self

    @property
    def width(self) -> int:
        """Model columns taken."""
        return 1

    @property
    def levels(self) -> float:
        """Number of values: infinite."""
        return math.inf

    def refusal(self, value: object) -> str | None:
        """Why ``value`` is not allowed, or None if it is."""
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return f"is not a finite number: give one in {self.low}..{self.high}"
        inside = self.low <= value <= self.high
        return None if inside else f"is outside {self.low}..{self.high}: give a number in that range"

    def encode(self, value: Value) -> list[float]:
        """Model columns of one value."""
        return [_to_share(float(value), self.low, self.high, self.log)]

    def decode(self, columns: FloatArray) -> float:
        """Value of one row of model columns (1,)."""
        return min(max(_from_share(columns[0], self.low, self.high, self.log), self.low), self.high)

    def snap(self, columns: FloatArray) -> FloatArray:
        """Nearest representable model columns (n, 1)."""
        return np.clip(columns, 0.0, 1.0)

    def spread(self, shares: FloatArray) -> FloatArray:
        """Model columns (n, 1) of shares (n,)."""
        return np.clip(shares, 0.0, 1.0)[:, None]


class Integer(BaseModel):
    """A whole number in ``low``..``high``, spaced evenly or (``log``) by ratio."""

    model_config = _STRICT
    type: Literal["integer"] = "integer"
    low: _Whole
    high: _Whole
    log: bool = False
    when: _When | None = None

    @model_validator(mode="after")
    def _check(self) -> "Integer":
        _check_bounds(self.low, self.high, self.log)
        return self

    @property
    def width(self) -> int:
        """Model columns taken."""
        return 1

    @property
    def levels(self) -> float:
        """Number of values."""
        return self.high - self.low + 1

    @property
    def values(self) -> range:
        """Every value, ascending."""
        return range(self.low, self.high + 1)

    def refusal(self, value: object) -> str | None:
        """Why ``value`` is not allowed, or None if it is."""
        if isinstance(value, bool) or not isinstance(value, int):
            return f"is not a whole number: give one in {self.low}..{self.high}"
        inside = self.low <= value <= self.high
        return None if inside else f"is outside {self.low}..{self.high}: give a number in that range"

    def encode(self, value: Value) -> list[float]:
        """Model columns of one value."""
        return [_to_share(float(value), self.low, self.high, self.log)]

    def decode(self, columns: FloatArray) -> int:
        """Value of one row of model columns (1,)."""
        near = round(_from_share(columns[0], self.low, self.high, self.log))
        return min(max(near, self.low), self.high)

    def snap(self, columns: FloatArray) -> FloatArray:
        """Nearest representable model columns (n, 1)."""
        values = _from_share_array(np.clip(columns, 0.0, 1.0), self.low, self.high, self.log)
        whole = np.clip(np.rint(values), self.low, self.high)
        return _to_share_array(whole, self.low, self.high, self.log)

    def spread(self, shares: FloatArray) -> FloatArray:
        """Model columns (n, 1) of shares (n,): each value's share is its width on the (log) axis."""
        values = _from_share_array(np.clip(shares, 0.0, 1.0), self.low - 0.5, self.high + 0.5, self.log)
        whole = np.clip(np.rint(values), self.low, self.high)
        return _to_share_array(whole, self.low, self.high, self.log)[:, None]


class Categorical(BaseModel):
    """One of several unordered ``choices``."""

    model_config = _STRICT
    type: Literal["categorical"] = "categorical"
    choices: tuple[_Choice, ...]
    when: _When | None = None

    @model_validator(mode="after")
    def _check(self) -> "Categorical":
        _check_list("choices", self.choices)
        return self

    @property
    def width(self) -> int:
        """Model columns taken: one per choice."""
        return len(self.choices)

    @property
    def levels(self) -> float:
        """Number of choices."""
        return len(self.choices)

    @property
    def values(self) -> tuple[Value, ...]:
        """Every choice, in the order given."""
        return self.choices

    def refusal(self, value: object) -> str | None:
        """Why ``value`` is not allowed, or None if it is."""
        return None if _is_in(value, self.choices) else f"is not a choice: take one of {list(self.choices)}"

    def encode(self, value: Value) -> list[float]:
        """Model columns of one choice: one-hot."""
        place = self.choices.index(value)
        return [float(k == place) for k in range(len(self.choices))]

    def decode(self, columns: FloatArray) -> Value:
        """Choice of one row of model columns (choices,): the largest; of equals the first."""
        return self.choices[int(np.argmax(columns))]

    def places(self, columns: FloatArray) -> IntArray:
        """Index (n,) of the choice in each row of model columns (n, choices)."""
        return np.asarray(np.argmax(columns, axis=1), dtype=np.int64)

    def snap(self, columns: FloatArray) -> FloatArray:
        """Nearest representable model columns (n, choices)."""
        return np.eye(self.width)[self.places(columns)]

    def spread(self, shares: FloatArray) -> FloatArray:
        """Model columns (n, choices) of shares (n,)."""
        return np.eye(self.width)[_bins(shares, self.width)]


class Ordinal(BaseModel):
    """One of several numbers in ascending order; neighbours are equally far apart for the model."""

    model_config = _STRICT
    type: Literal["ordinal"] = "ordinal"
    values: tuple[_Int | _Number, ...]
    when: _When | None = None

    @model_validator(mode="after")
    def _check(self) -> "Ordinal":
        _check_list("values", self.values)
        if list(self.values) != sorted(self.values):
            raise ValueError(f"values {list(self.values)} are not ascending: give {sorted(self.values)}")
        return self

    @property
    def width(self) -> int:
        """Model columns taken."""
        return 1

    @property
    def levels(self) -> float:
        """Number of values."""
        return len(self.values)

    def refusal(self, value: object) -> str | None:
        """Why ``value`` is not allowed, or None if it is."""
        return None if _is_in(value, self.values) else f"is not a value: take one of {list(self.values)}"

    def encode(self, value: Value) -> list[float]:
        """Model columns of one value: its rank."""
        return [self.values.index(float(value)) / self._last]

    def decode(self, columns: FloatArray) -> int | float:
        """Value of one row of model columns (1,)."""
        return self.values[int(self.places(columns[None, :])[0])]

    def places(self, columns: FloatArray) -> IntArray:
        """Index (n,) of the value nearest to each row of model columns (n, 1)."""
        return np.rint(np.clip(columns[:, 0], 0.0, 1.0) * (len(self.values) - 1)).astype(np.int64)

    def snap(self, columns: FloatArray) -> FloatArray:
        """Nearest representable model columns (n, 1)."""
        return self.places(columns)[:, None] / self._last

    def spread(self, shares: FloatArray) -> FloatArray:
        """Model columns (n, 1) of shares (n,)."""
        return _bins(shares, len(self.values))[:, None] / self._last

    @property
    def _last(self) -> int:
        return max(len(self.values) - 1, 1)


Variable = Annotated[Float | Integer | Categorical | Ordinal, Field(discriminator="type")]


def _check_bounds(low: float, high: float, log: bool) -> None:
    if low == high:
        raise ValueError(f"low {low} equals high {high}: widen the range or fix the value outside the space")
    if low > high:
        raise ValueError(f"low {low} is not below high {high}: swap them")
    if log and low <= 0:
        raise ValueError(f"low {low} is not above zero but log is true: raise low or set log to false")
    if not math.isfinite(high - low):
        raise ValueError(f"the range {low}..{high} is too wide for a float: narrow it or use log")


def _check_list(name: str, values: tuple[Value, ...]) -> None:
    if not values:
        raise ValueError(f"{name} is empty: list at least one value")
    twice = [value for place, value in enumerate(values) if value in values[:place]]
    if twice:
        raise ValueError(f"{name} has {twice[0]!r} twice: remove one")


def _is_in(value: object, values: tuple[Value, ...]) -> bool:
    # True == 1 in Python, but a flag is not a number in a campaign file.
    return any(value == known and isinstance(value, bool) == isinstance(known, bool) for known in values)


def _bins(shares: FloatArray, count: int) -> IntArray:
    return np.clip(np.floor(shares * count), 0, count - 1).astype(np.int64)


def _to_share(value: float, low: float, high: float, log: bool) -> float:
    return float(_to_share_array(np.asarray([value]), low, high, log)[0])


def _from_share(share: float, low: float, high: float, log: bool) -> float:
    return float(_from_share_array(np.asarray([min(max(share, 0.0), 1.0)]), low, high, log)[0])


def _to_share_array(values: FloatArray, low: float, high: float, log: bool) -> FloatArray:
    if log:
        return np.asarray(np.log(values / low) / math.log(high / low))
    return np.asarray((values - low) / (high - low))


def _from_share_array(shares: FloatArray, low: float, high: float, log: bool) -> FloatArray:
    if log:
        return np.asarray(low * np.exp(shares * math.log(high / low)))
    return np.asarray(low + shares * (high - low))
