"""Hopeless trials of a campaign are stopped while they run, and whoever looks on is told."""

import math
from dataclasses import replace

import numpy as np
import pytest

from hpo.campaign import CampaignSpec
from hpo.driver import Hooks, drive
from hpo.history import AUDIT, observations
from hpo.pruning import audited, epochs_of
from hpo.remarks import remarks
from models.records import EpochReport
from spikefront.errors import SpecError
from tests.hpo.toy import SPEC, evaluate, history, open_toy
from workers.pool import SerialPool

EPOCHS = 10
STOPPING = {
    "stopping": {"audit_share": 0.0},
    "budget": {"trials": 24, "initial": 8},
    "search": "random",
    "fixed": {"epochs": EPOCHS},
}


def trained(request, report):
    """The toy trial, far worse beside a threshold of 1; accuracy rises to its end in log odds."""
    outcome = evaluate(request)
    if outcome.state != "complete":
        return outcome
    accuracy = outcome.metrics["accuracy"] * (1.0 - 0.7 * min(abs(request.config["threshold"] - 1.0), 1.0))
    design = outcome.designs[0]
    outcome = replace(
        outcome,
        metrics={"accuracy": accuracy, "float_accuracy": accuracy},
        designs=(replace(design, measures={**design.measures, "accuracy": accuracy}),),
    )
    odds = math.log(accuracy / (1 - accuracy))
    accuracies = [1 / (1 + math.exp(2.0 - (2.0 + odds) * (k + 1) / EPOCHS)) for k in range(EPOCHS)]
    spikes = (outcome.spikes_per_layer[1], 1.0)
    for epoch, accuracy in enumerate(accuracies, 1):
        report(EpochReport(epoch, 1.0, accuracy, accuracy, spikes, (0.1, 0.1), -0.1, 0.01, 0.1))
    curves = {"validation_accuracy": accuracies, "spikes_per_layer": [list(spikes)] * EPOCHS}
    return replace(outcome, metrics={**outcome.metrics, **curves})


def run(home, **changes):
    campaign = open_toy(home, **{**STOPPING, **changes})
    drive(campaign, SerialPool(trained, report_s=0.0), Hooks())
    return campaign


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    return run(tmp_path_factory.mktemp("stopped"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return run(tmp_path_factory.mktemp("whole"), stopping=None)


def front(campaign):
    points = [p for o in observations(campaign.spec, campaign.store) if o.is_feasible for p in o.points]
    return [points[k] for k in campaign.problem.scale.front(points)]


def test_hopeless_trials_are_stopped_and_the_front_is_the_same(stopped, whole):
    pruned = stopped.store.trials("toy", states={"pruned"})
    assert len(pruned) >= 2
    assert sum(stopped.store.counts("toy").values()) == STOPPING["budget"]["trials"]
    assert [h[2:] for h in history(stopped)] == [h[2:] for h in history(whole)]
    assert front(stopped) == front(whole)


def test_what_was_stopped_would_not_have_improved_the_front(stopped, whole):
    best = front(whole)
    for trial in stopped.store.trials("toy", states={"pruned"}):
        (design,) = whole.store.designs("toy", trial=trial.number)
        assert {name: design.measures[name] for name in stopped.spec.objectives} not in best


def test_a_stopped_trial_says_why_and_where_it_was_heading(stopped, whole):
    for trial in stopped.store.trials("toy", states={"pruned"}):
        epoch = len(trial.metrics["validation_accuracy"])
        assert 0.25 * EPOCHS <= epoch < EPOCHS
        assert trial.reason.startswith(f"hopeless after epoch {epoch}: the chance")
        assert "below the 5 % of stopping.chance" in trial.reason
        true = whole.store.trial("toy", trial.number).metrics["accuracy"]
        assert trial.metrics["foretold"]["accuracy"] == pytest.approx(true, abs=0.15)


def test_models_are_told_the_foretold_end(stopped):
    told = [o for o in observations(stopped.spec, stopped.store) if o.status == "pruned"]
    assert told
    for observation in told:
        assert set(observation.outcomes) == {"accuracy", "spikes_0"}
        assert not observation.is_feasible


def test_without_the_table_nothing_is_stopped(whole):
    assert whole.store.counts("toy")["pruned"] == 0
    assert not any("hopeless" in line for line in remarks(whole.store, "toy"))


def test_audited_trials_run_on_and_the_report_counts_them(tmp_path, stopped):
    campaign = run(tmp_path, stopping={"audit_share": 1.0})
    trials = campaign.store.trials("toy")
    ran_on = [trial for trial in trials if AUDIT in trial.metrics]
    assert campaign.store.counts("toy")["pruned"] == 0
    assert {t.number for t in ran_on} >= {t.number for t in stopped.store.trials("toy", states={"pruned"})}
    assert all(trial.metrics[AUDIT]["chance"] < 0.05 for trial in ran_on)
    improved = sum(trial.metrics[AUDIT]["improved"] for trial in ran_on)
    line = next(line for line in remarks(campaign.store, "toy") if "hopeless" in line)
    assert f"{len(ran_on)} more ran on as an audit, and {improved} improved" in line


def test_a_campaign_that_was_paused_goes_on_stopping_as_it_would_have(tmp_path, stopped):
    campaign = open_toy(tmp_path, **STOPPING)
    enough = iter([False] * 25)
    drive(campaign, SerialPool(trained, report_s=0.0), Hooks(stop=lambda: next(enough, True)))
    assert sum(campaign.store.counts("toy").values()) < STOPPING["budget"]["trials"]
    drive(campaign, SerialPool(trained, report_s=0.0), Hooks())
    assert history(campaign) == history(stopped)


def test_a_bayesian_campaign_learns_from_stopped_trials(tmp_path):
    campaign = run(tmp_path, search="bayesian", budget={"trials": 14, "initial": 10})
    assert campaign.store.counts("toy")["pruned"] > 0
    assert campaign.store.trial("toy", 13).proposal["predicted"]


def test_which_trials_are_audited_depends_on_seed_and_number_alone():
    rule = CampaignSpec.from_mapping(SPEC | {"stopping": {"audit_share": 0.2}}).stopping
    drawn = [audited(3, number, rule) for number in range(1000)]
    assert drawn == [audited(3, number, rule) for number in range(1000)]
    assert np.mean(drawn) == pytest.approx(0.2, abs=0.04)


def test_epochs_come_from_the_configuration_or_the_default():
    assert epochs_of(CampaignSpec.from_mapping(SPEC), {}) == 10
    assert epochs_of(CampaignSpec.from_mapping(SPEC | {"fixed": {"epochs": 33}}), {}) == 33
    searched = SPEC | {"space": SPEC["space"] | {"epochs": {"type": "integer", "low": 5, "high": 50}}}
    assert epochs_of(CampaignSpec.from_mapping(searched), {"epochs": 7}) == 7


@pytest.mark.parametrize(("key", "value"), [("chance", 0.0), ("after_share", 1.0), ("audit_share", 1.5)])
def test_impossible_rules_are_refused_by_name(key, value):
    with pytest.raises(SpecError, match=f"stopping.{key}"):
        CampaignSpec.from_mapping(SPEC | {"stopping": {key: value}})
