"""The campaign as the optimiser sees it: computed hardware costs close to measured ones."""

from dataclasses import replace

import numpy as np
import pytest

from hpo.campaign import CampaignSpec
from hpo.problem import build_problem
from tests.hpo.test_campaign import DIGITS, changed
from tests.workers.test_trial import CONFIG, request
from workers.trial import evaluate

SMALL = {
    "fixed": {name: value for name, value in CONFIG.items() if name != "hidden_width"},
    "space": {"hidden_width": {"type": "integer", "low": 8, "high": 32}},
    "silence": {"warmup_epochs": 2},
    "designs": {"lanes": [1, 4, [8, 2]]},
}


@pytest.mark.parametrize("encoding", ["rate", "direct"])
def test_costs_computed_from_mean_spikes_are_close_to_measured_ones(encoding):
    spec = CampaignSpec.from_mapping(DIGITS | SMALL | {"fixed": SMALL["fixed"] | {"encoding": encoding}})
    problem = build_problem(spec, (8, 8), 10)
    outcome = evaluate(request(designs=SMALL["designs"], encoding=encoding))
    assert outcome.state == "complete"
    row = np.array([outcome.metrics["accuracy"], *outcome.spikes_per_layer[:-1]])
    measures = problem.measure([{"hidden_width": 24}], np.tile(row, (3, 1, 1)))
    for index, design in enumerate(outcome.designs):
        for name, within in (("latency_us", 0.1), ("energy_uj", 0.1), ("accuracy", 1e-12), ("bram36", 0.0)):
            assert measures[name].shape == (3, 1, 3)
            assert measures[name][0, 0, index] == pytest.approx(design.measures[name], rel=within)


@pytest.mark.parametrize(
    ("network", "counted"), [("4c3-p2-{width}-10", 3), ("{width}r-10", 2), ("{width}-10r", 3)]
)
def test_costs_of_convolutional_and_recurrent_networks_are_close_to_measured_ones(network, counted):
    """Own spikes of a recurrent last layer are spikes that leave it, so they are learned as well."""
    fixed = {**SMALL["fixed"], "network": network}
    space = {"width": {"type": "integer", "low": 8, "high": 32}}
    designs = {"lanes": [1, 8], "family": ["event_driven", "clock_driven"]}
    if "c3" in network:
        designs["family"] = ["event_driven"]
    spec = CampaignSpec.from_mapping({**DIGITS, **SMALL, "fixed": fixed, "space": space, "designs": designs})
    problem = build_problem(spec, (8, 8), 10)
    assert len(problem.outcomes) == 1 + counted
    config = {name: value for name, value in CONFIG.items() if name != "hidden_width"}
    asked = request(designs=designs)
    outcome = evaluate(replace(asked, config={**config, "network": network, "width": 24}))
    assert outcome.state == "complete", outcome.reason
    row = np.array([outcome.metrics["accuracy"], *outcome.spikes_per_layer[:counted]])
    measures = problem.measure([{"width": 24}], row[None, None])
    for index, design in enumerate(outcome.designs):
        for name, within in (("latency_us", 0.1), ("energy_uj", 0.1), ("spikes_per_inference", 1e-9)):
            assert measures[name][0, 0, index] == pytest.approx(design.measures[name], rel=within), name


def test_bounds_become_limits_of_the_optimiser():
    spec = CampaignSpec.from_mapping(changed(constraints={"luts": {"max": 1200}, "accuracy": {"min": 0.9}}))
    problem = build_problem(spec, (8, 8), 10)
    assert {(limit.measure, limit.at_most, limit.at_least) for limit in problem.limits} == {
        ("luts", 1200, -np.inf),
        ("accuracy", np.inf, 0.9),
    }
    config = problem.space.from_cube(np.full(problem.space.cube_dimension, 0.5))
    measures = problem.measure([config], np.array([[[0.95, 100.0, 50.0]]]))
    luts = measures["luts"][0, 0]
    assert list(problem.kept(measures)[0, 0]) == [value <= 1200 for value in luts]
    assert luts.min() < 1200 < luts.max()
