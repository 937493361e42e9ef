"""Collecting removes what nothing names, and nothing else."""

import os
import time

import pytest

from hpo.collecting import GRACE_S, collect
from hpo.home import Home
from hpo.store import TrialResult
from hpo.store.artifacts import Collected
from spikefront.errors import ConflictError


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.delenv("SPIKEFRONT_STORE", raising=False)
    return Home(tmp_path / "home")


def put(home, data, age_s=2 * GRACE_S):
    """An artifact that was written some time ago; its sha256."""
    digest = home.artifacts.put(data)
    moment = time.time() - age_s
    os.utime(home.artifacts.path(digest), (moment, moment))
    return digest


def name(store, campaign, digest):
    """A trial that names an artifact."""
    number = store.add_trial(campaign, {}, 1, {}).number
    store.finish_trial(campaign, number, TrialResult("complete", artifact=digest))


def test_what_trials_name_and_what_is_young_stays(home):
    store = home.open()
    for campaign in ("one", "two"):
        store.create_campaign(campaign, {}, 1, {}, {})
        name(store, campaign, put(home, campaign.encode()))
    name(store, "two", "ab" * 32)  # its file is lost
    young, lost = put(home, b"just written", age_s=10), put(home, b"of a killed driver" * 100)
    half = home.artifacts.path(lost).with_name(".new-x7")
    half.write_bytes(b"half")
    os.utime(half, (0, 0))
    (home.path / "artifacts" / "readme").write_text("mine")
    assert collect(home) == Collected(removed=2, removed_bytes=1804, kept=3, missing=1)
    assert not home.artifacts.path(lost).exists()
    assert not half.exists()
    assert home.artifacts.get(young) == b"just written"
    assert (home.path / "artifacts" / "readme").exists()
    assert collect(home).removed == 0


def test_a_network_that_is_trained_again_is_young_again(home):
    home.open()
    digest = put(home, b"network")
    assert home.artifacts.put(b"network") == digest
    assert collect(home).kept == 1


def test_nothing_is_removed_while_a_driver_is_at_work(home):
    store = home.open()
    store.create_campaign("one", {}, 1, {}, {})
    store.take_lease("one", "host-a:1", 60)
    put(home, b"network")
    with pytest.raises(ConflictError, match="'one' is driven by host-a:1"):
        collect(home)


def test_a_home_with_a_second_store_is_left_alone(home, monkeypatch):
    home.open()
    put(home, b"network")
    monkeypatch.setenv("SPIKEFRONT_STORE", "postgresql://u:p@127.0.0.1:1/d")
    with pytest.raises(ConflictError, match="a store of its own"):
        collect(home)
