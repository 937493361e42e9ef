"""Audited verdicts of silence reach the user."""

from dataclasses import replace

from hpo.driver import Hooks, drive
from hpo.remarks import remarks
from tests.hpo.toy import evaluate, open_toy
from workers.pool import SerialPool


def audited(request, _report):
    """The toy trial; whatever completes was condemned before, and recovered at a high beta."""
    outcome = evaluate(request)
    if outcome.state != "complete":
        return outcome
    audit = {"condemned_at": 40, "recovered": request.config["beta"] > 0.7}
    return replace(outcome, metrics={**outcome.metrics, "audit": audit})


def test_remarks_tell_how_often_the_verdict_was_wrong(tmp_path):
    campaign = open_toy(tmp_path)
    drive(campaign, SerialPool(audited), Hooks())
    trials = campaign.store.trials("toy")
    ran_on = [trial for trial in trials if trial.state == "complete"]
    recovered = sum(trial.config["beta"] > 0.7 for trial in ran_on)
    condemned = len(ran_on) + sum(trial.state == "silent" for trial in trials)
    assert 0 < recovered < len(ran_on)
    line = next(line for line in remarks(campaign.store, "toy") if "audit" in line)
    assert line.startswith(f"{condemned} trainings")
    assert f"{len(ran_on)} of them ran on" in line
    assert line.endswith(f"{recovered} recovered")
