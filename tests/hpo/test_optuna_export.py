"""A campaign as an Optuna study: Optuna reads the same trials, and finds the same front."""

import sys
from itertools import pairwise

import pytest
from typer.testing import CliRunner

from hpo.cli import app
from hpo.optuna_export import export_study
from hpo.queries import front
from spikefront.errors import ConflictError, InputError, ToolMissingError
from tests.hpo.exported import LANES, exported

optuna = pytest.importorskip("optuna")
STATES = optuna.trial.TrialState


@pytest.fixture(scope="module")
def campaign(tmp_path_factory):
    patch = pytest.MonkeyPatch()
    patch.delenv("SPIKEFRONT_STORE", raising=False)
    made = exported(tmp_path_factory.mktemp("home"))
    patch.undo()
    return made


@pytest.fixture(scope="module")
def study(campaign, tmp_path_factory):
    """The study as Optuna reads it from the file."""
    file = tmp_path_factory.mktemp("study") / "study.db"
    export_study(campaign.store, "toy", str(file))
    return optuna.load_study(study_name="toy", storage=f"sqlite:///{file}")


def test_the_best_trials_are_the_front(study, campaign):
    chosen = front(campaign.store, "toy")
    assert {trial.user_attrs["design"] for trial in study.best_trials} == {found.name for found in chosen}
    assert len(chosen) > 1
    by_name = {found.name: found for found in chosen}
    for trial in study.best_trials:
        measures = by_name[trial.user_attrs["design"]].design.measures
        assert trial.values == [measures["accuracy"], measures["latency_us"]]
    assert study.directions == [
        optuna.study.StudyDirection.MAXIMIZE,
        optuna.study.StudyDirection.MINIMIZE,
    ]
    assert study.metric_names == ["accuracy", "latency_us"]


def test_each_design_is_a_trial_and_constraints_say_which_are_feasible(study, campaign):
    complete = [trial for trial in study.trials if trial.state == STATES.COMPLETE]
    designs = campaign.store.designs("toy")
    assert [trial.user_attrs["design"] for trial in complete] == [design.name for design in designs]
    for trial, design in zip(complete, designs, strict=True):
        assert set(trial.constraints) == {"silence", "luts at most 455", "accuracy at least 0.45"}
        assert all(value <= 0.0 for value in trial.constraints.values()) == design.feasible
        assert trial.user_attrs["luts"] == design.measures["luts"]
        assert trial.params["lanes"] == str(design.config["lanes"][0])
    assert 0 < sum(design.feasible for design in designs) < len(designs)


def test_parameters_have_the_distributions_of_the_space(study, campaign):
    of = optuna.distributions
    expected = {
        "beta": of.FloatDistribution(0.4, 0.98),
        "threshold": of.FloatDistribution(0.3, 3.0, log=True),
        "reset": of.CategoricalDistribution(["subtract", "zero"]),
        "hidden_width": of.IntDistribution(16, 64, log=True),
        "weight_bits": of.CategoricalDistribution([4, 6, 8]),
        "surrogate": of.CategoricalDistribution(["fast_sigmoid", "arctangent"]),
        "surrogate_slope": of.FloatDistribution(1.0, 25.0),
        "lanes": of.CategoricalDistribution([str(lanes) for lanes in LANES]),
    }
    configs = {trial.number: trial.config for trial in campaign.store.trials("toy")}
    conditional = 0
    for trial in study.trials:
        assert trial.distributions == {name: expected[name] for name in trial.params}
        config = configs[trial.user_attrs["trial"]]
        assert {key: value for key, value in trial.params.items() if key != "lanes"} == config
        conditional += "surrogate_slope" not in trial.params
    assert 0 < conditional < len(study.trials)


def test_every_ended_trial_is_there_in_its_state_and_time(study, campaign):
    states = {"complete": STATES.COMPLETE, "silent": STATES.PRUNED, "failed": STATES.FAIL}
    states["cancelled"] = STATES.FAIL
    records = {trial.number: trial for trial in campaign.store.trials("toy")}
    for trial in study.trials:
        record = records[trial.user_attrs["trial"]]
        assert trial.state == states[record.state] == states[trial.user_attrs["state"]]
        assert trial.datetime_complete.astimezone() == record.finished_at
    assert {trial.user_attrs["trial"] for trial in study.trials} == set(records)
    assert {record.state for record in records.values()} == set(states)
    assert all(a.number + 1 == b.number for a, b in pairwise(study.trials))


def test_values_outside_the_space_are_attributes(campaign, tmp_path):
    """Starting points and narrowed spaces leave the campaign's; Optuna would refuse such parameters."""
    from tests.hpo.toy import open_toy

    other = open_toy(tmp_path / "home", name="odd")
    other.store.add_trial("odd", {"beta": 0.1, "threshold": 1.0, "reset": "none"}, 1, {})
    from hpo.store import TrialResult

    other.store.finish_trial("odd", 0, TrialResult("silent", constraints={"silence": 0.5}))
    export_study(other.store, "odd", str(tmp_path / "odd.log"))
    storage = optuna.storages.JournalStorage(
        optuna.storages.journal.JournalFileBackend(str(tmp_path / "odd.log"))
    )
    trial = optuna.load_study(study_name="odd", storage=storage).trials[0]
    assert trial.params == {"threshold": 1.0}
    assert trial.user_attrs["beta"] == 0.1
    assert trial.constraints == {"silence": 0.5}


def test_a_study_is_new_or_not_at_all(campaign, tmp_path, monkeypatch):
    file = tmp_path / "study.db"
    runner, home = CliRunner(), ["--home", str(campaign.home.path)]
    monkeypatch.delenv("SPIKEFRONT_STORE", raising=False)
    said = runner.invoke(app, ["trials", "toy", "--format", "optuna", "--out", str(file), *home])
    assert said.exit_code == 0, said.output
    assert "Optuna trials to the study toy" in said.output
    with pytest.raises(ConflictError, match="'toy' already"):
        export_study(campaign.store, "toy", str(file))
    monkeypatch.setattr("hpo.optuna_export._frozen", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        export_study(campaign.store, "toy", str(file), "second")
    assert optuna.get_all_study_names(f"sqlite:///{file}") == ["toy"]
    for target in ("nosuch://x", "sqlite:////no/such/folder/x.db"):
        with pytest.raises(InputError, match="cannot use the storage"):
            export_study(campaign.store, "toy", target)
    missing = runner.invoke(app, ["trials", "toy", "--format", "optuna", *home])
    assert "needs a place" in str(missing.exception)


def test_without_optuna_the_sentence_says_what_to_install(campaign, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ToolMissingError, match="pip install 'spikefront"):
        export_study(campaign.store, "toy", "study.db")
