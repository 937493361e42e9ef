"""A campaign on a device: its budget bounds every design, and lanes are chosen within it."""

from dataclasses import replace

import numpy as np
import pytest

from hardware.area import area
from hardware.devices import DEVICES, RESOURCES, area_on, device
from hardware.network import AcceleratorConfig
from hardware.quantize import quantize
from hardware.record_io import from_bytes
from hardware.resources import resources
from hpo.campaign import CampaignSpec
from hpo.feasible import is_feasible
from hpo.problem import build_problem
from spikefront.errors import SpecError
from tests.hpo.test_campaign import changed
from tests.workers.test_trial import request
from workers.trial import evaluate

ARTY = DEVICES["arty-a7-35t"]


def campaign(**values):
    return CampaignSpec.from_mapping(changed(**values))


@pytest.mark.parametrize(
    ("values", "parts"),
    [
        ({"device": "pynq"}, ["device", "'pynq'", "pynq-z2"]),
        ({"designs": {"lanes": ["auto"]}}, ["designs.lanes", "auto", "device"]),
        ({"designs": {"lanes": ["most"]}, "device": "pynq-z2"}, ["designs.lanes", "most"]),
    ],
)
def test_wrong_devices_are_one_sentence(values, parts):
    with pytest.raises(SpecError) as caught:
        campaign(**values)
    assert all(part in str(caught.value) for part in parts), str(caught.value)
    assert "\n" not in str(caught.value)


def test_auto_under_fixed_needs_a_device_too():
    values = changed("fixed", lanes="auto") | {"designs": {}}
    with pytest.raises(SpecError, match=r"fixed\.lanes: auto needs"):
        CampaignSpec.from_mapping(values)
    assert CampaignSpec.from_mapping(values | {"device": "vcu118"}).target == DEVICES["vcu118"]


def test_the_device_s_budget_bounds_what_is_feasible():
    spec = campaign(device="arty-a7-35t", constraints={"luts": {"max": 9000}})
    measures = {"luts": 8000, "ffs": 5000, "bram36": 50.0, "dsps": 90, "silent_fraction": 0.0}
    assert is_feasible(spec, measures)
    for name, value in {"luts": 9500, "ffs": 41_601, "bram36": 50.5, "dsps": 91}.items():
        assert not is_feasible(spec, measures | {name: value}), name
    assert is_feasible(campaign(), measures | {"dsps": 91})


def test_the_device_s_budget_becomes_limits_of_the_optimiser():
    problem = build_problem(campaign(device="ice40-hx8k"), (8, 8), 10)
    assert {limit.measure: limit.at_most for limit in problem.limits} == {
        name: getattr(DEVICES["ice40-hx8k"], name) for name in RESOURCES
    }


def test_the_optimiser_prices_the_lanes_that_fit():
    spec = campaign(device="arty-a7-35t", designs={"lanes": ["auto", 1]})
    problem = build_problem(spec, (8, 8), 10)
    config = problem.space.from_cube(np.full(problem.space.cube_dimension, 0.5))
    row = np.array([[[0.9, 400.0, 200.0]], [[0.9, 500.0, 300.0]]])
    measures = problem.measure([config], row)
    assert measures["latency_us"].shape == (2, 1, 2)
    assert (measures["latency_us"][:, :, 0] < measures["latency_us"][:, :, 1]).all()
    assert problem.kept(measures).all()


def test_a_trained_network_gets_the_fastest_lanes_that_fit():
    small = replace(ARTY, luts=1500, dsps=6)
    spacious = evaluate(replace(request(designs={"lanes": ["auto", 1]}), device="pynq-z2"))
    assert spacious.state == "complete", spacious.reason
    auto, one = spacious.designs
    assert auto.config["lanes"] == [24, 10]
    assert auto.measures["latency_us"] < one.measures["latency_us"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("workers.trial.device", lambda _: small)
        tight = evaluate(replace(request(designs={"lanes": ["auto"]}), device="pynq-z2"))
    measures = tight.designs[0].measures
    assert measures["luts"] <= 1500
    assert measures["dsps"] <= 6
    assert auto.measures["latency_us"] < measures["latency_us"] < one.measures["latency_us"]


def test_area_is_that_of_the_device_s_fabric():
    found = evaluate(replace(request(leak="shift"), device="ice40-hx8k"))
    design = found.designs[0]
    config = AcceleratorConfig(**{**design.config, "lanes": tuple(design.config["lanes"])})
    built = resources(quantize(from_bytes(found.artifact).network, config))
    assert design.measures["luts"] == area_on(device("ice40-hx8k"), built).luts
    assert area(built).luts == area_on(None, built).luts
