"""Faults injected into campaigns on Ray: what is lost, what runs again, how long until trials end once more.

A trial is lost when the campaign ends without its outcome; one that raises, hangs, leaks or answers NaN has
the outcome "failed". Recovery is from a fault to the end of the trial it hit or, where it hit the driver or
what is around it, to the next end of a trial.
"""

import os
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.common import Outcome, Row, run_benchmark
from benchmarks.reliability.fault_cases import OF_TRIALS, TRIALS, Bench, note, noted, runs
from hpo.driver import Campaign, Hooks
from hpo.queries import front, status
from tests.hpo.store.private_server import PrivateServer

ROOT = Path(__file__).parents[2]
AWAY_S = 30.0
MOMENT = 4
PAUSE_S = 2.0


def row(bench: Bench, campaign: Campaign, recovery_s: list[float]) -> Row:
    """What became of one campaign."""
    found = status(campaign.store, "toy")
    ended = [trial for trial in campaign.store.trials("toy") if trial.finished_at]
    return {
        "fault": bench.fault,
        "injected": len(noted(bench.folder, "fault")),
        "lost": TRIALS - len(ended),
        "run_twice": sum(count > 1 for count in runs(bench.folder).values()),
        "failed": found.counts["failed"],
        "state": found.state,
        "front": len(front(campaign.store, "toy")),
        "recovery_s": round(max(recovery_s), 1),
    }


def in_a_trial(folder: str, fault: str) -> Row:
    """Three trials of a campaign break."""
    bench = Bench(fault, folder)
    campaign = bench.drive()
    ends = {trial.number: trial.finished_at for trial in campaign.store.trials("toy")}
    return row(bench, campaign, [ends[n].timestamp() - at for at, n in noted(folder, "fault")])  # type: ignore[union-attr]


def around(bench: Bench, inject: Callable[[], None], mend: Callable[[], None] = lambda: None) -> Row:
    """Something around the campaign breaks once four trials have ended, and is mended ``PAUSE_S`` later."""
    at: list[float] = []

    def changed() -> None:
        if not at and status(campaign.store, "toy").ended >= MOMENT:
            at.append(time.monotonic())
            note(bench.folder, -1, "fault")
            inject()

    def turn() -> bool:
        if len(at) == 1 and time.monotonic() > at[0] + PAUSE_S:
            at.append(time.monotonic())
            mend()
        return False

    campaign = bench.campaign()
    bench.drive(Hooks(changed, turn))
    return row(bench, campaign, _after_faults(campaign, bench.folder))


def _after_faults(campaign: Campaign, folder: str) -> list[float]:
    """Seconds from each fault to the next end of a trial."""
    ends = [t.finished_at.timestamp() for t in campaign.store.trials("toy") if t.finished_at]
    return [min(end for end in ends if end > at) - at for at, _ in noted(folder, "fault")]


def node_replaced(folder: str, _quick: bool) -> Row:
    """The node that runs all trials goes, and another comes two seconds later."""
    import ray
    from ray.cluster_utils import Cluster

    os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_urlsafe(32))
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    node = cluster.add_node(num_cpus=2)

    try:
        bench = Bench("node removed, another added", folder, cluster.address)
        gone = partial(cluster.remove_node, node, allow_graceful=False)
        return around(bench, gone, lambda: cluster.add_node(num_cpus=2))
    finally:
        ray.shutdown()
        cluster.shutdown()


def database_stopped(folder: str, quick: bool) -> Row:
    """PostgreSQL stops, and starts again after 30 seconds."""
    server = PrivateServer()
    away_s = 3.0 if quick else AWAY_S
    restart = threading.Timer(away_s, server.start)

    def stopped() -> None:
        server.stop(signal.SIGINT)
        restart.start()

    try:
        server.start()
        os.environ["SPIKEFRONT_STORE"] = f"{server.url}/postgres"
        bench = Bench(f"PostgreSQL stopped for {away_s:g} s", folder)
        return around(bench, stopped)
    finally:
        del os.environ["SPIKEFRONT_STORE"]
        restart.join()
        server.remove()


def disk_full(folder: str, _quick: bool) -> Row:
    """The store's disk, of 8 MB, is filled for three seconds."""
    disk = Path(folder) / "home"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(disk)], check=True)
    filler = disk / "filler"

    def filled() -> None:
        with filler.open("wb", buffering=0) as out:
            try:
                while out.write(bytes(4096)):
                    pass
            except OSError:
                threading.Timer(3.0, filler.unlink).start()

    try:
        bench = Bench("disk full for 3 s", folder)
        return around(bench, filled)
    finally:
        filler.unlink(missing_ok=True)
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def driver_killed(folder: str, quick: bool) -> Row:
    """The driver's process is killed, and another one takes over."""
    bench = Bench("driver killed", folder)
    campaign = bench.campaign()
    command = [sys.executable, "-m", "benchmarks.reliability.faults_driver", folder]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for ended in (3,) if quick else (2, 5, 8):
        child = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while status(campaign.store, "toy").ended < ended and child.poll() is None:
            time.sleep(0.05)
        note(folder, -1, "fault")
        child.kill()
        child.wait()
    bench.drive()
    return row(bench, campaign, _after_faults(campaign, folder))


def body(quick: bool) -> Outcome:
    """A row per fault."""
    rows = []
    cases: list[Callable[[str], Row]] = [
        lambda folder, fault=fault: in_a_trial(folder, fault)  # type: ignore[misc]
        for fault in (OF_TRIALS[:1] if quick else OF_TRIALS)
    ]
    others = (driver_killed, database_stopped) if quick else (
        driver_killed, node_replaced, database_stopped, disk_full
    )  # fmt: skip
    cases += [lambda folder, case=case: case(folder, quick) for case in others]  # type: ignore[misc]
    for case in cases:
        with tempfile.TemporaryDirectory() as folder:
            rows.append(case(folder))
            print(rows[-1], flush=True)
    sound = all(found["state"] == "finished" and found["lost"] == 0 and found["front"] > 0 for found in rows)
    return rows, sound, {"trials": TRIALS, "workers": 2}


if __name__ == "__main__":
    sys.exit(run_benchmark("reliability.faults", "no trial lost, every campaign ends with its front", body))
