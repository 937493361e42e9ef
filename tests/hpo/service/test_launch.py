"""The driver is a process of its own, with a log, and without the service's token."""

import os
import time
from pathlib import Path

import pytest

from hpo.service import SubprocessLauncher
from spikefront.errors import SpikefrontError


def read_when_written(path: Path, word: str) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if path.exists() and word in path.read_text():
            return path.read_text()
        time.sleep(0.1)
    pytest.fail(f"{path} does not say {word!r}: {path.read_text() if path.exists() else 'missing'}")


def test_a_driver_writes_its_log_under_the_home(tmp_path: Path) -> None:
    launcher = SubprocessLauncher(tmp_path, None)
    launcher("ghost")
    assert "There is no campaign 'ghost'" in read_when_written(tmp_path / "ghost" / "driver.log", "ghost")


def test_the_driver_gets_home_and_data_but_not_the_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Stands in for the interpreter: it writes down how it was called.
    program = tmp_path / "program"
    program.write_text('#!/bin/sh\necho "$@"\nenv\ntest -t 0 || echo no terminal\necho done\n')
    program.chmod(0o755)
    monkeypatch.setattr("hpo.service.launch.sys.executable", str(program))
    monkeypatch.setenv("SPIKEFRONT_TOKEN", "top-secret-token")
    monkeypatch.setenv("SPIKEFRONT_STORE", "sqlite:///somewhere.db")
    SubprocessLauncher(tmp_path / "home", "/data")("digits")
    log = read_when_written(tmp_path / "home" / "digits" / "driver.log", "done")
    assert log.splitlines()[0] == f"-m hpo resume digits --home {tmp_path / 'home'} --data /data"
    assert "SPIKEFRONT_STORE=sqlite:///somewhere.db" in log
    assert "top-secret-token" not in log
    assert "no terminal" in log


def test_finished_drivers_leave_no_zombies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\necho pid $$ done\n")
    program.chmod(0o755)
    monkeypatch.setattr("hpo.service.launch.sys.executable", str(program))
    SubprocessLauncher(tmp_path, None)("first")
    pid = int(read_when_written(tmp_path / "first" / "driver.log", "done").split()[1])
    deadline = time.monotonic() + 60
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_driver_that_cannot_start_is_told_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hpo.service.launch.sys.executable", str(tmp_path / "missing"))
    with pytest.raises(SpikefrontError, match=r"driver did not start .*use 'spikefront resume digits'"):
        SubprocessLauncher(tmp_path, None)("digits")
