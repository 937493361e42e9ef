"""Listening: which address, and what must be given before others than this machine can reach it."""

import os
import socket

import uvicorn

from hpo.home import Home, data_root
from hpo.service.access import LOOPBACK_HOSTS, is_loopback
from hpo.service.app import Settings, create_app
from hpo.service.launch import SubprocessLauncher
from spikefront.errors import InputError

TOKEN_VARIABLE = "SPIKEFRONT_TOKEN"  # noqa: S105 - the variable's name, not a token
HOSTS_VARIABLE = "SPIKEFRONT_ALLOWED_HOSTS"
MIN_TOKEN_LENGTH = 16


def serve(home: Home, host: str, port: int, data: str | None) -> None:
    """Serve until interrupted.

    Raises:
        InputError: ``host`` is not loopback and no good token is set, or the store cannot be opened.
    """
    token = checked_token(host, os.environ.get(TOKEN_VARIABLE))
    home.open().close()  # makes the home folder on first use
    root = data_root(data)
    settings = Settings(home.store_url, token, allowed_hosts(host, os.environ.get(HOSTS_VARIABLE, "")), root)
    check_port(host, port)
    app = create_app(settings, SubprocessLauncher(home.path, root))
    uvicorn.run(
        app, host=host, port=port, server_header=False, proxy_headers=False, timeout_graceful_shutdown=5
    )


def check_port(host: str, port: int) -> None:
    """InputError when nobody can listen there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise InputError(
                f"cannot listen on {host}:{port} ({error.strerror or error}); choose another with --port."
            ) from None


def checked_token(host: str, token: str | None) -> str | None:
    """The token to ask for, None for none; InputError when ``host`` needs one or it is too short."""
    token = (token or "").strip()
    if not token and not is_loopback(host):
        msg = (
            f"Others can reach {host}, so a token is needed; set {TOKEN_VARIABLE} "
            "(for one: openssl rand -hex 24) or use --host 127.0.0.1."
        )
        raise InputError(msg)
    if token and (len(token) < MIN_TOKEN_LENGTH or not token.isascii() or not token.isprintable()):
        msg = (
            f"{TOKEN_VARIABLE} has {len(token)} characters; use at least {MIN_TOKEN_LENGTH}, printable ASCII "
            "(for one: openssl rand -hex 24)."
        )
        raise InputError(msg)
    return token or None


def allowed_hosts(host: str, listed: str) -> frozenset[str]:
    """Names to answer to: loopback, the address listened on, and those listed with commas."""
    own = f"[{host}]" if ":" in host else host
    extra = {name.strip().lower() for name in listed.split(",") if name.strip()}
    return LOOPBACK_HOSTS | {own.lower()} | extra
