"""What a campaign takes over from an earlier one, and that it is tried first."""

import pytest

from hpo.driver import Hooks, drive
from hpo.optimizer import Observation
from hpo.pareto import HypervolumeScale, Objective
from hpo.runs import create
from hpo.space import Categorical, Float, Integer, Ordinal, Space
from hpo.warm_start import best, starts, translated
from spikefront.errors import NotFoundError
from tests.hpo.toy import SPEC, evaluate, open_toy
from workers.pool import SerialPool

SCALE = HypervolumeScale((Objective("loss", "min", "linear", 1.0), Objective("cost", "min", "linear", 1.0)))
SPACE = Space(
    {
        "beta": Float(low=0.5, high=0.9),
        "width": Integer(low=16, high=64),
        "bits": Ordinal(values=(4, 6, 8)),
        "kind": Categorical(choices=("a", "b")),
        "slope": Float(low=1.0, high=9.0, when={"kind": ("a",)}),
    }
)


def trial(number, *points):
    named = [{"loss": loss, "cost": cost} for loss, cost in points]
    return Observation(number, {}, "complete", {}, {}, named)


def test_the_best_are_those_that_add_most_and_then_the_next_layer():
    told = [
        trial(0, (0.5, 0.5)),
        trial(1, (0.1, 0.9)),
        trial(2, (0.6, 0.6)),
        trial(3, (0.9, 0.1)),
        trial(4, (0.45, 0.56)),
        Observation(5, {}, "silent", None, {"silence": 1.0}),
        trial(6, (0.7, 0.7)),
    ]
    assert [o.index for o in best(told, SCALE, 3)] == [0, 1, 3]
    assert [o.index for o in best(told, SCALE, 6)] == [0, 1, 3, 4, 2, 6]
    assert best([told[5]], SCALE, 3) == []


def test_a_front_beyond_the_reference_has_its_order_too():
    assert [o.index for o in best([trial(0, (3.0, 3.0)), trial(1, (2.0, 2.0))], SCALE, 2)] == [1, 0]


@pytest.mark.parametrize(
    ("config", "found"),
    [
        (
            {"beta": 0.7, "width": 32, "bits": 6, "kind": "b"},
            {"beta": 0.7, "width": 32, "bits": 6, "kind": "b"},
        ),
        ({"beta": 0.99, "width": 100, "bits": 7.5}, {"beta": 0.9, "width": 64, "bits": 8}),
        ({"width": 20.4, "kind": "z", "other": 3}, {"width": 20}),
        ({"kind": "a", "slope": 20.0}, {"kind": "a", "slope": 9.0}),
        ({"kind": "b", "slope": 2.0}, {"kind": "b"}),
        ({"slope": 2.0}, {}),
        ({"beta": [0.7, 0.8], "bits": True, "width": "wide"}, {}),
    ],
)
def test_values_are_brought_into_the_new_space(config, found):
    assert translated(config, SPACE) == found
    SPACE.validate_part(found)


@pytest.fixture
def pair(tmp_path):
    """The toy campaign, finished, and another that starts from it, with a wider beta and a fixed reset."""
    earlier = open_toy(tmp_path, search="random", budget={"trials": 20, "initial": 6})
    drive(earlier, SerialPool(evaluate), Hooks())
    space = {"beta": {"type": "float", "low": 0.6, "high": 0.999}, "threshold": SPEC["space"]["threshold"]}
    later = open_toy(
        tmp_path,
        name="later",
        space=space,
        fixed={"reset": "zero"},
        budget={"trials": 8, "initial": 6},
        warm_start={"campaign": "toy"},
    )
    return earlier, later


def test_half_of_the_initial_design_comes_from_the_earlier_front(pair):
    earlier, later = pair
    given = starts(later.store, later.spec)
    taken = later.store.campaign("later").warm_start
    assert len(given) == 3
    assert taken["campaign"] == "toy"
    for config, number in zip(given, taken["trials"], strict=True):
        old = earlier.store.trial("toy", number).config
        assert config == {"beta": max(old["beta"], 0.6), "threshold": old["threshold"]}


def test_what_was_taken_stays_though_the_earlier_campaign_goes_on(pair):
    earlier, later = pair
    given = starts(later.store, later.spec)
    earlier.store.extend("toy", 20)
    drive(earlier, SerialPool(evaluate), Hooks())
    assert starts(later.store, later.spec) == given
    kinds = [event.kind for event in later.store.events("later")]
    assert kinds.count("warm_started") == 1


def test_an_earlier_campaign_that_is_not_there_is_told_before_anything_is_made(pair):
    _, later = pair
    spec = later.spec.model_copy(update={"name": "third", "warm_start": later.spec.warm_start})
    gone = spec.model_copy(update={"warm_start": spec.warm_start.model_copy(update={"campaign": "toi"})})
    with pytest.raises(NotFoundError, match=r"no campaign 'toi'.*did you mean toy"):
        create(later.store, gone, None)
    assert "third" not in [record.name for record in later.store.campaigns()]
