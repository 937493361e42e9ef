"""The application: a store, a launcher, routes, and the guard around them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from fastapi import FastAPI
from starlette.types import ASGIApp

from hpo.service import api, failures, pages
from hpo.service.access import LOOPBACK_HOSTS, Gate
from hpo.service.guard import Guard
from hpo.service.launch import Launcher
from hpo.store import open_store
from spikefront import __version__


@dataclass(frozen=True)
class Settings:
    """What a service is started with.

    Attributes:
        store_url: database URL.
        token: what callers must present; None asks for nothing and is for loopback alone.
        allowed_hosts: names in ``Host`` that are answered, without ports.
        data_root: folder of the data sets.
    """

    store_url: str = field(repr=False)
    token: str | None = field(default=None, repr=False)
    allowed_hosts: frozenset[str] = LOOPBACK_HOSTS
    data_root: str | None = None


def create_app(settings: Settings, launcher: Launcher) -> ASGIApp:
    """Open the store and return the application, guard included.

    Raises:
        InputError, ConflictError, ToolMissingError: the store cannot be opened (``hpo.store.open_store``).
    """
    store = open_store(settings.store_url)
    gate = Gate.of(settings.token) if settings.token else None

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        store.close()

    app = FastAPI(
        title="Spikefront",
        version=__version__,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # the viewers that FastAPI offers load scripts from elsewhere
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.service = api.Service(store, launcher, settings.data_root)
    app.state.gate = gate
    app.include_router(api.router)
    app.include_router(pages.router)
    failures.install(app)
    return Guard(app, gate, settings.allowed_hosts)
