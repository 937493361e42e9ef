"""Trials that a worker trains in one program: which they are, and that the campaign is as whole as ever."""

from dataclasses import replace

import pytest

from hpo.batching import batch_size, held
from hpo.campaign import CampaignSpec
from hpo.driver import Hooks, drive
from hpo.space import Space
from hpo.variables import Categorical, Float, Integer
from hpo.why import why
from tests.hpo.toy import SPEC, evaluate, history, open_toy
from workers.guard import one_by_one
from workers.pool import SerialPool


def shape_of(request):
    """The toy's shape is its reset."""
    return request.config["reset"]


class Batches:
    """Evaluates what is submitted together, and keeps what that was."""

    def __init__(self):
        self.seen = []

    def __call__(self, requests, reporters, limit_s=None):
        self.seen.append(requests)
        return one_by_one(evaluate, requests, reporters, limit_s)


def open_batched(home, **changes):
    changes = {"workers": {"count": 1, "batch": 3}, "budget": {"trials": 16, "initial": 6}, **changes}
    return replace(open_toy(home, **changes), key=shape_of)


@pytest.fixture(scope="module")
def driven(tmp_path_factory):
    campaign, batches = open_batched(tmp_path_factory.mktemp("home")), Batches()
    assert drive(campaign, SerialPool(evaluate, together=batches), Hooks()) == "finished"
    return campaign, batches.seen


def test_the_whole_budget_is_spent_once(driven):
    campaign, batches = driven
    trials = campaign.store.trials(campaign.name)
    assert [trial.number for trial in trials] == list(range(16))
    assert {trial.state for trial in trials} <= {"complete", "silent", "failed"}
    assert batches


def test_trials_of_a_batch_have_one_shape_and_are_free_in_the_rest(driven):
    _, batches = driven
    assert max(map(len, batches)) == 3
    for requests in batches:
        assert len({shape_of(request) for request in requests}) == 1
        assert len({request.config["beta"] for request in requests}) == len(requests)


def test_a_mate_says_whose_it_is(driven):
    campaign, batches = driven
    first, *mates = next(requests for requests in batches if len(requests) == 3)
    assert "program it shares" not in why(campaign.store, campaign.name, first.number).origin
    for mate in mates:
        shared = f"in the shape of trial {first.number}, whose program it shares"
        assert shared in why(campaign.store, campaign.name, mate.number).origin


def test_the_start_sees_the_shapes_that_it_would_without_batches(driven, tmp_path):
    campaign, batches = driven
    plain = open_toy(tmp_path, budget={"trials": 6, "initial": 6})
    drive(plain, SerialPool(evaluate), Hooks())
    assert history(campaign)[:6] == history(plain)
    assert min(request.number for requests in batches for request in requests) >= 6


def test_a_batch_that_was_interrupted_runs_again_whole(driven, tmp_path):
    """Its trials go back to the queue, and are put together as they were."""

    def interrupted(requests, *_):
        lost.append([request.number for request in requests])
        raise KeyboardInterrupt

    campaign, lost, batches = open_batched(tmp_path), [], Batches()
    with pytest.raises(KeyboardInterrupt):
        drive(campaign, SerialPool(evaluate, together=interrupted), Hooks())
    assert {t.number for t in campaign.store.trials(campaign.name, states={"queued"})} == set(lost[0])
    assert drive(campaign, SerialPool(evaluate, together=batches), Hooks()) == "finished"
    assert [request.number for request in batches.seen[0]] == lost[0]
    assert history(campaign) == history(driven[0])


def test_a_proposal_that_turns_out_to_be_of_another_program_gets_a_worker_of_its_own(tmp_path):
    def odd(request):
        return request.config["reset"], request.config["beta"] > 0.7

    batches = Batches()
    campaign = replace(open_batched(tmp_path), key=odd)
    assert drive(campaign, SerialPool(evaluate, together=batches), Hooks()) == "finished"
    assert len(campaign.store.trials(campaign.name)) == 16
    assert all(len(set(map(odd, requests))) == 1 for requests in batches.seen)


def test_campaigns_without_batches_train_every_trial_alone(tmp_path):
    batches = Batches()
    campaign = open_batched(tmp_path, workers={"count": 1}, budget={"trials": 8, "initial": 2})
    drive(campaign, SerialPool(evaluate, together=batches), Hooks())
    assert batches.seen == []


def test_the_last_trials_are_shared_by_all_workers():
    spec = CampaignSpec.from_mapping(SPEC | {"workers": {"count": 4, "batch": 8}})
    assert [batch_size(spec, left) for left in (100, 32, 31, 9, 4, 1)] == [8, 8, 8, 3, 1, 1]


def test_mates_keep_what_decides_the_program():
    space = Space(
        {
            "beta": Float(low=0.1, high=0.9),
            "hidden_width": Integer(low=8, high=64),
            "neuron": Categorical(choices=("lif", "synaptic")),
            "peak_rate": Float(low=0.1, high=1.0),
            "weight_bits": Integer(low=2, high=8),
        }
    )
    config = {"beta": 0.5, "hidden_width": 20, "neuron": "lif", "peak_rate": 0.3, "weight_bits": 4}
    kept = held(space, config)
    assert kept == {
        "hidden_width": {"low": 20, "high": 20},
        "neuron": {"values": ["lif"]},
        "peak_rate": {"low": 0.3, "high": 0.3},
    }
    assert space.narrow(kept).cardinality == float("inf")
