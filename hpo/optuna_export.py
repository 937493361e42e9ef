"""A campaign as an Optuna study, for Optuna's plots and optuna-dashboard.

In Optuna a trial has one set of values, so each design becomes an Optuna trial: the hyperparameters of its
training, and the accelerator parameters that the campaign tries for each training as categories of text. The
study's best trials are the campaign's front. A trial that is silent or was stopped is PRUNED, one that failed
or was cancelled FAIL; queued and running ones are left out.
"""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import product
from typing import TYPE_CHECKING, Any

from hpo.campaign import CampaignSpec
from hpo.measures import MEASURES
from hpo.queries import spec_of
from hpo.space import Categorical, Float, Integer, Variable
from hpo.store import DesignRecord, Store, TrialRecord
from hpo.tables import parameter_text
from hpo.trials_export import TrialDesign, each_design
from spikefront.errors import ConflictError, InputError, ToolMissingError

if TYPE_CHECKING:
    from optuna import Study
    from optuna.distributions import BaseDistribution
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial

STATES = {
    "complete": "COMPLETE",
    "silent": "PRUNED",
    "pruned": "PRUNED",
    "failed": "FAIL",
    "cancelled": "FAIL",
}
"""Optuna's state of every trial that ended."""
JOURNALS = (".log", ".journal")


def export_study(store: Store, name: str, target: str, study_name: str | None = None) -> int:
    """Write a campaign as a new study; how many Optuna trials it has.

    Args:
        store: where the campaign is.
        name: its name.
        target: a storage URL of Optuna's (``sqlite:///FILE``), or a file: Optuna's journal where it ends in
            ``.log`` or ``.journal``, else an SQLite database.
        study_name: the study's name, the campaign's by default.

    Raises:
        ToolMissingError: Optuna is not installed.
        ConflictError: the storage has a study of that name.
        InputError: the storage cannot be used.
    """
    try:
        import optuna
    except ModuleNotFoundError:
        raise ToolMissingError("a study needs Optuna: pip install 'spikefront[optuna]'") from None
    spec = spec_of(store, name)
    directions = ["maximize" if MEASURES[o] == "max" else "minimize" for o in spec.objectives]
    with _quiet():
        storage = _storage(target)
        try:
            study = optuna.create_study(storage=storage, study_name=study_name or name, directions=directions)
        except optuna.exceptions.DuplicatedStudyError:
            msg = f"{target} has a study {study_name or name!r} already: name another storage or study"
            raise ConflictError(msg) from None
        try:
            return _fill(study, store, spec)
        except BaseException:
            optuna.delete_study(study_name=study.study_name, storage=storage)
            raise


def _fill(study: "Study", store: Store, spec: CampaignSpec) -> int:
    study.set_metric_names(list(spec.objectives))
    study.set_user_attr("spikefront", store.campaign(spec.name).versions.get("spikefront", ""))
    written = 0
    for row in each_design(store, spec.name):
        if row.trial.state in STATES:
            study.add_trial(_frozen(spec, row))
            written += 1
    return written


def _frozen(spec: CampaignSpec, row: TrialDesign) -> "FrozenTrial":
    """One Optuna trial, with the times of the trial that it comes from."""
    import optuna

    trial, design = row.trial, row.design
    params, distributions, attributes = _parameters(spec, trial, design)
    state = STATES[trial.state] if design or trial.state != "complete" else "FAIL"
    frozen = optuna.create_trial(
        state=optuna.trial.TrialState[state],
        values=[design.measures[objective] for objective in spec.objectives] if design else None,
        params=params,
        distributions=distributions,
        user_attrs={**attributes, **_attributes(trial, design)},
        constraints=_constraints(spec, design) if design else dict(trial.constraints),
    )
    frozen.datetime_start = _local(trial.started_at or trial.queued_at)
    frozen.datetime_complete = _local(trial.finished_at or trial.queued_at)
    return frozen


def _parameters(
    spec: CampaignSpec, trial: TrialRecord, design: DesignRecord | None
) -> "tuple[dict[str, Any], dict[str, BaseDistribution], dict[str, Any]]":
    """Parameters, their distributions, and as attributes the values that lie in none."""
    known = {name: _distribution(variable) for name, variable in spec.space.items()}
    values = dict(trial.config)
    if design is not None and spec.designs:
        chosen = list(product(*spec.designs.values()))[design.index]
        known |= {key: _texts(choices) for key, choices in spec.designs.items()}
        values |= {key: parameter_text(value) for key, value in zip(spec.designs, chosen, strict=True)}
    fitting = {key for key, value in values.items() if key in known and _contains(known[key], value)}
    params = {key: value for key, value in values.items() if key in fitting}
    attributes = {key: value for key, value in values.items() if key not in fitting}
    return params, {key: known[key] for key in params}, attributes


def _distribution(variable: Variable) -> "BaseDistribution":
    from optuna import distributions as of

    if isinstance(variable, Float):
        return of.FloatDistribution(variable.low, variable.high, log=variable.log)
    if isinstance(variable, Integer):
        return of.IntDistribution(variable.low, variable.high, log=variable.log)
    choices = variable.choices if isinstance(variable, Categorical) else variable.values
    return of.CategoricalDistribution(choices)


def _texts(choices: list[Any]) -> "BaseDistribution":
    from optuna.distributions import CategoricalDistribution

    return CategoricalDistribution([parameter_text(choice) for choice in choices])


def _contains(distribution: "BaseDistribution", value: Any) -> bool:
    try:
        return bool(distribution._contains(distribution.to_internal_repr(value)))
    except ValueError:
        return False


def _constraints(spec: CampaignSpec, design: DesignRecord) -> dict[str, float]:
    """Every constraint of the campaign, kept where it is at most 0, as in ``hpo.driver.is_feasible``."""
    measures = design.measures
    found = {"silence": measures["silent_fraction"] - spec.silence.beta_silent}
    for name, bound in spec.bounds:
        if bound.max is not None:
            found[f"{name} at most {bound.max:g}"] = measures[name] - bound.max
        if bound.min is not None:
            found[f"{name} at least {bound.min:g}"] = bound.min - measures[name]
    return found


def _attributes(trial: TrialRecord, design: DesignRecord | None) -> dict[str, Any]:
    attributes = {"trial": trial.number, "state": trial.state, "seed": trial.seed, "reason": trial.reason}
    if design is None:
        return attributes
    spikes = {"spikes_per_layer": trial.spikes_per_layer}
    return {**attributes, "design": design.name, **design.measures, "accelerator": design.config, **spikes}


def _local(moment: datetime) -> datetime:
    """Optuna keeps times without a zone, in the machine's own."""
    return moment.astimezone().replace(tzinfo=None)


def _storage(target: str) -> "BaseStorage | str":
    if target.endswith(JOURNALS) and "://" not in target:
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend

        return JournalStorage(JournalFileBackend(target))
    from optuna.storages import RDBStorage
    from sqlalchemy.exc import ArgumentError, DBAPIError

    try:
        return RDBStorage(target if "://" in target else f"sqlite:///{target}")
    except (ArgumentError, DBAPIError, ImportError, ValueError) as error:
        raise InputError(f"Optuna cannot use the storage {target}: {str(error).splitlines()[0]}") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Without Optuna's notes on new studies, and on names of metrics being new to it."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(before)
