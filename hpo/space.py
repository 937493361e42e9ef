"""The search space: named variables, conditions between them, and the way to and from the unit cube.

Model columns and shares are explained in ``hpo.variables``. A configuration is a plain dict with one value
per *active* variable: a variable with ``when`` is active only while the variables named there are active and
have one of the listed values.
"""

import graphlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from hpo.narrowing import Kept, check
from hpo.variables import Categorical, Float, FloatArray, Integer, Ordinal, Value, Variable
from spikefront.errors import SpecError

__all__ = ["Categorical", "Config", "Float", "Integer", "Ordinal", "Space", "Value", "Variable"]

BoolArray = NDArray[np.bool_]
Config = Mapping[str, Value]

# What an inactive number shows to a model; an inactive category shows none of its choices (all zero).
_NEUTRAL = 0.5
_ADAPTER: TypeAdapter[dict[str, Variable]] = TypeAdapter(dict[str, Variable])


@dataclass(frozen=True)
class Space:
    """Named variables in a fixed order.

    Where ``narrowed`` keeps variables to part of their values (``hpo.narrowing``), new configurations have
    these values only; every configuration of the whole space stays valid and keeps its model columns.

    Raises:
        SpecError: no variable, a ``when`` that names an unknown, unsuitable or circular variable, or a
            narrowing that does not fit.
    """

    variables: Mapping[str, Variable]
    narrowed: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "variables", dict(self.variables))
        for name, kept in self.narrowed.items():
            check(name, kept, self.variables)
        if not self.variables:
            raise SpecError("the space has no variables: add at least one")
        for name, variable in self.variables.items():
            self._check_condition(name, variable.when or {})
        _ = self._order

    @property
    def names(self) -> tuple[str, ...]:
        """Variable names in order."""
        return tuple(self.variables)

    @property
    def dimension(self) -> int:
        """Model columns: one per number, one per choice of a category."""
        return sum(variable.width for variable in self.variables.values())

    @property
    def cube_dimension(self) -> int:
        """Cube columns: one per variable."""
        return len(self.variables)

    @cached_property
    def columns(self) -> dict[str, slice]:
        """Model columns of each variable."""
        ends = np.cumsum([variable.width for variable in self.variables.values()]).tolist()
        spans = zip([0, *ends], ends, strict=False)
        return {name: slice(*span) for name, span in zip(self.variables, spans, strict=True)}

    def narrow(self, narrowed: Mapping[str, Mapping[str, Any]]) -> "Space":
        """The same variables, kept to parts of their values."""
        return replace(self, narrowed=narrowed) if narrowed != self.narrowed else self

    @cached_property
    def parts(self) -> dict[str, Variable | Kept]:
        """Every variable, or what is kept of it."""
        return {
            name: Kept(variable, self.narrowed[name]) if name in self.narrowed else variable
            for name, variable in self.variables.items()
        }

    @cached_property
    def bounds(self) -> tuple[FloatArray, FloatArray]:
        """Lowest and highest model columns (dimension,) of new configurations."""
        low, high = np.zeros(self.dimension), np.ones(self.dimension)
        for name, part in self.parts.items():
            if isinstance(part, Kept):
                low[self.columns[name]], high[self.columns[name]] = part.ends
        return low, high

    @cached_property
    def cardinality(self) -> float:
        """Different configurations, of the narrowed space; infinite with any real-valued variable."""
        if any(math.isinf(part.levels) and not self.variables[n].when for n, part in self.parts.items()):
            return math.inf
        parents = {parent for variable in self.variables.values() for parent in variable.when or {}}
        return sum(
            self._leaves(choice, parents) for choice in self._walk([n for n in self._order if n in parents])
        )

    def active(self, config: Config) -> tuple[str, ...]:
        """Names of the variables that a configuration with these values must have, in order."""
        found: set[str] = set()
        for name in self._order:
            when = self.variables[name].when or {}
            if all(parent in found and config.get(parent) in values for parent, values in when.items()):
                found.add(name)
        return tuple(name for name in self.variables if name in found)

    def validate_config(self, config: Mapping[str, Any]) -> None:
        """Check a configuration; raises SpecError that names the key, the value and the remedy."""
        for name in config:
            if name not in self.variables:
                raise SpecError(f"unknown variable {name!r}: the space has {', '.join(self.variables)}")
        active = self.active(config)
        for name in active:
            if name not in config:
                raise SpecError(f"variable {name!r} is missing: give it a value")
            refusal = self.variables[name].refusal(config[name])
            if refusal:
                raise SpecError(f"{name} = {config[name]!r} {refusal}")
        for name in config:
            if name not in active:
                raise SpecError(f"variable {name!r} is given but inactive under its 'when': leave it out")

    def validate_part(self, given: Mapping[str, Any]) -> None:
        """Check part of a configuration, which any values of the other variables can complete.

        Raises:
            SpecError: an unknown variable, a value outside it, or a variable that exists only with values of
                others which are not given.
        """
        for name, value in given.items():
            if name not in self.variables:
                raise SpecError(f"unknown variable {name!r}: the space has {', '.join(self.variables)}")
            if refusal := self.variables[name].refusal(value):
                raise SpecError(f"{name} = {value!r} {refusal}")
            for parent, values in (self.variables[name].when or {}).items():
                if given.get(parent) not in values:
                    raise SpecError(
                        f"{name} = {value!r} exists only with {parent} in {list(values)}: give that too, or "
                        f"leave {name} out"
                    )

    def to_unit(self, config: Config) -> FloatArray:
        """Model columns (dimension,) of a configuration; inactive variables are neutral."""
        self.validate_config(config)
        row = np.full(self.dimension, _NEUTRAL)
        for name, variable in self.variables.items():
            if name in config:
                row[self.columns[name]] = variable.encode(config[name])
            elif isinstance(variable, Categorical):
                row[self.columns[name]] = 0.0
        return row

    def from_unit(self, row: FloatArray) -> dict[str, Value]:
        """Nearest configuration of model columns (dimension,)."""
        values = {name: self.parts[name].decode(row[span]) for name, span in self.columns.items()}
        return {name: values[name] for name in self.active(values)}

    def round_unit(self, rows: FloatArray) -> FloatArray:
        """Snap model columns (dimension,) or (n, dimension) to representable points; idempotent."""
        table = np.atleast_2d(np.asarray(rows, dtype=np.float64))
        snapped = np.empty_like(table)
        for name, span in self.columns.items():
            snapped[:, span] = self.parts[name].snap(table[:, span])
        self._neutralise(snapped)
        return snapped.reshape(np.shape(rows))

    def spread(self, shares: FloatArray) -> FloatArray:
        """Representable model columns (n, dimension) of points (n, cube_dimension) of the sampling cube."""
        parts = [part.spread(shares[:, k]) for k, part in enumerate(self.parts.values())]
        table = np.concatenate(parts, axis=1)
        self._neutralise(table)
        return table

    def complete(self, given: Mapping[str, Any], shares: FloatArray) -> dict[str, Value]:
        """Configuration with the ``given`` values and, elsewhere, those at a point of the sampling cube.

        Raises:
            SpecError: see ``validate_part``.
        """
        self.validate_part(given)
        drawn = {
            name: part.decode(part.spread(shares[k : k + 1])[0])
            for k, (name, part) in enumerate(self.parts.items())
        }
        values = {**drawn, **given}
        return {name: values[name] for name in self.active(values)}

    def from_cube(self, shares: FloatArray) -> dict[str, Value]:
        """Configuration at one point (cube_dimension,) of the sampling cube."""
        return self.from_unit(self.spread(np.asarray(shares, dtype=np.float64)[None, :])[0])

    def active_columns(self, rows: FloatArray) -> BoolArray:
        """Which model columns (n, dimension) belong to active variables, for representable rows."""
        return np.repeat(
            np.stack(list(self._active_rows(rows).values()), axis=1),
            [variable.width for variable in self.variables.values()],
            axis=1,
        )

    def kept_columns(self, rows: FloatArray) -> BoolArray:
        """Which model columns (n, dimension) of representable rows the narrowing keeps as they are."""
        mask = np.ones(np.shape(rows), dtype=np.bool_)
        for name, part in self.parts.items():
            if isinstance(part, Kept):
                mask[:, self.columns[name]] = part.holds(rows[:, self.columns[name]])[:, None]
        return mask

    def inside(self, rows: FloatArray) -> BoolArray:
        """Which representable rows (n, dimension) are configurations of the narrowed space."""
        return np.asarray((self.kept_columns(rows) | ~self.active_columns(rows)).all(axis=1))

    def configurations(self) -> Iterator[dict[str, Value]]:
        """Every configuration of a finite space; raises SpecError for an infinite one."""
        if math.isinf(self.cardinality):
            raise SpecError("the space has a real-valued variable, so its configurations cannot be listed")
        for config in self._walk(self._order):
            yield {name: config[name] for name in self.variables if name in config}

    def to_json(self) -> str:
        """The variables as JSON text."""
        return json.dumps(
            {n: v.model_dump(mode="json", exclude_none=True) for n, v in self.variables.items()}
        )

    @classmethod
    def from_json(cls, text: str) -> "Space":
        """Space of ``to_json``'s text; raises SpecError naming the variable and what is wrong with it."""
        try:
            return cls(_ADAPTER.validate_json(text))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise SpecError(
                f"space {where or 'JSON'}: {first['msg'].removeprefix('Value error, ')}"
            ) from error

    @cached_property
    def _order(self) -> list[str]:
        """Names with parents before children."""
        graph = {name: list(variable.when or {}) for name, variable in self.variables.items()}
        try:
            return list(graphlib.TopologicalSorter(graph).static_order())
        except graphlib.CycleError as error:
            circle = " -> ".join(error.args[1])
            raise SpecError(f"the conditions run in a circle ({circle}): remove one 'when'") from error

    def _check_condition(self, name: str, when: Mapping[str, Sequence[Value]]) -> None:
        for parent, values in when.items():
            variable = self.variables.get(parent)
            if variable is None:
                raise SpecError(
                    f"{name}.when names {parent!r}, which is not a variable: name one of the space"
                )
            if not isinstance(variable, Categorical | Ordinal):
                raise SpecError(
                    f"{name}.when names {parent!r}, a {variable.type}: name a categorical or ordinal"
                )
            for value in values:
                refusal = variable.refusal(value)
                if refusal:
                    raise SpecError(f"{name}.when.{parent} = {value!r} {refusal}")

    def _walk(self, names: Sequence[str]) -> Iterator[dict[str, Value]]:
        """Every way to set the discrete variables ``names`` (parents first), inactive ones left out."""
        if not names:
            yield {}
            return
        *first, last = names
        for config in self._walk(first):
            if self._is_active(last, config):
                yield from ({**config, last: value} for value in self._values(last))
            else:
                yield config

    def _values(self, name: str) -> Sequence[Value]:
        part = self.parts[name]
        return () if isinstance(part, Float) else part.values

    def _is_active(self, name: str, config: Config) -> bool:
        when = self.variables[name].when or {}
        return all(config.get(parent) in values for parent, values in when.items())

    def _leaves(self, config: Config, parents: set[str]) -> float:
        return math.prod(
            part.levels
            for name, part in self.parts.items()
            if name not in parents and self._is_active(name, config)
        )

    def _active_rows(self, rows: FloatArray) -> dict[str, BoolArray]:
        active: dict[str, BoolArray] = {}
        for name in self._order:
            alive = np.ones(len(rows), dtype=np.bool_)
            for parent, values in (self.variables[name].when or {}).items():
                alive &= active[parent] & self._has_value(rows, parent, values)
            active[name] = alive
        return {name: active[name] for name in self.variables}

    def _has_value(self, rows: FloatArray, parent: str, values: Sequence[Value]) -> BoolArray:
        variable = self.variables[parent]
        assert isinstance(variable, Categorical | Ordinal)  # noqa: S101 - checked on construction
        wanted = [variable.values.index(value) for value in values]
        return np.isin(variable.places(rows[:, self.columns[parent]]), wanted)

    def _neutralise(self, rows: FloatArray) -> None:
        """Give inactive variables their fixed columns, in place."""
        for name, alive in self._active_rows(rows).items():
            if not alive.all():
                neutral = 0.0 if isinstance(self.variables[name], Categorical) else _NEUTRAL
                rows[np.ix_(~alive, np.arange(self.dimension)[self.columns[name]])] = neutral
