"""Keeping a variable to part of its values while a campaign runs.

A narrowed variable keeps its model columns, so that everything learned before stays comparable; only where
new configurations come from changes. What is kept is plain JSON: {"low", "high"} of a float or integer,
{"values"} of any other variable.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from hpo.variables import Categorical, Float, FloatArray, Integer, Ordinal, Value, Variable
from spikefront.errors import SpecError

# Columns this far beyond an end are still at it: the way to the columns and back rounds.
_SLACK = 1e-9


def parse(assignments: Sequence[str], variables: Mapping[str, Variable]) -> dict[str, dict[str, Any]]:
    """What ``beta=0.8..0.95 reset=zero|none width=64`` keeps, checked.

    Raises:
        SpecError: an assignment has another form, or names a variable or value that is not there.
    """
    found = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals or not text:
            raise SpecError(f"{assignment!r} keeps nothing: write VARIABLE=LOW..HIGH or VARIABLE=VALUE|VALUE")
        if name not in variables:
            raise SpecError(f"unknown variable {name!r}: the space has {', '.join(variables)}")
        found[name] = _parsed(name, text, variables[name])
        check(name, found[name], variables)
    return found


def _parsed(name: str, text: str, variable: Variable) -> dict[str, Any]:
    low, dots, high = text.partition("..")
    if isinstance(variable, Float | Integer):
        ends = [_number(name, end, variable) for end in (low, high if dots else low)]
        return {"low": ends[0], "high": ends[1]}
    if dots and isinstance(variable, Ordinal):
        first, last = _one_of(name, low, variable), _one_of(name, high, variable)
        return {"values": [value for value in variable.values if first <= value <= last]}
    return {"values": [_one_of(name, part, variable) for part in text.split("|")]}


def _number(name: str, text: str, variable: Float | Integer) -> float:
    try:
        return int(text) if isinstance(variable, Integer) else float(text)
    except ValueError:
        kind = "whole number" if isinstance(variable, Integer) else "number"
        raise SpecError(f"{name} = {text!r} is not a {kind}: write {name}=LOW..HIGH") from None


def _one_of(name: str, text: str, variable: Categorical | Ordinal) -> Any:
    """The value that is written so: a flag in lower case too, a number in any form."""
    for value in variable.values:
        same_number = not isinstance(value, bool | str) and _as_float(text) == value
        if text == str(value) or text == str(value).lower() or same_number:
            return value
    raise SpecError(f"{name} = {text!r} is not a value: take of {list(variable.values)}")


def _as_float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def check(name: str, kept: Mapping[str, Any], variables: Mapping[str, Variable]) -> None:
    """Raise SpecError where what is ``kept`` of a variable is no part of it."""
    if name not in variables:
        raise SpecError(f"unknown variable {name!r}: the space has {', '.join(variables)}")
    variable = variables[name]
    form = {"low", "high"} if isinstance(variable, Float | Integer) else {"values"}
    if set(kept) != form or not kept.get("values", True):
        raise SpecError(f"{name}: {dict(kept)} keeps nothing of a {variable.type}: give {' and '.join(form)}")
    for value in kept.get("values", [kept.get("low"), kept.get("high")]):
        if refusal := variable.refusal(value):
            raise SpecError(f"{name} = {value!r} {refusal}")
    if "low" in kept and kept["low"] > kept["high"]:
        raise SpecError(f"{name}: {kept['low']} is above {kept['high']}: write {name}=LOW..HIGH")


def shown(narrowed: Mapping[str, Mapping[str, Any]]) -> str:
    """What is kept as people write it: ``beta=0.8..0.95 reset=zero|none``."""
    return " ".join(f"{name}={_shown(kept)}" for name, kept in narrowed.items())


def _shown(kept: Mapping[str, Any]) -> str:
    if "values" in kept:
        return "|".join(str(value) for value in kept["values"])
    return f"{kept['low']}" if kept["low"] == kept["high"] else f"{kept['low']}..{kept['high']}"


@dataclass(frozen=True)
class Kept:
    """A variable kept to part of its values; columns are those of the whole variable."""

    variable: Variable
    given: Mapping[str, Any]

    @property
    def levels(self) -> float:
        """Number of values."""
        if isinstance(self.variable, Float):
            return 1 if self.given["low"] == self.given["high"] else math.inf
        return len(self.values)

    @property
    def values(self) -> Sequence[Value]:
        """Every value kept; none of an interval of real numbers."""
        if isinstance(self.variable, Integer):
            return range(self.given["low"], self.given["high"] + 1)
        if isinstance(self.variable, Float):
            return (float(self.given["low"]),) if self.levels == 1 else ()
        return [value for value in self.variable.values if value in self.given["values"]]

    @cached_property
    def ends(self) -> tuple[FloatArray, FloatArray]:
        """Lowest and highest model columns (width,) that are kept."""
        table = np.array([self.variable.encode(value) for value in self._corners])
        return table.min(axis=0), table.max(axis=0)

    def spread(self, shares: FloatArray) -> FloatArray:
        """Model columns (n, width) of shares (n,)."""
        low, high = self.ends
        if isinstance(self.variable, Float):
            return np.asarray(low + (high - low) * np.clip(shares, 0.0, 1.0)[:, None])
        if isinstance(self.variable, Integer):
            return self.variable.snap(self._whole(shares)[:, None])
        table = np.array([self.variable.encode(value) for value in self.values])
        return np.asarray(table[np.clip((shares * len(table)).astype(np.int64), 0, len(table) - 1)])

    def decode(self, columns: FloatArray) -> Value:
        """Value of one row of model columns (width,), inside or not; at an end it is the end itself."""
        if isinstance(self.variable, Float):
            for end, name in zip(self.ends, ("low", "high"), strict=True):
                if abs(columns[0] - end[0]) <= _SLACK:
                    return float(self.given[name])
        return self.variable.decode(columns)

    def snap(self, columns: FloatArray) -> FloatArray:
        """Nearest model columns (n, width) that are kept."""
        if isinstance(self.variable, Float | Integer):
            return np.clip(self.variable.snap(columns), *self.ends)
        table = np.array([self.variable.encode(value) for value in self.values])
        gaps = np.square(columns[:, None, :] - table[None]).sum(axis=2)
        return np.asarray(table[gaps.argmin(axis=1)])

    def holds(self, columns: FloatArray) -> np.ndarray:
        """Which of model columns (n, width) are kept already."""
        return np.asarray((np.abs(columns - self.snap(columns)) <= _SLACK).all(axis=1))

    @property
    def _corners(self) -> Sequence[Value]:
        if isinstance(self.variable, Float | Integer):
            return [self.given["low"], self.given["high"]]
        return self.values

    def _whole(self, shares: FloatArray) -> FloatArray:
        """Columns (n,) of an integer's shares, before rounding."""
        low, high = self.given["low"], self.given["high"]
        if low == high:
            return np.full(len(shares), self.ends[0][0])
        assert isinstance(self.variable, Integer)  # noqa: S101 - the caller looked
        part = Integer(low=low, high=high, log=self.variable.log).spread(shares)[:, 0]
        return np.asarray(self.ends[0][0] + (self.ends[1][0] - self.ends[0][0]) * part)
