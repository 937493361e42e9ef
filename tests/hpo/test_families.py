"""One trained network on both accelerator families: what a campaign offers, computes and measures."""

import dataclasses

import numpy as np
import pytest

from hardware.network import AcceleratorConfig
from hardware.quantize import quantize
from hardware.record_io import from_bytes
from hardware.simulate import check
from hpo.campaign import CampaignSpec
from hpo.problem import build_problem
from spikefront.errors import SpecError
from tests.hpo.test_campaign import DIGITS
from tests.workers.test_trial import CONFIG, request
from workers.trial import evaluate

DESIGNS = {"family": ["event_driven", "clock_driven"], "lanes": [4, 24]}
CAMPAIGN = DIGITS | {
    "fixed": {name: value for name, value in CONFIG.items() if name != "hidden_width"},
    "space": {"hidden_width": {"type": "integer", "low": 8, "high": 32}},
    "silence": {"warmup_epochs": 2},
    "designs": DESIGNS,
}


@pytest.fixture(scope="module")
def outcome():
    found = evaluate(request(designs=DESIGNS))
    assert found.state == "complete", found.reason
    return found


def test_a_trial_prices_both_families_of_one_network(outcome):
    priced = {(d.config["family"], d.config["lanes"][0]): d.measures for d in outcome.designs}
    assert len(priced) == 4
    for lanes in DESIGNS["lanes"]:
        event, clock = priced["event_driven", lanes], priced["clock_driven", lanes]
        assert event["accuracy"] == clock["accuracy"]
        assert event["spikes_per_inference"] == clock["spikes_per_inference"]
        assert event["latency_us"] < clock["latency_us"]


def test_the_rtl_of_both_families_does_what_was_priced(outcome):
    record = from_bytes(outcome.artifact)
    base = quantize(record.network, AcceleratorConfig(lanes=(24, 10), weight_bits=6))
    for family in DESIGNS["family"]:
        net = dataclasses.replace(base, config=dataclasses.replace(base.config, family=family))
        assert check(net, record.inputs[:2]).samples == 2


def test_the_optimiser_computes_both_families_close_to_what_is_measured(outcome):
    problem = build_problem(CampaignSpec.from_mapping(CAMPAIGN), (8, 8), 10)
    row = np.array([outcome.metrics["accuracy"], *outcome.spikes_per_layer[:-1]])
    measures = problem.measure([{"hidden_width": 24}], np.tile(row, (1, 1, 1)))
    for index, design in enumerate(outcome.designs):
        for name in ("latency_us", "energy_uj"):
            assert measures[name][0, 0, index] == pytest.approx(design.measures[name], rel=0.1)


def test_family_may_be_fixed_or_searched():
    designs = {"lanes": [4]}
    fixed = CAMPAIGN | {"fixed": CAMPAIGN["fixed"] | {"family": "clock_driven"}, "designs": designs}
    assert CampaignSpec.from_mapping(fixed).complete({"hidden_width": 8})["family"] == "clock_driven"
    choice = {"type": "categorical", "choices": DESIGNS["family"]}
    searched = CAMPAIGN | {"space": CAMPAIGN["space"] | {"family": choice}, "designs": designs}
    assert "family" in CampaignSpec.from_mapping(searched).space


def test_an_unknown_family_is_refused():
    with pytest.raises(SpecError, match=r"designs.family.*'event_driven' or 'clock_driven'"):
        CampaignSpec.from_mapping(CAMPAIGN | {"designs": {"family": ["analogue"]}})
