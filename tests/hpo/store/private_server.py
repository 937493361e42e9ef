"""A PostgreSQL server of one's own, on loopback, that can be stopped and started again."""

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

PROGRAMS = ("initdb", "postgres")


class CannotRunError(Exception):
    """There is no PostgreSQL here, or none that may run."""


def program(name: str) -> str | None:
    """Path of one of PostgreSQL's programs, of the newest version where there are several."""
    versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(versions[-1]) if versions else shutil.which(name)


class PrivateServer:
    """A server with its own folder, password and port; ``url`` has no database at its end."""

    def __init__(self) -> None:
        found = [program(name) for name in PROGRAMS]
        if None in found:
            raise CannotRunError("PostgreSQL's programs are not installed")
        initdb, self._postgres = (str(path) for path in found)
        self._prefix, uid = _unprivileged()
        self._home = Path(tempfile.mkdtemp(prefix="spikefront-pg-"))
        self._port, password = _free_port(), secrets.token_hex(8)
        (self._home / "password").write_text(password)
        for path in (self._home, self._home / "password"):
            os.chown(path, uid, -1)
        create = [initdb, "-D", str(self._home / "data"), "-U", "spike", "-A", "scram-sha-256"]
        made = subprocess.run(
            [*self._prefix, *create, f"--pwfile={self._home / 'password'}", "-E", "UTF8", "--no-sync"],
            env={"PATH": os.defpath, "LC_ALL": "C"},
            cwd=self._home,
            capture_output=True,
            check=False,
        )
        if made.returncode != 0:
            raise RuntimeError(f"initdb failed: {made.stderr.decode()}")
        self.url = f"postgresql://spike:{password}@127.0.0.1:{self._port}"
        self._running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait for its answer."""
        import psycopg

        run = [
            "-D",
            str(self._home / "data"),
            "-h",
            "127.0.0.1",
            "-p",
            str(self._port),
            "-k",
            str(self._home),
        ]
        with (self._home / "log").open("ab") as out:
            self._running = subprocess.Popen(
                [*self._prefix, self._postgres, *run, "-c", "fsync=off"],
                env={"PATH": os.defpath, "LC_ALL": "C"},
                cwd=self._home,
                stdout=out,
                stderr=out,
            )
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self._running.poll() is None:
            try:
                psycopg.connect(f"{self.url}/postgres", connect_timeout=2).close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return
        raise RuntimeError(f"the server did not start:\n{(self._home / 'log').read_text()}")

    def stop(self, number: int = signal.SIGINT) -> None:
        """End it: SIGINT cuts connections off, SIGQUIT is a crash."""
        if self._running is not None:
            self._running.send_signal(number)
            self._running.wait(timeout=30)
            self._running = None

    def remove(self) -> None:
        """End it for good."""
        self.stop()
        shutil.rmtree(self._home)


def _unprivileged() -> tuple[list[str], int]:
    """Command prefix and user id for PostgreSQL's programs, which refuse to run as root."""
    if os.geteuid() != 0:
        return [], os.geteuid()
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"], user.pw_uid
    raise CannotRunError("PostgreSQL refuses to run as root and there is no other user to run it as")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
