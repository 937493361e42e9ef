"""The history explains the present: states follow from events alone, and the log says them in words."""

import json
import random

import pytest
from typer.testing import CliRunner

from hpo.cli import app
from hpo.control import ask, extend
from hpo.driver import Hooks, drive
from hpo.log import line
from spikefront.errors import ConflictError
from tests.hpo.toy import evaluate, open_toy
from workers.pool import SerialPool


def replayed(events):
    """State, request and extra trials of the campaign, and every trial's state and attempts, from events."""
    campaign = {"state": "created", "request": None, "extra": 0}
    trials = {}
    for event in events:
        detail = event.detail
        match event.kind:
            case "campaign_state":
                campaign["state"] = detail["to"]
                campaign["request"] = campaign["request"] if detail["to"] == "running" else None
            case "campaign_extended":
                campaign["extra"] += detail["trials"]
            case "requested":
                campaign["request"] = detail["what"]
            case "lease_taken":
                campaign["request"] = None if campaign["request"] == "pause" else campaign["request"]
            case "trial_queued":
                trials[event.trial] = ["queued", 0]
            case "trial_started":
                trials[event.trial][0] = "running"
            case "trial_requeued":
                trials[event.trial] = ["queued", detail["attempts"]]
            case "trial_cancelled":
                trials[event.trial][0] = "cancelled"
            case "trial_finished":
                trials[event.trial][0] = detail["state"]
    return campaign, trials


def check(store):
    record = store.campaign("toy")
    campaign, trials = replayed(store.events("toy"))
    assert campaign == {"state": record.state, "request": record.request, "extra": record.extra_trials}
    assert trials == {t.number: [t.state, t.attempts] for t in store.trials("toy")}


@pytest.mark.parametrize("seed", range(4))
def test_every_state_follows_from_the_events(tmp_path, seed):
    """Random requests at random moments of a campaign that is driven again and again."""
    rng = random.Random(seed)
    campaign = open_toy(tmp_path, search="random", budget={"trials": 6, "initial": 6})
    store = campaign.store

    def disturbed(request, _report):
        check(store)
        if rng.random() < 0.4:
            what = rng.choice(["pause", "pause", "extend", "cancel" if seed == 3 else "pause"])
            extend(store, "toy", 1) if what == "extend" else ask(store, "toy", what, rng.random() < 0.5)
        check(store)
        return evaluate(request)

    for _ in range(8):
        try:
            drive(campaign, SerialPool(disturbed), Hooks())
        except ConflictError:
            break
        check(store)
    assert len(store.trials("toy")) > 2


def test_the_log_says_what_happened_and_who_did_it(tmp_path):
    campaign = open_toy(tmp_path, search="random", budget={"trials": 3, "initial": 3})
    drive(campaign, SerialPool(evaluate), Hooks())
    extend(campaign.store, "toy", 1)
    ask(campaign.store, "toy", "cancel", at_once=True)
    said = CliRunner().invoke(app, ["log", "toy", "--home", str(tmp_path)], env={"SPIKEFRONT_STORE": ""})
    assert said.exit_code == 0, said.output
    lines = said.output.splitlines()
    assert lines == [line(event) for event in campaign.store.events("toy")]
    words = [text.split("  ", 1)[1] for text in lines]
    assert words[0] == "campaign    created"
    assert words[1].startswith("campaign    driven by ")
    assert words[2] == "campaign    created -> running [lease 1]"
    assert words[3:5] == ["trial 0     queued [lease 1]", "trial 0     started [lease 1]"]
    assert any(text.startswith("trial 1 ") and text.endswith("1 designs [lease 1]") for text in words)
    assert any("asked to cancel at once by " in text for text in words)
    assert any("1 trials more, 1 beyond the specification" in text for text in words)
    one = ["log", "toy", "--trial", "1", "--json", "--home", str(tmp_path)]
    kinds = [event["kind"] for event in json.loads(CliRunner().invoke(app, one).output)]
    assert kinds == ["trial_queued", "trial_started", "trial_finished"]
