"""A Ray cluster of several nodes on this machine, for tests that need more than one."""

import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import ray
from ray.cluster_utils import Cluster


@contextmanager
def cluster(**head: Any) -> Iterator[Cluster]:
    """A cluster with one head, which takes no trials unless ``head`` gives it processors."""
    os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_urlsafe(32))
    ray.shutdown()
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False, **head})
    try:
        yield made
    finally:
        ray.shutdown()
        made.shutdown()


@contextmanager
def by_value(module: str) -> Iterator[None]:
    """Send a test module's functions to workers whole, which cannot import it."""
    ray.cloudpickle.register_pickle_by_value(sys.modules[module])
    try:
        yield
    finally:
        ray.cloudpickle.unregister_pickle_by_value(sys.modules[module])
