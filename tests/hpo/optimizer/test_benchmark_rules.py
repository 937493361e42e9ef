"""The measurements of stop rules and warm starts measure what they say."""

import numpy as np
import pytest

from benchmarks.optimizer.followed import follow, remembered
from benchmarks.optimizer.problems import make
from benchmarks.optimizer.stop_rule import RULES, _end
from benchmarks.optimizer.warm_start import _sooner, earlier_box
from hpo.optimizer.propose import random_proposal
from hpo.space import Categorical
from hpo.stopping import growth_reason

# Grows to trial 12, stands still for 30 trials, and then grows by half.
CURVE = [*np.linspace(0.1, 1.0, 12), *[1.0] * 30, *[1.5] * 40]


def test_a_stop_is_judged_by_what_followed():
    row = {"volumes": CURVE, "gains": [None] * 5 + [0.0] * 77}
    early = _end(growth_reason, 0.05, 20, row)
    assert early["at"] == 32
    assert early["grew"] == pytest.approx(0.5)
    assert early["lost"] == pytest.approx(1 / 3)
    assert early["late"] == 0
    patient = _end(growth_reason, 0.05, 35, row)
    assert (patient["at"], patient["grew"]) == (78, None)
    # Everything after trial 42 is flat, so that whoever stops at 78 has waited since trial 43.
    assert patient["late"] == 78 - 43
    assert patient["lost"] == 0.0


def test_each_condition_alone_stops_sooner():
    row = {"volumes": CURVE, "gains": [0.003] * len(CURVE)}
    ends = {name: _end(rule, 0.05, 20, row) for name, rule in RULES.items()}
    assert {name: end["at"] for name, end in ends.items()} == {"seen": 32, "foretold": 43, "both": 63}
    assert _end(growth_reason, 0.05, 20, {"volumes": CURVE, "gains": [1.0] * len(CURVE)}) is None


@pytest.mark.parametrize("kind", ["same", "shifted", "inverted"])
def test_an_earlier_landscape_takes_every_configuration(kind):
    box, here = earlier_box(kind, 0), make("snn60", 1000)
    silent = 0
    for index in range(40):
        config = random_proposal(box.problem, index, []).config
        outcomes, _ = box.truth(config)
        silent += outcomes is None
        if kind == "same":
            assert box.truth(config) == here.truth(config)
    assert 5 < silent < 38


def test_an_inverted_landscape_is_the_mirror():
    """What is measured there at a mirrored configuration is what is measured here."""
    box, here = earlier_box("inverted", 0), make("snn60", 1000)
    space, same = box.problem.space, 0
    for index in range(30):
        config = random_proposal(box.problem, index, []).config
        row = space.to_unit(config)
        for name, variable in space.variables.items():
            span = space.columns[name]
            row[span] = np.roll(row[span], 1) if isinstance(variable, Categorical) else 1.0 - row[span]
        mirrored = space.complete(space.from_unit(space.round_unit(row)), np.full(space.cube_dimension, 0.5))
        assert box.truth(config) == here.truth(mirrored)
        same += box.truth(config) == here.truth(config)
    assert same < 3


def test_campaigns_are_remembered(tmp_path):
    runs = []

    def run(seed):
        runs.append(seed)
        return follow(make("srn", seed), 10)[1]

    first = remembered(tmp_path / "work.jsonl", [(0,)], run)
    again = remembered(tmp_path / "work.jsonl", [(0,), (1,)], run)
    assert runs == [0, 1]
    assert again[0,] == first[0,]
    assert len(first[0,]["volumes"]) == len(first[0,]["gains"]) == 10
    assert first[0,]["volumes"] == sorted(first[0,]["volumes"])
    assert first[0,]["gains"].count(None) >= 8


def test_the_evaluations_for_the_same_volume_are_counted():
    assert _sooner([0.1, 0.5, 0.9], 0.5) == 2
    assert _sooner([0.1, 0.5, 0.9], 1.0) == float("inf")
