"""The processes of docker-compose.yml, started by hand with its commands and variables, run a campaign.

Containers' host names become this machine's address, and ports free ones; all else is as the file says. What
was started is known by a variable that only these processes have, and ended by process id.
"""

import json
import os
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.hpo.store.private_server import CannotRunError, PrivateServer

ROOT = Path(__file__).parents[3]
SERVICES: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
MARK = "SPIKEFRONT_TEST_STACK"
CAMPAIGN = {
    "name": "stack",
    "data": {"set": "digits", "max_train": 100},
    "budget": {"trials": 3, "initial": 3},
    "workers": {"count": 2},
    "objectives": {"accuracy": {"reference": 0.05}, "latency_us": {"reference": 500.0}},
    "fixed": {"epochs": 2, "encoding": "rate", "time_steps": 4, "hidden_width": 12},
    "space": {"beta": {"type": "float", "low": 0.8, "high": 0.95}},
}

# Two Ray nodes side by side on one machine do not always find each other, busy or not.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif("SPIKEFRONT_STACK_TEST" not in os.environ, reason="runs with SPIKEFRONT_STACK_TEST=1"),
]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Stack:
    """The running parts."""

    def __init__(self, folder: Path, database: str) -> None:
        self.token, self._mark = secrets.token_hex(24), secrets.token_hex(8)
        self._ray, self.port = free_port(), free_port()
        self._secrets = {"RAY_AUTH_TOKEN": secrets.token_hex(24), "SPIKEFRONT_TOKEN": self.token}
        self._places = {
            "SPIKEFRONT_STORE": database,
            "SPIKEFRONT_HOME": str(folder / "home"),
            "RAY_TMPDIR": str(folder),
            "RAY_raylet_start_wait_time_s": "120",  # a busy machine starts slowly
            MARK: self._mark,
        }
        self._log = folder / "log"
        self._started: list[subprocess.Popen[bytes]] = []

    def command(self, name: str) -> list[str]:
        """A part's command in the file, on this machine."""
        here = f"127.0.0.1:{self._ray} --node-ip-address=127.0.0.1"
        text = SERVICES[name]["command"].replace("--address=ray-head:6379", f"--address={here}")
        text = text.replace("--port=6379", f"--port={self._ray} --node-ip-address=127.0.0.1")
        text = text.replace("--host 0.0.0.0", f"--host 127.0.0.1 --port {self.port}")
        return shlex.split(text.replace("\n", " "))

    def environment(self, name: str) -> dict[str, str]:
        """A part's variables in the file, with secrets and places of this test."""
        found = dict(SERVICES[name].get("environment", {}))
        for key, value in found.items():
            if "${" in value or key == "SPIKEFRONT_RAY":
                found[key] = self._secrets.get(key) or self._places.get(key, "")
        if "SPIKEFRONT_RAY" in found:
            found["SPIKEFRONT_RAY"] = f"127.0.0.1:{self._ray}"
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        common = {"PATH": path, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **self._places}
        return {"HOME": self._places["RAY_TMPDIR"], **common, **found}

    def start(self, name: str) -> None:
        """Start a part."""
        with self._log.open("ab") as out:
            self._started.append(
                subprocess.Popen(
                    self.command(name), env=self.environment(name), cwd=ROOT, stdout=out, stderr=out
                )
            )

    def healthy(self, name: str) -> bool:
        """A part's own health check."""
        test = [part.replace("6379", str(self._ray)).replace(":8000", f":{self.port}")
                for part in SERVICES[name]["healthcheck"]["test"][1:]]  # fmt: skip
        done = subprocess.run(test, env=self.environment(name), capture_output=True, check=False)
        return done.returncode == 0

    def ask(self, path: str, body: Any = None) -> Any:
        """The service's answer to a request with the token."""
        content = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        asked = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", content, headers)
        with urllib.request.urlopen(asked, timeout=30) as answer:
            return json.load(answer)

    def said(self) -> str:
        """The end of what the parts wrote."""
        logs = [self._log, Path(self._places["SPIKEFRONT_HOME"]) / "stack" / "driver.log"]
        return "\n".join(path.read_text(errors="replace")[-3000:] for path in logs if path.exists())

    def end(self) -> None:
        """End every process that carries this stack's mark."""
        for number in self._mine():
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        for started in self._started:
            started.wait(timeout=30)

    def _mine(self) -> list[int]:
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                marked = f"{MARK}={self._mark}".encode() in (entry / "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            if marked:
                found.append(int(entry.name))
        return found


def wait_for(what: Callable[[], bool], stack: Stack, seconds: float = 150.0) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, stack.said()
        time.sleep(0.5)


@pytest.fixture
def stack() -> Iterator[Stack]:
    try:
        server = PrivateServer()
    except CannotRunError as error:
        pytest.skip(str(error))
    folder = Path(tempfile.mkdtemp(prefix="sf-"))  # short, for Ray's sockets lie in it
    running = None
    try:
        server.start()
        running = Stack(folder, f"{server.url}/postgres")
        yield running
    finally:
        if running is not None:
            running.end()
        server.remove()
        shutil.rmtree(folder, ignore_errors=True)


def test_the_composed_parts_run_a_campaign_and_refuse_strangers(stack: Stack) -> None:
    stack.start("ray-head")
    wait_for(lambda: stack.healthy("ray-head"), stack)
    stack.start("worker")
    wait_for(lambda: stack.healthy("worker"), stack)
    stack.start("service")
    wait_for(lambda: stack.healthy("service"), stack)
    asked = urllib.request.Request(f"http://127.0.0.1:{stack.port}/api/v1/campaigns")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(asked, timeout=30)
    assert refused.value.code == 401
    refused.value.close()
    stack.ask("/api/v1/campaigns", CAMPAIGN)
    states = {"finished", "failed", "paused"}
    wait_for(lambda: stack.ask("/api/v1/campaigns/stack")["state"] in states, stack)
    found = stack.ask("/api/v1/campaigns/stack")
    assert found["state"] == "finished", stack.said()
    assert sum(found["counts"][state] for state in ("complete", "silent")) == 3, stack.said()
