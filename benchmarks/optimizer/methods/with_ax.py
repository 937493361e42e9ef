"""Ax's client with its default strategy for several objectives and outcome constraints.

Silent trials are completed with their constraints alone, which Ax documents as data that its models use.
Reference values are its objective thresholds. Categories are unordered choices, ordinals ordered ones;
inactive variables are asked for and left out.
"""

import logging
import warnings

from ax.api.client import Client
from ax.api.configs import ChoiceParameterConfig, RangeParameterConfig
from ax.exceptions.core import DataRequiredError
from ax.utils.common.logger import set_ax_logger_levels

from benchmarks.optimizer.methods.protocol import Finished, Method, only_active
from hpo.optimizer import Problem
from hpo.space import Categorical, Config, Float, Integer, Variable


class Service:
    """An Ax experiment in memory."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        set_ax_logger_levels(logging.ERROR)
        self._names = [objective.name for objective in problem.objectives]
        self._client = Client(random_seed=problem.seed)
        self._client.configure_experiment(
            parameters=[_parameter(name, v) for name, v in problem.space.variables.items()]
        )
        thresholds = zip(self._names, problem.scale.reference, strict=True)
        self._client.configure_optimization(
            objective=", ".join(f"-{name}" for name in self._names),
            outcome_constraints=[
                *(f"{name} <= {float(value)}" for name, value in thresholds),
                *(f"{name} <= 0.0" for name in problem.constraints),
            ],
        )
        self._running: dict[int, int] = {}

    def ask(self, index: int) -> Config | None:
        """Ax's next trial; None where its start wants more results first."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                trials = self._client.get_next_trials(max_trials=1)
            except DataRequiredError:
                return None
        if not trials:
            return None
        ((number, values),) = trials.items()
        self._running[index] = number
        typed = {name: values[name] for name in self._problem.space.variables}
        return only_active(self._problem, typed)

    def tell(self, finished: Finished) -> None:
        """Complete a trial."""
        data = dict(zip(self._problem.constraints, map(float, finished.constraints), strict=True))
        if finished.observation.status == "complete":
            data |= dict(zip(self._names, map(float, finished.values), strict=True))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._client.complete_trial(trial_index=self._running.pop(finished.index), raw_data=data)


def ax_default(problem: Problem) -> Method:
    """Ax as it configures itself."""
    return Service(problem)


def _parameter(name: str, variable: Variable) -> RangeParameterConfig | ChoiceParameterConfig:
    if isinstance(variable, Float | Integer):
        kind = "float" if isinstance(variable, Float) else "int"
        scaling = "log" if variable.log else "linear"
        return RangeParameterConfig(name, (variable.low, variable.high), kind, scaling=scaling)
    ordered = not isinstance(variable, Categorical)
    values = list(variable.values if ordered else variable.choices)
    kind = {bool: "bool", int: "int", float: "float", str: "str"}[type(values[0])]
    return ChoiceParameterConfig(name, values, kind, is_ordered=ordered)
