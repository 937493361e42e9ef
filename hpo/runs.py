"""Starting, continuing and driving campaigns: what ``run``, ``resume`` and the service have in common."""

import importlib.metadata
from functools import partial
from typing import Any

from hpo.campaign import CampaignSpec
from hpo.campaign_checks import edge_configurations, encoding_fault
from hpo.home import Home
from hpo.store import Store
from models.datasets import Splits
from spikefront import __version__
from spikefront.errors import DataError, SpecError
from workers.data import Brought
from workers.parameters import design_grid
from workers.pool import Pool, Resources, SerialPool

LIBRARIES = ("torch", "botorch", "ray", "pyrtl", "numpy", "scikit-learn")
DATA = "data"
"""Key of the data's fingerprint among a campaign's versions."""


def versions() -> dict[str, str]:
    """Versions of Spikefront and of the libraries that decide a result."""
    return {"spikefront": __version__} | {name: importlib.metadata.version(name) for name in LIBRARIES}


def create(store: Store, spec: CampaignSpec, root: str | None) -> Splits:
    """Check the data set, then record the campaign in state "created", with its data's fingerprint.

    Returns the data set, for ``open_campaign``.

    Raises:
        DataError: the data set cannot be loaded; nothing is created.
        SpecError: its samples have no such encoding, or a network does not fit them.
        ConflictError: there is a campaign of that name.
        NotFoundError: there is no earlier campaign of the name under ``[warm_start]``.
    """
    if spec.warm_start is not None:
        store.campaign(spec.warm_start.campaign)
    splits = spec.campaign_data(root).read()
    if fault := encoding_fault(spec, splits.kind):
        raise SpecError(fault)
    for config in edge_configurations(spec):
        design_grid(spec.complete(config), {})[0].shape(splits.shape, splits.classes)
    reference = {name: objective.reference for name, objective in spec.objectives.items()}
    store.create_campaign(
        spec.name, spec.as_json(), spec.seed, reference, versions() | {DATA: splits.fingerprint}
    )
    return splits


def make_pool(
    spec: CampaignSpec, serial: bool = False, address: str | None = None, brought: Brought | None = None
) -> Pool:
    """The pool that a specification asks for; without ``brought``, its workers read the data themselves.

    Raises:
        InputError: the Ray cluster at ``address`` does not answer, or has not what one trial wants.
    """
    from workers.many import evaluate_many
    from workers.trial import evaluate

    if serial:
        if brought is not None:
            brought.unpack()
        return SerialPool(evaluate, spec.workers.time_limit_s, together=evaluate_many)
    from workers.ray_pool import RayPool

    resources = Resources(
        workers=spec.workers.count,
        threads=spec.workers.threads,
        gpus=spec.workers.gpus,
        memory_gb=spec.workers.memory_gb,
        time_limit_s=spec.workers.time_limit_s,
    )
    return RayPool(evaluate, resources, address, brought, together=evaluate_many)


def read_data(store: Store, name: str, root: str | None) -> Splits:
    """The data set of a stored campaign.

    Raises:
        DataError: it cannot be loaded, or is not the one that the campaign began with.
    """
    from hpo.queries import spec_of

    splits = spec_of(store, name).campaign_data(root).read()
    _check_unchanged(store.campaign(name).versions.get(DATA), splits)
    return splits


def open_campaign(store: Store, home: Home, name: str, root: str | None, splits: Splits | None = None) -> Any:
    """A stored campaign ready for ``hpo.driver.drive``.

    Args:
        store, name: where it is.
        home: of its artifacts.
        root: data folder.
        splits: its data set where that was read before; read and checked otherwise.

    Raises:
        DataError: the data set cannot be loaded, or is not the one that the campaign began with.
        InputError: trained networks cannot be kept where they shall be.
    """
    from hpo.driver import Campaign
    from hpo.problem import build_problem
    from hpo.queries import spec_of
    from hpo.warm_start import starts
    from workers.many import program_key

    spec = spec_of(store, name)
    home.artifacts.check()
    splits = splits or read_data(store, name, root)
    problem = build_problem(spec, splits.shape, splits.classes, starts(store, spec))
    key = partial(program_key, input_shape=splits.shape, classes=splits.classes)
    return Campaign(spec, problem, store, home, root, key)


def _check_unchanged(recorded: str | None, splits: Splits) -> None:
    """Trials on other data would not be comparable with those that are stored."""
    if recorded is not None and recorded != splits.fingerprint:
        raise DataError(
            f"the data set has changed since this campaign began (fingerprint {splits.fingerprint[:12]}, was"
            f" {recorded[:12]}); put the former files back, or start a new campaign"
        )
