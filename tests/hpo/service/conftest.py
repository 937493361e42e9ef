"""A service over a real SQLite store with one campaign in it, in process and on a socket."""

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import uvicorn
from service_samples import BASE, Recorder, fill
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Message, Receive, Scope, Send

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


@contextmanager
def serving(app: ASGIApp) -> Iterator[int]:
    """Port of an application on a real socket."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", ws="none"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        time.sleep(0.02)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join(timeout=20)


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory, filled: Path) -> Iterator[int]:
    """Port of a service on a real socket, with one campaign, for the whole test run."""
    url = f"sqlite:///{shutil.copy(filled, tmp_path_factory.mktemp('live'))}"
    with serving(create_app(Settings(url), Recorder())) as port:
        yield port


@pytest.fixture
def pressing(store_url: str) -> Iterator[Callable[[str], int]]:
    """Starts a service whose page, once drawn, presses a button of its own; give the button's selector."""
    with ExitStack() as open_until_the_end:

        def start(selector: str) -> int:
            app = create_app(Settings(store_url), Recorder())
            return open_until_the_end.enter_context(serving(_Pressed(app, selector)))

        yield start


class _Pressed:
    """The application with one more line in the page's script, for a browser that nobody sits at."""

    def __init__(self, app: ASGIApp, selector: str) -> None:
        self._app = app
        self._line = (
            "document.addEventListener('status', () => setTimeout(() => {"
            f"window.confirm = () => true; document.querySelector({selector!r}).click();"
            "}, 300), {once: true});"
        ).encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def longer(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [(k, v) for k, v in message["headers"] if k != b"content-length"]
                message = {**message, "headers": headers}
            elif not message.get("more_body"):
                message = {**message, "body": message.get("body", b"") + self._line}
            await send(message)

        ours = scope["type"] == "http" and scope["path"] == "/static/actions.js"
        await self._app(scope, receive, longer if ours else send)
