"""A service over a real SQLite store with one campaign in it, in process and on a socket."""

import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from service_samples import BASE, Recorder, fill
from starlette.testclient import TestClient

from hpo.service import Settings, create_app
from hpo.store import Store, open_store


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with one campaign, to be copied."""
    path = tmp_path_factory.mktemp("filled") / "store.db"
    opened = open_store(f"sqlite:///{path}")
    fill(opened)
    opened.close()
    return path


@pytest.fixture
def store_url(tmp_path: Path, filled: Path) -> str:
    return f"sqlite:///{shutil.copy(filled, tmp_path)}"


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    opened = open_store(store_url)
    yield opened
    opened.close()


@pytest.fixture
def launcher() -> Recorder:
    return Recorder()


@pytest.fixture
def client(store: Store, store_url: str, launcher: Recorder) -> Iterator[TestClient]:
    """A caller of a service without a token."""
    app = create_app(Settings(store_url), launcher)
    with TestClient(app, base_url=BASE, raise_server_exceptions=False, follow_redirects=False) as caller:
        yield caller


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory, filled: Path) -> Iterator[int]:
    """Port of a service on a real socket, with one campaign, for the whole test run."""
    url = f"sqlite:///{shutil.copy(filled, tmp_path_factory.mktemp('live'))}"
    config = uvicorn.Config(
        create_app(Settings(url), Recorder()), host="127.0.0.1", port=0, log_level="warning", ws="none"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        time.sleep(0.02)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join(timeout=20)
