"""Many campaigns, or one with many trials: what is listed stays short and says what it leaves out."""

from dataclasses import replace

import pytest
from typer.testing import CliRunner

from hpo.cli import app
from hpo.driver import Hooks, drive
from hpo.home import Home
from hpo.overview import statuses
from hpo.queries import front, status
from hpo.store import TrialResult
from tests.hpo.toy import evaluate, open_toy
from workers.pool import SerialPool


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home with a finished campaign, one that ended without a trial, and one whose driver was killed."""
    where = tmp_path_factory.mktemp("home")
    drive(open_toy(where, search="random"), SerialPool(evaluate), Hooks())
    idle = open_toy(where, name="idle").store
    for number in range(3):
        idle.add_trial("idle", {}, 1, {})
        idle.finish_trial("idle", number, TrialResult("silent", "too few spikes"))
    idle.set_campaign_state("idle", "cancelled")
    killed = open_toy(where, name="killed", objectives={"accuracy": {"reference": 0.2}})
    killed.store.set_campaign_state("killed", "running")
    return Home(where)


@pytest.fixture(autouse=True)
def _own_store(monkeypatch):
    monkeypatch.delenv("SPIKEFRONT_STORE", raising=False)


def listed(home, *options):
    said = CliRunner().invoke(app, [*options, "--home", str(home.path)])
    assert said.exit_code == 0, said.output
    return said.output


def test_the_list_says_of_each_campaign_what_its_status_says(home):
    store = home.open_existing()
    found = statuses(store)
    assert [one.name for one in found] == ["killed", "idle", "toy"]
    assert found == [replace(status(store, one.name), best={}) for one in found]
    assert found[2].front_size == len(front(store, "toy")) > 1
    assert found[0].is_abandoned
    store.close()


def test_a_long_list_ends_with_what_it_leaves_out(home):
    said = listed(home, "list", "--limit", "2")
    assert "killed" in said
    assert "toy" not in said
    assert "the newest 2 of 3 campaigns; more with --limit" in said
    assert "more with" not in listed(home, "list")


def test_of_many_trials_the_newest_are_shown(home, monkeypatch):
    monkeypatch.setattr("hpo.cli.LISTED_TRIALS", 3)
    assert "trials from 11 on" in listed(home, "show", "toy")
    monkeypatch.setattr("hpo.cli.LISTED_TRIALS", 14)
    assert "trials from" not in listed(home, "show", "toy")


def test_a_report_lists_some_of_the_trials_without_a_design_and_counts_all(home, monkeypatch):
    from hpo import report

    store = home.open_existing()
    whole = report.render(store, "idle")
    assert whole.count("<td>silent</td>") == 3
    assert "</h2>\n<p>The first" not in whole
    monkeypatch.setattr(report, "MAX_STOPPED", 1)
    part = report.render(store, "idle")
    assert part.count("<td>silent</td>") == 1
    assert "</h2>\n<p>The first 1 of 3; " in part
    store.close()
