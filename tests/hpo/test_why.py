"""Why a trial was tried: every source in words, and the prediction beside the design it was for."""

import json
from dataclasses import replace

import pytest

from hpo.campaign import CampaignSpec
from hpo.store import DesignRecord
from hpo.why import explained, lines, predicted_design, why
from spikefront.errors import NotFoundError
from tests.hpo.toy import SPEC

GRID = CampaignSpec.from_mapping(SPEC | {"designs": {"weight_bits": [4, 8], "lanes": [1, 4, 16]}})


def design(index, **config):
    return DesignRecord("toy", 3, index, config, {"accuracy": 0.5}, {}, feasible=True, test_measures=None)


def test_a_trial_of_the_start_was_foretold_nothing(foretold):
    found = why(foretold.store, "toy", 2)
    assert (found.source, found.feasible, found.gain, found.objectives) == ("sobol", None, None, ())
    assert lines(found)[1] == "proposed by the space-filling start (Sobol sequence): no model was asked"


def test_a_modelled_trial_is_explained_and_compared(foretold):
    trials = [t for t in foretold.store.trials("toy") if t.proposal["source"] == "region"]
    trial = next(t for t in trials if t.state == "complete")
    found = why(foretold.store, "toy", trial.number)
    assert found.origin.startswith(f"the trust region around trial {trial.proposal['centre']}, side ")
    assert found.held
    assert found.design == f"{trial.number}-0"
    assert [one.objective for one in found.objectives] == ["accuracy", "latency_us"]
    for one in found.objectives:
        assert one.measured == foretold.store.design("toy", found.design).measures[one.objective]
        kept = [one.predicted[name] for name in ("low", "q25", "median", "q75", "high")]
        assert kept == sorted(kept)
        assert one.inside == (kept[0] <= one.measured <= kept[-1])
    text = lines(found)
    assert any("chance that the constraints on the training hold" in line for line in text)
    assert sum("with 90 %; measured" in line for line in text) == 2
    assert json.loads(json.dumps(found.as_dict()))["objectives"][0]["inside"] in (True, False)


def test_a_trial_that_did_not_complete_says_that_constraints_did_not_hold(foretold):
    trials = foretold.store.trials("toy", states={"failed", "silent"})
    ended = [why(foretold.store, "toy", t.number) for t in trials if t.proposal["feasible"] is not None]
    assert ended
    assert all(found.held is False and found.design is None for found in ended)
    assert any("they did not" in line for line in lines(ended[0]))


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"source": "region", "centre": None, "length": 0.4}, "around a place not yet visited, side 0.4"),
        ({"source": "global"}, "a look at the whole space"),
        ({"source": "listed"}, "last configurations of a small space"),
        ({"source": "random"}, "a random draw"),
        ({"source": "oracle"}, "oracle"),
        ({}, "not recorded"),
    ],
)
def test_every_source_has_its_words(foretold, told, words):
    trial = replace(foretold.store.trial("toy", 3), proposal=told)
    found = explained(foretold.spec, foretold.store.campaign("toy"), trial, [])
    assert words in found.origin


def test_a_starting_point_says_whose_it_was(foretold):
    spec = CampaignSpec.from_mapping(SPEC | {"start": [{"beta": 0.9}]})
    taken = {"campaign": "old", "trials": [7, 9], "starts": [{}, {}]}
    campaign = replace(foretold.store.campaign("toy"), warm_start=taken)
    trials = [replace(foretold.store.trial("toy", k), proposal={"source": "start"}) for k in range(3)]
    assert [explained(spec, campaign, trial, []).origin for trial in trials] == [
        "starting point 0 of the campaign file",
        "warm start: the configuration of trial 7 of campaign old",
        "warm start: the configuration of trial 9 of campaign old",
    ]


def test_the_predicted_design_is_found_by_its_place_in_the_grid():
    built = [
        design(0, weight_bits=4, lanes=[1, 1]),
        design(1, weight_bits=4, lanes=[4, 4]),
        design(2, weight_bits=8, lanes=[1, 1]),
        design(3, weight_bits=8, lanes=[4, 4]),
        design(4, weight_bits=8, lanes=[16, 16]),
    ]
    assert [predicted_design(GRID, place, built).index for place in (0, 1, 3, 4, 5)] == [0, 1, 2, 3, 4]
    # Of 4 and 16 lanes with 4 bits only the first was kept: the layers have no more neurons.
    assert predicted_design(GRID, 2, built).index == 1
    assert predicted_design(GRID, None, built) is None
    assert predicted_design(GRID, 0, []) is None


def test_lanes_that_were_chosen_for_a_device_are_the_design():
    spec = CampaignSpec.from_mapping(SPEC | {"designs": {"lanes": ["auto"]}, "device": "pynq-z2"})
    assert predicted_design(spec, 0, [design(0, lanes=[7, 3])]).index == 0


def test_a_trial_that_is_not_there_is_told(foretold):
    with pytest.raises(NotFoundError, match="no trial 99"):
        why(foretold.store, "toy", 99)
