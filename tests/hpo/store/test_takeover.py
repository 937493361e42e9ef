"""Two real drivers of one campaign: one is killed or stopped, the other takes over, on every database."""

import os
import signal
import subprocess
import time
from collections import Counter

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError
from store_samples import LEASE_S, Start, until

from hpo.store import Store, open_store

POSTGRESQL_LOCK = "SELECT 1 FROM campaigns FOR UPDATE NOWAIT"


def stop_between_writes(driver: "subprocess.Popen[str]", store_url: str) -> None:
    """Suspend the driver, but not within a transaction: there it would keep the database's lock too."""
    engine = create_engine(
        store_url.replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT"
    )
    lock = "BEGIN IMMEDIATE; ROLLBACK" if engine.dialect.name == "sqlite" else POSTGRESQL_LOCK
    for _ in range(200):
        os.kill(driver.pid, signal.SIGSTOP)
        try:
            with engine.connect() as connection:
                for statement in lock.split(";"):
                    connection.execute(text(statement))
        except OperationalError:
            os.kill(driver.pid, signal.SIGCONT)
            time.sleep(0.01)
        else:
            engine.dispose()
            return
    pytest.fail("the driver was never met between two writes")


def check_history(store: Store) -> None:
    """Every trial of the budget ended, and each of them once."""
    assert store.campaign("toy").state == "finished"
    events = store.events("toy")
    finished = Counter(event.trial for event in events if event.kind == "trial_finished")
    assert finished == dict.fromkeys(range(14), 1)
    lost = [event for event in events if event.kind == "trial_requeued"]
    assert sum(trial.attempts for trial in store.trials("toy")) == len(lost) <= 1


@pytest.mark.parametrize("wake", ["while the other drives", "after the other ended"])
def test_a_stopped_driver_that_wakes_after_the_take_over_writes_nothing(
    store_url: str, start: Start, wake: str
) -> None:
    store = open_store(store_url)
    first = start()
    until(store, 3)
    stop_between_writes(first, store_url)
    held = store.lease_holder("toy")
    time.sleep(LEASE_S)
    second = start()
    try:
        until(store, 6)
        assert store.lease_holder("toy") != held
        if wake.startswith("after"):
            assert second.communicate(timeout=60)[0] == "driving\nfinished\n"
        os.kill(first.pid, signal.SIGCONT)
        said, _ = first.communicate(timeout=60)
        assert first.returncode == 2
        assert said.startswith("driving\nCampaign 'toy' was taken over by")
        assert f":{second.pid}:" in said
        if not wake.startswith("after"):
            assert second.communicate(timeout=60)[0] == "driving\nfinished\n"
        check_history(store)
    finally:
        for driver in (first, second):
            driver.kill()
            driver.communicate()
        store.close()


def test_after_a_kill_the_next_driver_takes_over_at_once(store_url: str, start: Start) -> None:
    store = open_store(store_url)
    first = start()
    until(store, 2)
    first.kill()
    first.communicate()
    said, _ = start().communicate(timeout=60)
    assert said == "driving\nfinished\n"
    check_history(store)
    store.close()
