"""What to try next: constrained multi-objective Bayesian optimisation of any black box.

``hpo.optimizer.propose`` holds the pure function that does the work (it imports torch; these records do not).
"""

from hpo.optimizer.problem import (
    Exhausted,
    Limit,
    Observation,
    Outcome,
    Problem,
    Proposal,
    observe,
)

__all__ = ["Exhausted", "Limit", "Observation", "Outcome", "Problem", "Proposal", "observe"]
