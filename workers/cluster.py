"""Ray, connected: to a cluster, or to a private one on this machine."""

import os
import secrets
import socket
from typing import Any
from urllib.parse import urlsplit

from spikefront.errors import InputError
from workers.pool import Resources


def connect(resources: Resources, address: str | None) -> Any:
    """The ``ray`` module, connected to the cluster at ``address``, or to a private one of just the slots.

    Raises:
        InputError: the cluster does not answer, or no node of it has enough processors.
    """
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if address is None:
        # Ray asks for a token in the local clusters it starts; without one it would write its own to HOME.
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_urlsafe(32))
    import ray

    common: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR", "ignore_reinit_error": True}
    if address is None:
        # "local", since without an address Ray would join any cluster it finds in the environment.
        slots = resources.workers * resources.threads
        ray.init(address="local", num_cpus=slots, include_dashboard=False, **common)
        return ray
    try:
        _knock(address)
        ray.init(address=address, **common)
    except (OSError, ray.exceptions.RaySystemError, ValueError) as error:
        raise InputError(
            f"no Ray cluster answers at {address!r} ({error}): start one with 'ray start --head', "
            "or leave --ray out to use this machine"
        ) from None
    most = max((node["Resources"].get("CPU", 0) for node in ray.nodes() if node["Alive"]), default=0)
    if most < resources.threads:
        ray.shutdown()
        raise InputError(
            f"trials want {resources.threads} CPU threads but the cluster's largest node has {most:g}: "
            "lower workers.threads"
        )
    return ray


def _knock(address: str) -> None:
    """Raise OSError when nothing listens at HOST:PORT or ray://HOST:PORT; Ray itself tries for minutes."""
    found = urlsplit(address if "://" in address else f"ray://{address}")
    if found.hostname and found.port:
        socket.create_connection((found.hostname, found.port), timeout=5.0).close()
