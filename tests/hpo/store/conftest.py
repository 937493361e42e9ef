"""A real database per test: a SQLite file, or a private PostgreSQL server on loopback."""

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from private_server import CannotRunError, PrivateServer
from store_samples import LEASE_S, Start

from hpo.store import Store, open_store

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """URL, without a database at its end, of a server that lives as long as the test run."""
    pytest.importorskip("psycopg", reason="PostgreSQL's Python driver is not installed")
    try:
        server = PrivateServer()
    except CannotRunError as error:
        pytest.skip(str(error))
    try:
        server.start()
        yield server.url
    finally:
        server.remove()


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
