"""A real database per test: a SQLite file, or a private PostgreSQL server on loopback."""

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from store_samples import LEASE_S, Start, program

from hpo.store import Store, open_store

ROOT = Path(__file__).parents[3]


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
    pytest.skip("PostgreSQL refuses to run as root and there is no user postgres or nobody to run it as")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await_answer(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    import psycopg

    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and server.poll() is None:
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    pytest.fail(f"the private PostgreSQL server did not start:\n{log.read_text()}")


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """URL, without a database at its end, of a server that lives as long as the test run."""
    pytest.importorskip("psycopg", reason="PostgreSQL's Python driver is not installed")
    initdb, postgres = program("initdb"), program("postgres")
    if initdb is None or postgres is None:
        pytest.skip("PostgreSQL's programs are not installed")
    prefix, uid = _unprivileged()
    home = Path(tempfile.mkdtemp(prefix="spikefront-pg-"))
    password = secrets.token_hex(8)
    (home / "password").write_text(password)
    for path in (home, home / "password"):
        os.chown(path, uid, -1)
    data, port, log = home / "data", _free_port(), home / "log"
    create = [initdb, "-D", str(data), "-U", "spike", "-A", "scram-sha-256", f"--pwfile={home / 'password'}"]
    run = [postgres, "-D", str(data), "-h", "127.0.0.1", "-p", str(port), "-k", str(home), "-c", "fsync=off"]
    environment = {"PATH": os.defpath, "LC_ALL": "C"}
    server = None
    try:
        made = subprocess.run(
            [*prefix, *create, "-E", "UTF8", "--no-sync"],
            env=environment,
            cwd=home,
            capture_output=True,
            check=False,
        )
        if made.returncode != 0:
            pytest.fail(f"initdb failed: {made.stderr.decode()}")
        with log.open("wb") as out:
            server = subprocess.Popen([*prefix, *run], env=environment, cwd=home, stdout=out, stderr=out)
        url = f"postgresql://spike:{password}@127.0.0.1:{port}"
        _await_answer(server, f"{url}/postgres", log)
        yield url
    finally:
        if server is not None:
            server.send_signal(signal.SIGINT)
            server.wait(timeout=30)
        shutil.rmtree(home)


@pytest.fixture
def postgresql_url(postgresql_server: str) -> Iterator[str]:
    """URL of an empty database, dropped afterwards."""
    import psycopg

    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(f"{postgresql_server}/postgres", autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        yield f"{postgresql_server}/{name}"
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    url = request.getfixturevalue("postgresql_url")
    assert isinstance(url, str)
    return url


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """An open, empty store."""
    opened = open_store(store_url)
    yield opened
    opened.close()


@pytest.fixture
def digits(store: Store) -> Store:
    """A store with one campaign, "digits"."""
    store.create_campaign("digits", {"name": "digits"}, 7, {}, {"spikefront": "0.1.0"})
    return store


@pytest.fixture
def start(store_url: str, tmp_path: Path) -> Start:
    """Starts a driver of the toy campaign in a process of its own."""
    environment = {**os.environ, "SPIKEFRONT_STORE": store_url}
    command = [sys.executable, "-m", "tests.hpo.toy", str(tmp_path / "home"), str(LEASE_S)]

    def driver() -> subprocess.Popen[str]:
        return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)

    return driver
