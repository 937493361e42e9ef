"""Killed processes and racing processes leave the store whole."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from hpo.store import Store, open_store

DESIGNS = 40

# Each finish_trial writes 42 rows; without one transaction around them a kill would leave some.
FINISHER = f"""
import sys
from hpo.store import DesignResult, TrialResult, open_store
store = open_store(sys.argv[1])
design = DesignResult({{}}, {{"accuracy": 0.5}}, {{"cycles": list(range(50))}}, True)
print("ready", flush=True)
while True:
    number = store.add_trial("digits", {{}}, 1, {{}}).number
    store.start_trial("digits", number)
    store.finish_trial("digits", number, TrialResult("complete", designs=[design] * {DESIGNS}))
    print(number, flush=True)
"""

RACER = """
import sys
from hpo.store import open_store
from spikefront.errors import ConflictError
print("ready", flush=True)
sys.stdin.readline()
store = open_store(sys.argv[1])
try:
    store.create_campaign("race", {}, 1, {}, {})
    print("created", flush=True)
except ConflictError:
    print("found", flush=True)
print(*[store.add_trial("race", {}, 1, {}).number for _ in range(40)], flush=True)
"""

GRABBER = """
import sys
from hpo.store import open_store
from spikefront.errors import ConflictError
store = open_store(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
won = []
for number in range(40):
    try:
        store.start_trial("digits", number)
        won.append(number)
    except ConflictError:
        pass
print(*won, flush=True)
"""


def spawn(code: str, url: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def race(code: str, url: str) -> list[list[str]]:
    """Run ``code`` in two processes that begin at one signal; returns the lines each printed after it."""
    racers = [spawn(code, url) for _ in range(2)]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    lines = [racer.communicate(timeout=60)[0].splitlines() for racer in racers]
    assert [racer.returncode for racer in racers] == [0, 0]
    return lines


def kill_at_work(process: subprocess.Popen[str], seconds: float) -> None:
    """Kill a process ``seconds`` after it finished its third trial."""
    assert process.stdout is not None
    for _ in range(4):
        assert process.stdout.readline()
    time.sleep(seconds)
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        assert pipe is not None
        pipe.close()


def test_a_kill_leaves_every_trial_whole_or_untouched(digits: Store, store_url: str) -> None:
    kills = (0.0, 0.003, 0.007, 0.011, 0.017)
    for seconds in kills:
        kill_at_work(spawn(FINISHER, store_url), seconds)
    trials = digits.trials("digits")
    designs = [design.trial for design in digits.designs("digits")]
    finished = [event.trial for event in digits.events("digits") if event.kind == "trial_finished"]
    complete = [trial.number for trial in trials if trial.state == "complete"]
    assert len(complete) >= 3 * len(kills)
    assert finished == complete
    assert designs == [number for number in complete for _ in range(DESIGNS)]
    assert len(trials) - len(complete) <= len(kills)
    lost = [trial.number for trial in trials if trial.state == "running"]
    assert digits.requeue_running("digits") == lost
    assert digits.add_trial("digits", {}, 1, {}).number == len(trials)


def test_racing_processes_share_one_schema_campaign_and_numbering(store_url: str) -> None:
    (first, *first_rest), (second, *second_rest) = race(RACER, store_url)
    assert sorted([first, second]) == ["created", "found"]
    numbers = [[int(number) for number in rest[0].split()] for rest in (first_rest, second_rest)]
    assert sorted(numbers[0] + numbers[1]) == list(range(80))
    store = open_store(store_url)
    assert [trial.number for trial in store.trials("race")] == list(range(80))
    store.close()


def test_racing_processes_never_start_one_trial_twice(digits: Store, store_url: str) -> None:
    for _ in range(40):
        digits.add_trial("digits", {}, 1, {})
    won = [[int(number) for line in lines for number in line.split()] for lines in race(GRABBER, store_url)]
    assert sorted(won[0] + won[1]) == list(range(40))
    assert digits.counts("digits")["running"] == 40


def test_a_reader_is_not_held_up_by_an_open_write(digits: Store, store_url: str, tmp_path: Path) -> None:
    from sqlalchemy import text

    from hpo.store.connect import open_engine, writing

    engine = open_engine(store_url)
    with writing(engine).begin() as connection:
        connection.execute(text("UPDATE campaigns SET seed = 99"))
        assert digits.campaign("digits").seed == 7
    assert digits.campaign("digits").seed == 99
    engine.dispose()


@pytest.mark.parametrize("threads", [4])
def test_threads_share_one_handle(digits: Store, threads: int) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(threads) as pool:
        numbers = list(pool.map(lambda _: digits.add_trial("digits", {}, 1, {}).number, range(40)))
    assert sorted(numbers) == list(range(40))
