"""What the harness asks of a method, what it tells it, and the methods by name."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Protocol

import numpy as np

from hpo.optimizer import Observation, Problem
from hpo.space import Config, Value

# Name: the module beside this one, the function in it, and the library that it needs (None: none).
METHODS: Mapping[str, tuple[str, str, str | None]] = {
    "ours": ("own", "ours", None),
    "everywhere": ("own", "everywhere", None),
    "random": ("own", "random_search", None),
    "sobol": ("own", "sobol_search", None),
    "tpe": ("with_optuna", "tpe", "optuna"),
    "nsga2": ("with_optuna", "nsga2", "optuna"),
    "pymoo": ("with_pymoo", "nsga2", "pymoo"),
    "gpsampler": ("with_optuna", "gpsampler", "optuna"),
    "ax": ("with_ax", "ax_default", "ax"),
    "qlognehvi": ("with_botorch", "qlognehvi", "botorch"),
    "scbo": ("scbo", "scbo", "botorch"),
}


@dataclass(frozen=True)
class Finished:
    """A finished trial in the form that most libraries take.

    Attributes:
        observation: the trial.
        values: objectives (m,), all to minimise, log10 where logarithmic; the reference values for a trial
            without objectives. Of several designs it is the one that dominates most volume alone.
        constraints: (c,), at or below zero where they hold; 1 where one is not known.
    """

    observation: Observation
    values: np.ndarray
    constraints: np.ndarray

    @property
    def index(self) -> int:
        """The trial's number, as it was asked for."""
        return self.observation.index


class Method(Protocol):
    """A search that may be asked again before it was told; one is made per campaign."""

    def ask(self, index: int) -> Config | None:
        """The configuration of trial ``index``; None to wait until a running trial has ended."""

    def tell(self, finished: Finished) -> None:
        """Report a trial that was asked for."""


def make_method(name: str, problem: Problem) -> Method:
    """A new search of ``problem``; its seed is the problem's."""
    module, function, _ = METHODS[name]
    made: Method = getattr(import_module(f"benchmarks.optimizer.methods.{module}"), function)(problem)
    return made


def is_installed(name: str) -> bool:
    """Whether the library that a method needs can be imported."""
    library = METHODS[name][2]
    return library is None or find_spec(library) is not None


def finished(problem: Problem, observation: Observation) -> Finished:
    """A finished trial for ``Method.tell``."""
    reference = problem.scale.reference
    values = reference.copy()
    if observation.points:
        table = problem.scale.transform(list(observation.points))
        values = table[int(np.argmax(np.prod(np.maximum(reference - table, 0.0), axis=1)))]
    constraints = np.array([observation.constraints.get(name, 1.0) for name in problem.constraints])
    return Finished(observation, values, constraints)


def only_active(problem: Problem, values: Mapping[str, Value]) -> dict[str, Value]:
    """A configuration without its inactive variables, for libraries that know no conditions."""
    return {name: values[name] for name in problem.space.active(values)}
