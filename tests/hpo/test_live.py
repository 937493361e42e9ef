"""What is seen of running trials while a campaign goes on, and what is left when one was stopped."""

import pytest
from typer.testing import CliRunner

from hpo.cli import app
from hpo.driver import Hooks, drive
from hpo.history import observations
from hpo.noting import Notes
from hpo.queries import status
from models.records import EpochReport
from tests.hpo.toy import evaluate, history, open_toy
from workers.pool import SerialPool
from workers.progress import progress_of

BUDGET = {"trials": 4, "initial": 4}


def epoch(number, loss=0.5):
    rates = ((31.5, 2.0), (0.125, 0.0625))
    return EpochReport(number, loss, 0.75, 0.1 * number, *rates, -0.1, 0.01, 1.0)


def reporting(request, report):
    """The toy, after three epochs; the third overflows."""
    for number, loss in enumerate((1.5, 0.75, float("inf"))):
        report(epoch(number + 1, loss))
    return evaluate(request)


@pytest.fixture
def campaign(tmp_path, monkeypatch):
    monkeypatch.delenv("SPIKEFRONT_STORE", raising=False)
    return open_toy(tmp_path, budget=BUDGET, fixed={"epochs": 5})


def test_progress_reaches_the_store_and_every_view_while_the_trial_runs(campaign, tmp_path, monkeypatch):
    monkeypatch.setattr("hpo.noting.SHARE", 1.0)
    seen = []

    def changed():
        running = status(campaign.store, "toy").running
        if running:
            seen.append(running[0])
            shown = [
                CliRunner().invoke(app, [*words, "--home", str(tmp_path)]).output
                for words in (["status", "toy"], ["show", "toy", str(running[0].trial)])
            ]
            if running[0].epoch == 2:
                assert "2/5" in shown[0]
                assert "31.5/2.0" in shown[0]
                assert "12.5/6.2" in shown[1]
                assert "20.00" in shown[1]

    assert drive(campaign, SerialPool(reporting, report_s=0.0), Hooks(changed)) == "finished"
    assert {(trial.trial, trial.epoch) for trial in seen} == {(n, e) for n in range(4) for e in (1, 2, 3)}
    assert [trial.loss for trial in seen if trial.epoch == 3] == [None] * 4, "infinity is no JSON"
    assert {trial.epochs for trial in seen} == {5}
    assert campaign.store.progress("toy") == []


def test_progress_is_noted_seldom_where_that_takes_long_and_then_the_newest(campaign, monkeypatch):
    monkeypatch.setattr("hpo.noting.SHARE", 1e-6)
    campaign.store.set_campaign_state("toy", "running")
    for number in range(2):
        campaign.store.add_trial("toy", {"beta": 0.5}, number, {})
        campaign.store.start_trial("toy", number)
    listen = Notes(campaign.store, "toy", lambda: None)
    reports = tuple(epoch(n + 1) for n in range(3))
    listen({0: progress_of(reports[:1])})
    for count in (2, 3):
        listen({0: progress_of(reports[:count]), 1: progress_of(reports[:count])})
    assert {r.trial: r.detail["epoch"] for r in campaign.store.progress("toy")} == {0: 1}
    monkeypatch.setattr("hpo.noting.SHARE", 1.0)
    listen._after = 0.0
    listen({})
    assert {r.trial: r.detail["epoch"] for r in campaign.store.progress("toy")} == {0: 3, 1: 3}


def test_progress_leaves_no_trace_in_what_a_campaign_finds(campaign, tmp_path):
    drive(campaign, SerialPool(reporting, report_s=0.0), Hooks())
    plain = open_toy(tmp_path / "plain", budget=BUDGET, fixed={"epochs": 5})
    drive(plain, SerialPool(evaluate), Hooks())
    assert history(campaign) == history(plain)


def test_a_trial_stopped_while_it_runs_is_recorded_as_pruned_and_the_search_goes_on(campaign):
    class Impatient(SerialPool):
        """Stops its second trial at the first word of it."""

        def collect(self, timeout_s, listen):
            def heard(newest):
                listen(newest)
                self.stop(1, "beaten by trial 0 after 1 of 5 epochs")

            return super().collect(timeout_s, heard)

    assert drive(campaign, Impatient(reporting, report_s=0.0), Hooks()) == "finished"
    trial = campaign.store.trial("toy", 1)
    assert (trial.state, trial.reason) == ("pruned", "beaten by trial 0 after 1 of 5 epochs")
    assert trial.metrics["validation_accuracy"] == [0.1]
    assert status(campaign.store, "toy").counts["pruned"] == 1
    [seen] = [o for o in observations(campaign.spec, campaign.store) if o.index == 1]
    assert (seen.status, seen.outcomes) == ("pruned", None)
