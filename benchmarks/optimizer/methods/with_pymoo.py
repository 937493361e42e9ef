"""pymoo's NSGA-II: constraint domination, population of 20, mixed variables by pymoo's own operators.

It asks a generation at a time; workers that would need the next generation wait for the present one to end.
Inactive variables are sampled and left out. A trial without objectives has the reference values, which count
for nothing against its violated constraints.
"""

import numpy as np
from pymoo.algorithms.moo.nsga2 import NSGA2, RankAndCrowdingSurvival
from pymoo.core.individual import Individual
from pymoo.core.mixed import MixedVariableGA
from pymoo.core.population import Population
from pymoo.core.problem import Problem as PymooProblem
from pymoo.core.variable import Choice, Real
from pymoo.core.variable import Integer as Whole
from pymoo.core.variable import Variable as PymooVariable

from benchmarks.optimizer.methods.protocol import Finished, Method, only_active
from hpo.optimizer import Problem
from hpo.space import Categorical, Config, Float, Integer, Value, Variable

POPULATION = 20


class Generations:
    """NSGA-II over the space's values; logarithmic numbers are searched as shares."""

    def __init__(self, problem: Problem, population: int, seed: int) -> None:
        self._problem, variables = problem, problem.space.variables
        self._mixed = not all(isinstance(variable, Float) for variable in variables.values())
        described = {name: _variable(variable) for name, variable in variables.items()}
        sizes = {"n_obj": len(problem.objectives), "n_ieq_constr": len(problem.constraints)}
        if self._mixed:
            self._algorithm = MixedVariableGA(pop_size=population, survival=RankAndCrowdingSurvival())
            target = PymooProblem(vars=described, **sizes)
        else:
            self._algorithm = NSGA2(pop_size=population)
            target = PymooProblem(n_var=len(described), xl=0.0, xu=1.0, **sizes)
        self._algorithm.setup(target, seed=seed, termination=("n_gen", 10_000), verbose=False)
        self._waiting: list[Individual] = []
        self._running: dict[int, Individual] = {}
        self._generation: list[Individual] = []

    def ask(self, index: int) -> Config | None:
        """The next of this generation; None while the last of it are running."""
        if not self._waiting and not self._running:
            self._next_generation()
        if not self._waiting:
            return None
        chosen = self._waiting.pop(0)
        self._running[index] = chosen
        shares = chosen.X if self._mixed else dict(zip(self._problem.space.names, chosen.X, strict=True))
        variables = self._problem.space.variables
        return only_active(self._problem, {name: _value(variables[name], shares[name]) for name in variables})

    def tell(self, finished: Finished) -> None:
        """Report a trial."""
        individual = self._running.pop(finished.index)
        individual.set("F", finished.values)
        individual.set("G", finished.constraints)
        individual.evaluated.update({"F", "G"})

    def _next_generation(self) -> None:
        if self._generation:
            self._algorithm.tell(infills=Population.create(*self._generation))
        self._generation = list(self._algorithm.ask())
        self._waiting = list(self._generation)


def nsga2(problem: Problem) -> Method:
    """NSGA-II."""
    return Generations(problem, POPULATION, problem.seed)


def _variable(variable: Variable) -> PymooVariable:
    if isinstance(variable, Categorical):
        return Choice(options=list(variable.choices))
    if isinstance(variable, Float):
        return Real(bounds=(0.0, 1.0))
    if isinstance(variable, Integer):
        return Real(bounds=(0.0, 1.0)) if variable.log else Whole(bounds=(variable.low, variable.high))
    return Whole(bounds=(0, len(variable.values) - 1))


def _value(variable: Variable, share: object) -> Value:
    """A value of what pymoo holds: a choice, a whole number, a place, or a share of a number's range."""
    if isinstance(variable, Categorical):
        return share  # type: ignore[return-value]
    number = float(np.asarray(share))
    if isinstance(variable, Float) or (isinstance(variable, Integer) and variable.log):
        return variable.decode(variable.spread(np.array([number]))[0])
    return int(number) if isinstance(variable, Integer) else variable.values[int(number)]
