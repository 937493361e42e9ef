"""Optuna's samplers for several objectives with constraints.

A trial without objectives is told as complete with the reference values and its constraints above zero: all
three samplers rank infeasible trials by their violation alone, whereas a trial told as failed would teach
nothing. Optuna's spaces are define-by-run, so inactive variables are never suggested.
"""

import warnings
from collections.abc import Callable, Sequence

import optuna
from optuna.samplers import BaseSampler, GPSampler, NSGAIISampler, TPESampler
from optuna.trial import FrozenTrial, Trial

from benchmarks.optimizer.methods.protocol import Finished, Method
from hpo.optimizer import Problem
from hpo.space import Categorical, Config, Float, Integer, Space, Value, Variable

optuna.logging.set_verbosity(optuna.logging.ERROR)
_CONSTRAINTS = "constraints"
Sampler = Callable[[Problem], BaseSampler]


class Study:
    """An Optuna study in memory."""

    def __init__(self, problem: Problem, sampler: BaseSampler) -> None:
        self._problem = problem
        self._study = optuna.create_study(directions=["minimize"] * len(problem.objectives), sampler=sampler)
        self._running: dict[int, Trial] = {}

    def ask(self, index: int) -> Config:
        """What the sampler suggests."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            trial = self._study.ask()
            self._running[index] = trial
            return _suggested(self._problem.space, trial)

    def tell(self, finished: Finished) -> None:
        """Report a trial, also one without objectives, as complete."""
        trial = self._running.pop(finished.index)
        trial.set_user_attr(_CONSTRAINTS, [float(value) for value in finished.constraints])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._study.tell(trial, [float(value) for value in finished.values])


def tpe(problem: Problem) -> Method:
    """TPE, multivariate, grouped (for the conditional variable), told of running trials."""
    return _study(
        problem,
        lambda: TPESampler(
            multivariate=True,
            group=True,
            constant_liar=True,
            constraints_func=_constraints,
            seed=problem.seed,
        ),
    )


def nsga2(problem: Problem) -> Method:
    """NSGA-II with a population of 20: five to ten generations in the budgets here."""
    return _study(
        problem,
        lambda: NSGAIISampler(population_size=20, constraints_func=_constraints, seed=problem.seed),
    )


def gpsampler(problem: Problem) -> Method:
    """Gaussian processes with expected hypervolume improvement and constraints."""
    return _study(problem, lambda: GPSampler(constraints_func=_constraints, seed=problem.seed))


def _study(problem: Problem, sampler: Callable[[], BaseSampler]) -> Method:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # experimental features
        return Study(problem, sampler())


def _constraints(trial: FrozenTrial) -> Sequence[float]:
    found: list[float] = trial.user_attrs[_CONSTRAINTS]
    return found


def _suggested(space: Space, trial: Trial) -> dict[str, Value]:
    """Values of the active variables, parents before children as spaces list them."""
    values: dict[str, Value] = {}
    for name, variable in space.variables.items():
        if all(values.get(parent) in allowed for parent, allowed in (variable.when or {}).items()):
            values[name] = _value(trial, name, variable)
    return values


def _value(trial: Trial, name: str, variable: Variable) -> Value:
    if isinstance(variable, Categorical):
        return trial.suggest_categorical(name, variable.choices)
    if isinstance(variable, Float):
        return trial.suggest_float(name, variable.low, variable.high, log=variable.log)
    if isinstance(variable, Integer):
        return trial.suggest_int(name, variable.low, variable.high, log=variable.log)
    return variable.values[trial.suggest_int(name, 0, len(variable.values) - 1)]
