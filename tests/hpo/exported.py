"""A campaign with everything that an export has to carry: two designs a trial, conditions, bounds."""

from dataclasses import replace
from typing import Any

from hpo.driver import Hooks, drive
from tests.hpo.toy import SPEC, evaluate, open_toy
from workers.outcome import DesignOutcome
from workers.pool import SerialPool

LANES = (1, 4)
SPACE = {
    **SPEC["space"],
    "hidden_width": {"type": "integer", "low": 16, "high": 64, "log": True},
    "weight_bits": {"type": "ordinal", "values": [4, 6, 8]},
    "surrogate": {"type": "categorical", "choices": ["fast_sigmoid", "arctangent"]},
    "surrogate_slope": {"type": "float", "low": 1.0, "high": 25.0, "when": {"surrogate": ["fast_sigmoid"]}},
}


def priced(request: Any, report: Any = None) -> Any:
    """The toy trial on one lane a layer and on four, which are faster and larger."""
    outcome = evaluate(request, report)
    if outcome.state != "complete":
        return outcome
    first = outcome.designs[0].measures
    designs = tuple(
        DesignOutcome(
            {"lanes": [lanes, lanes], "weight_bits": request.config["weight_bits"]},
            {**first, "latency_us": first["latency_us"] / lanes, "luts": 100.0 * lanes + first["latency_us"]},
            {},
        )
        for lanes in LANES
    )
    return replace(outcome, designs=designs)


def exported(home: Any) -> Any:
    """The campaign, with three trials left: one queued, one running, one cancelled."""
    campaign = open_toy(
        home,
        search="random",
        space=SPACE,
        designs={"lanes": list(LANES)},
        constraints={"luts": {"max": 455.0}, "accuracy": {"min": 0.45}},
        budget={"trials": 40, "initial": 40},
    )
    drive(campaign, SerialPool(priced), Hooks())
    store = campaign.store
    store.extend("toy", 3)
    for _ in range(3):
        store.add_trial("toy", store.trial("toy", 0).config, 1, {})
    store.start_trial("toy", 41)
    store.ask("toy", "cancel")
    return campaign
