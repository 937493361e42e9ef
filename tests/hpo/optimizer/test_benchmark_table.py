import json

import numpy as np
import pytest

from benchmarks.optimizer.problems import make
from benchmarks.optimizer.table_features import designs_of, features, recorded, space_without, specification
from benchmarks.optimizer.table_fit import seed_noise, tables
from benchmarks.optimizer.table_record import draws, pack, repeats
from hardware.expected_cost import expected_cost
from hpo.optimizer.propose import random_proposal
from workers.parameters import TrialParameters


@pytest.fixture(scope="module")
def box():
    return make("table", 3)


def first(count=None):
    return [t for t in recorded() if "repeat_of" not in t][:count]


def test_the_table_holds_real_trainings_of_different_configurations():
    trainings = first()
    assert len(trainings) >= 600
    assert len({json.dumps(t["config"], sort_keys=True) for t in trainings}) == len(trainings)
    assert [t["number"] for t in trainings] == list(range(len(trainings)))
    for training in trainings[:50]:
        drawn = draws(specification(), 50)[training["number"]]
        assert all(drawn[k] == v or drawn[k] == pytest.approx(v, 1e-4) for k, v in training["config"].items())
        assert len(training["curves"]["validation_accuracy"]) == len(training["curves"]["loss"])
        if training["state"] == "complete":
            assert len(training["curves"]["loss"]) == specification().fixed["epochs"]


def test_more_draws_begin_with_the_same_ones():
    spec = specification()
    assert draws(spec, 40)[:7] == draws(spec, 7)


def test_the_box_resembles_the_trainings_that_it_was_fitted_to(box):
    errors, truth = [], []
    for training in first():
        for design in designs_of(training):
            if training["silence"] <= 0 and design.config["weight_bits"] in (3, 8):
                config = {**design.config, "lanes": 4, "family": "event_driven"}
                outcomes, _ = box.truth(config)
                errors.append(outcomes["accuracy"] - design.accuracy)
                truth.append(design.accuracy)
    assert np.var(errors) < 0.25 * np.var(truth)


def test_the_box_tells_silence_apart(box):
    right = []
    for training in first(200):
        config = {**training["config"], "weight_bits": 8, "lanes": 4, "family": "event_driven"}
        _, constraints = box.truth(config)
        right.append((constraints["silence"] > 0) == (training["silence"] > 0))
    assert np.mean(right) > 0.85


def test_points_follow_from_outcomes_and_hardware(box):
    for index in range(30):
        proposal = random_proposal(box.problem, index, [])
        observation = box.evaluate(proposal, np.random.default_rng(index))
        if observation.is_feasible:
            break
    parameters = TrialParameters.model_validate({**specification().fixed, **proposal.config})
    spikes = np.array([observation.outcomes["spikes_0"], observation.outcomes["spikes_1"]])
    cost = expected_cost(parameters.shape((8, 8), 10), spikes, parameters.accelerator())
    (point,) = observation.points
    assert point["accuracy"] == pytest.approx(observation.outcomes["accuracy"])
    assert point["latency_us"] == pytest.approx(float(cost.latency_us))
    assert point["energy_uj"] == pytest.approx(float(cost.energy_uj))


def test_noise_belongs_to_the_trial_and_truth_has_none(box):
    proposal = random_proposal(box.problem, 1, [])
    once, again, other = (box.run(proposal.config, np.random.default_rng(seed)) for seed in (5, 5, 6))
    assert once == again
    assert once != other
    assert box.truth(proposal.config) == box.truth(proposal.config)


def test_noise_of_a_training_is_the_spread_over_seeds_alone():
    config = next(t for t in first() if t["state"] == "complete")["config"]
    rng = np.random.default_rng(0)
    trainings = []
    for number in range(300):
        for accuracy in 1 / (1 + np.exp(-rng.normal(rng.normal(0, 2), 0.3, 3))):
            design = {"weight_bits": 8, "accuracy": accuracy, "spikes": [10.0, 20.0, 1.0]}
            trainings.append({"number": number, "config": config, "silence": -0.1, "designs": [design]})
    noise = seed_noise(trainings, 0.1)
    assert noise["accuracy"] == pytest.approx(0.3, rel=0.15)
    assert noise["spikes_1"] == 0.0


def test_features_and_silent_trainings_fit_the_models():
    whole = space_without("lanes", "family")
    found = tables(first(40), 0.1)
    assert len(found["silence"].values) == sum(t["silence"] is not None for t in first(40))
    assert np.isfinite(found["accuracy"].columns).all()
    config = next(designs_of(t)[0].config for t in first() if t["designs"])
    other = {**config, "weight_bits": 9 - config["weight_bits"] if config["weight_bits"] != 4 else 6}
    assert not np.array_equal(features(whole, config), features(whole, other))


def test_repeats_are_spread_over_the_accuracies_of_feasible_trainings():
    found = [number for number, _ in repeats(first(), 10)]
    chosen = {t["number"]: t for t in first()}
    assert len(set(found)) == 10
    assert all(chosen[number]["silence"] <= 0 for number in found)
    accuracies = [chosen[number]["float_accuracy"] for number in found]
    assert accuracies == sorted(accuracies)
    assert accuracies[-1] - accuracies[0] > 0.5


def test_packing_keeps_every_row(tmp_path):
    work = tmp_path / "work.jsonl"
    work.write_text("".join(json.dumps(t) + "\n" for t in first(5)))
    pack(specification(), work, tmp_path / "table.json.gz")
    assert recorded(tmp_path / "table.json.gz") == first(5)
