"""Ray, connected: to a cluster, or to a private one on this machine."""

import os
import secrets
import socket
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from spikefront.errors import InputError
from workers.memory import GIB
from workers.pool import Resources


def connect(resources: Resources, address: str | None) -> Any:
    """The ``ray`` module, connected to the cluster at ``address``, or to a private one of just the slots.

    Raises:
        InputError: the cluster does not answer, or no node of it has what one trial wants.
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
    else:
        try:
            _knock(address)
            ray.init(address=address, **common)
        except (OSError, ray.exceptions.RaySystemError, ValueError) as error:
            raise InputError(
                f"no Ray cluster answers at {address!r} ({error}): start one with 'ray start --head', "
                "or leave --ray out to use this machine"
            ) from None
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    if fault := lacking(resources, nodes):
        ray.shutdown()
        raise InputError(fault)
    return ray


def lacking(resources: Resources, nodes: Sequence[Mapping[str, float]]) -> str | None:
    """What no node of a cluster has for one trial, as a sentence; None when some node has everything."""
    memory = (resources.memory_gb or 0.0) * GIB
    for name, wanted, told in (
        ("CPU", resources.threads, f"{resources.threads} CPU threads"),
        ("GPU", resources.gpus, f"{resources.gpus:g} of a GPU"),
        ("memory", memory, f"{resources.memory_gb} GiB of memory"),
    ):
        most = max((node.get(name, 0.0) for node in nodes), default=0.0)
        if wanted > most:
            has = f"{most / GIB:.3g} GiB" if name == "memory" else f"{most:g}"
            key = {"CPU": "threads", "GPU": "gpus", "memory": "memory_gb"}[name]
            return f"a trial wants {told} and the largest node has {has}: lower workers.{key}"
    return None


def _knock(address: str) -> None:
    """Raise OSError when nothing listens at HOST:PORT or ray://HOST:PORT; Ray itself tries for minutes."""
    found = urlsplit(address if "://" in address else f"ray://{address}")
    if found.hostname and found.port:
        socket.create_connection((found.hostname, found.port), timeout=5.0).close()
