"""Campaigns whose network is a text with variables."""

import numpy as np
import pytest

from hpo.campaign import CampaignSpec
from hpo.home import Home
from hpo.problem import build_problem
from hpo.queries import FrontDesign
from hpo.runs import create
from hpo.store import DesignRecord
from hpo.tables import UNITS, front_columns, front_row
from spikefront.errors import SpecError

WIDTH = {"type": "integer", "low": 4, "high": 16}
CAMPAIGN = {
    "name": "template",
    "data": {"set": "digits"},
    "objectives": {"accuracy": {"reference": 0.1}, "latency_us": {"reference": 500.0}},
    "budget": {"trials": 4},
    "fixed": {"network": "{channels}c3-p2-{width}-10", "time_steps": 4},
    "space": {"channels": {"type": "ordinal", "values": [2, 4]}, "width": WIDTH},
}


def spec(fixed=None, space=None, **changes):
    values = {**CAMPAIGN, **changes}
    values["fixed"] = {**CAMPAIGN["fixed"], **(fixed or {})}
    values["space"] = CAMPAIGN["space"] if space is None else space
    return CampaignSpec.from_mapping(values)


def test_the_optimiser_models_every_layer_of_the_text():
    problem = build_problem(spec(), (8, 8), 10)
    assert [outcome.name for outcome in problem.outcomes] == ["accuracy", "spikes_0", "spikes_1", "spikes_2"]


def test_wider_layers_cost_more_area():
    problem = build_problem(spec(), (8, 8), 10)
    outcomes = np.full((1, 2, 4), 20.0)
    small, large = {"channels": 2, "width": 4}, {"channels": 4, "width": 16}
    luts = problem.compose([small, large], outcomes)["luts"]
    assert luts[0, 1, 0] > luts[0, 0, 0]


def test_a_front_shows_each_networks_text():
    def design(width):
        config = {"network": "{width}-10", "width": width, "time_steps": 4}
        record = DesignRecord("template", width, 0, {}, dict.fromkeys(UNITS, 1.0), {}, True, None)
        return FrontDesign(record, config, [])

    columns = front_columns([design(8), design(12)], ["accuracy"])
    assert "network" in columns
    assert "12-10" in front_row(design(12), columns)


def test_several_texts_of_equal_depth_may_be_searched():
    texts = ["{width}-10", "{width}r-10"]
    space = {"network": {"type": "categorical", "choices": texts}, "width": WIDTH}
    found = CampaignSpec.from_mapping({**CAMPAIGN, "fixed": {"time_steps": 4}, "space": space})
    assert len(build_problem(found, (8, 8), 10).outcomes) == 3


@pytest.mark.parametrize(
    ("fixed", "space", "part"),
    [
        ({"network": "{channels}c3-{height}-10"}, None, "width"),
        ({}, {"channels": WIDTH}, "names the variable width, which is None"),
        ({}, {"channels": WIDTH, "width": {"type": "float", "low": 4, "high": 8}}, "whole numbers"),
        ({"hidden_width": 8}, None, "which it replaces"),
        ({"quantization_aware": True}, None, "training depends on weight_bits"),
    ],
)
def test_templates_that_cannot_be(fixed, space, part):
    with pytest.raises(SpecError, match=part):
        spec(fixed, space, designs={"weight_bits": [4, 8]})


@pytest.mark.parametrize(("fixed", "layer"), [({}, 3), ({}, -4), ({"network": "{channels}c3-{width}-10"}, 3)])
def test_a_monitored_layer_must_exist(fixed, layer):
    with pytest.raises(SpecError, match=f"silence.monitored_layers: {layer} is none of the 3 layers"):
        spec(fixed, silence={"monitored_layers": [-1, layer]})


def test_texts_of_different_depth_are_refused():
    space = {"network": {"type": "categorical", "choices": ["16-10", "16-16-10"]}}
    with pytest.raises(SpecError, match="different numbers of layers"):
        CampaignSpec.from_mapping({**CAMPAIGN, "fixed": {}, "space": space})


@pytest.mark.parametrize(
    ("network", "part"),
    [
        ("{channels}c3-p2-{width}-12", "does not end with the data set's 10 classes"),
        ("{channels}c3-p2-p2-p2-p2-{width}-10", "p2"),
        ("{channels}c3-{width}-potato-10", "potato"),
    ],
)
def test_a_text_that_does_not_fit_the_data_creates_nothing(tmp_path, network, part):
    store = Home(tmp_path / "home").open()
    with pytest.raises(SpecError, match=part):
        create(store, spec({"network": network}), None)
    assert store.campaigns() == []
