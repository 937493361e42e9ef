"""Starting, continuing and driving campaigns: what ``run``, ``resume`` and the service have in common."""

import importlib.metadata
from typing import Any

from hpo.campaign import CampaignSpec
from hpo.home import Home
from hpo.store import Store
from spikefront import __version__
from workers.pool import Pool, RayPool, Resources, SerialPool

LIBRARIES = ("torch", "botorch", "ray", "pyrtl", "numpy", "scikit-learn")


def versions() -> dict[str, str]:
    """Versions of Spikefront and of the libraries that decide a result."""
    return {"spikefront": __version__} | {name: importlib.metadata.version(name) for name in LIBRARIES}


def create(store: Store, spec: CampaignSpec, root: str | None) -> None:
    """Check the data set, then record the campaign in state "created".

    Raises:
        DataError: the data set cannot be loaded; nothing is created.
        ConflictError: there is a campaign of that name.
    """
    spec.campaign_data(root).read()
    reference = {name: objective.reference for name, objective in spec.objectives.items()}
    store.create_campaign(spec.name, spec.as_json(), spec.seed, reference, versions())


def make_pool(spec: CampaignSpec, serial: bool = False, address: str | None = None) -> Pool:
    """The pool that a specification asks for."""
    from workers.trial import evaluate

    if serial:
        return SerialPool(evaluate, spec.workers.time_limit_s)
    resources = Resources(
        workers=spec.workers.count,
        threads=spec.workers.threads,
        time_limit_s=spec.workers.time_limit_s,
    )
    return RayPool(evaluate, resources, address)


def open_campaign(store: Store, home: Home, name: str, root: str | None) -> Any:
    """A stored campaign ready for ``hpo.driver.drive``."""
    from hpo.driver import Campaign
    from hpo.problem import build_problem
    from hpo.queries import spec_of

    spec = spec_of(store, name)
    splits = spec.campaign_data(root).read()
    problem = build_problem(spec, splits.train.images.shape[1], splits.classes)
    return Campaign(spec, problem, store, home, root)
