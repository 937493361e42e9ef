"""Small problems shared by the optimiser's tests."""

import numpy as np

from hpo.optimizer import Observation, Outcome, Problem, Proposal, observe
from hpo.pareto import Objective
from hpo.space import Categorical, Float, Integer, Ordinal, Space

MIXED = Space(
    {
        "beta": Float(low=0.5, high=0.99),
        "rate": Float(low=1e-4, high=1e-1, log=True),
        "width": Integer(low=8, high=64, log=True),
        "bits": Ordinal(values=(4, 6, 8)),
        "kind": Categorical(choices=("a", "b", "c")),
        "slope": Float(low=1.0, high=9.0, when={"kind": ("a", "b")}),
    }
)
OBJECTIVES = (
    Objective("accuracy", "max", "linear", 0.1),
    Objective("latency", "min", "log", 1000.0),
    Objective("energy", "min", "log", 1000.0),
)


def grey(configs, outcomes):
    """Two designs per configuration: energy and latency follow from spikes and width."""
    width = np.array([float(c["width"]) for c in configs])[:, None]
    spikes = outcomes[..., 1:2]
    latency = np.concatenate([spikes * width, spikes * width / 4 + 20], axis=2)
    accuracy = np.broadcast_to(outcomes[..., :1], latency.shape)
    return {"accuracy": accuracy, "latency": latency, "energy": latency * np.array([0.5, 1.5])}


def problem(m=3, seed=0, **changes):
    outcomes = (Outcome("accuracy", "logit"), Outcome("spikes", "log"))
    return Problem(MIXED, OBJECTIVES[:m], outcomes, ("silence",), (), grey, seed, **changes)


def run(task, proposal):
    """Silent in about half of the space, otherwise a smooth function."""
    c = proposal.config
    silence = 0.75 - c["beta"] + 0.1 * (c["kind"] == "c")
    if silence > 0:
        return Observation(proposal.index, c, "silent", None, {"silence": silence})
    score = 2 - (np.log10(c["rate"]) + 2.5) ** 2 - 8 / c["width"] + 0.05 * c.get("slope", 0)
    spikes = 10 * c["beta"] * c["width"] ** 0.5
    outcomes = {"accuracy": float(1 / (1 + np.exp(-score))), "spikes": float(spikes)}
    return observe(task, proposal, outcomes, {"silence": silence})


def history(task, count):
    """Trials of configurations drawn at random."""
    rng = np.random.default_rng(task.seed + 1)
    table = rng.random((count, task.space.cube_dimension))
    return [run(task, Proposal(k, task.space.from_cube(row), {})) for k, row in enumerate(table)]
