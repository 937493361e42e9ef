"""A campaign without training: trials answer at once, so that the driver itself can be tested.

Also a program: ``python -m tests.hpo.toy HOME [LEASE_S]`` drives the toy campaign in its own process, to be
killed, stopped and asked. It ends like the command: a sentence and the error's exit code.
"""

import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from hpo.campaign import CampaignSpec
from hpo.driver import Campaign, Hooks, drive
from hpo.home import Home
from hpo.optimizer import Outcome, Problem
from hpo.queries import hypervolume_scale
from spikefront.errors import SpikefrontError
from workers.outcome import DesignOutcome, TrialOutcome
from workers.pool import SerialPool

SPEC = {
    "name": "toy",
    "seed": 3,
    "data": {"set": "digits"},
    "objectives": {"accuracy": {"reference": 0.1}, "latency_us": {"reference": 100.0}},
    "budget": {"trials": 14, "initial": 6},
    "space": {
        "beta": {"type": "float", "low": 0.4, "high": 0.98},
        "threshold": {"type": "float", "low": 0.3, "high": 3.0, "log": True},
        "reset": {"type": "categorical", "choices": ["subtract", "zero"]},
    },
}


def evaluate(request, report=None):
    """Silent at high thresholds, failing at low betas, else a trade-off between accuracy and latency."""
    beta, threshold = request.config["beta"], request.config["threshold"]
    if threshold > 2.0:
        share = min(1.0, threshold / 3.0)
        return TrialOutcome(state="silent", reason="too few spikes", constraints={"silence": share})
    if beta < 0.45:
        raise RuntimeError("a low beta breaks the toy")
    accuracy = 0.3 + 0.6 * beta * (1.0 - abs(threshold - 1.0) / 4.0)
    measures = {"accuracy": accuracy, "latency_us": 10.0 + 50.0 * beta, "silent_fraction": 0.0}
    return TrialOutcome(
        state="complete",
        metrics={"accuracy": accuracy, "float_accuracy": accuracy},
        constraints={"silence": -0.1},
        spikes_per_layer=[10.0 + 50.0 * beta, 5.0, 1.0],
        designs=(DesignOutcome({"lanes": [1, 1]}, measures, {}),),
    )


def noisy(request, report=None):
    """The toy trial with measures that scatter: accuracy by 0.02, latency by 5 %."""
    ended = evaluate(request, report)
    if ended.state != "complete":
        return ended
    rng = np.random.default_rng(request.seed)
    design = ended.designs[0]
    accuracy = float(np.clip(design.measures["accuracy"] + 0.02 * rng.standard_normal(), 0.0, 1.0))
    latency = design.measures["latency_us"] * float(np.exp(0.05 * rng.standard_normal()))
    measures = {**design.measures, "accuracy": accuracy, "latency_us": latency}
    return replace(
        ended,
        metrics={"accuracy": accuracy, "float_accuracy": accuracy},
        spikes_per_layer=[latency, 5.0, 1.0],
        designs=(replace(design, measures=measures),),
    )


def compose(_configs, outcomes):
    """Latency of the toy is its input spikes."""
    return {"accuracy": outcomes[..., :1], "latency_us": outcomes[..., 1:2]}


def open_toy(home, **changes):
    """The toy campaign in a home folder, created on first use."""
    spec = CampaignSpec.from_mapping(SPEC | changes)
    where = Home(Path(home))
    store = where.open()
    if spec.name not in [c.name for c in store.campaigns()]:
        reference = {name: o.reference for name, o in spec.objectives.items()}
        store.create_campaign(spec.name, spec.as_json(), spec.seed, reference, {})
    problem = Problem(
        space=spec.search_space,
        objectives=hypervolume_scale(spec).objectives,
        outcomes=(Outcome("accuracy", "logit"), Outcome("spikes_0", "log")),
        constraints=("silence",),
        compose=compose,
        seed=spec.seed,
        n_initial=spec.budget.initial,
    )
    return Campaign(spec, problem, store, where, None)


def history(campaign):
    """What must be equal between two runs of one campaign."""
    return [(t.number, t.state, t.config, t.seed) for t in campaign.store.trials(campaign.name)]


def slow(request, report=None):
    """The toy trial, long enough to be killed in."""
    time.sleep(0.05)
    return evaluate(request)


if __name__ == "__main__":
    np.seterr(all="raise")
    # Where the driver matters and not the models, configurations are drawn at random: that is quick.
    toy = open_toy(sys.argv[1], search="random" if sys.argv[2:] else "bayesian")
    print("driving", flush=True)
    try:
        print(drive(toy, SerialPool(slow), Hooks(), *map(float, sys.argv[2:])), flush=True)
    except SpikefrontError as error:
        print(error, flush=True)
        sys.exit(error.exit_code)
