"""Trials for other tools: everything that is stored, one row per design."""

import csv
import io
import json
import sys
from datetime import datetime

import pytest
from typer.testing import CliRunner

from hpo.cli import app
from hpo.queries import front
from hpo.trials_export import each_design, flat, trials_frame, write_csv, write_json
from spikefront.errors import ToolMissingError
from tests.hpo.exported import exported


@pytest.fixture(scope="module")
def campaign(tmp_path_factory):
    patch = pytest.MonkeyPatch()
    patch.delenv("SPIKEFRONT_STORE", raising=False)
    made = exported(tmp_path_factory.mktemp("home"))
    patch.undo()
    return made


@pytest.fixture(autouse=True)
def _own_store(monkeypatch):
    monkeypatch.delenv("SPIKEFRONT_STORE", raising=False)


def written(write, store):
    text = io.StringIO()
    count = write(store, "toy", text)
    return count, text.getvalue()


@pytest.mark.parametrize("page", [7, 1000])
def test_every_design_and_every_trial_without_one_comes_once(campaign, page, monkeypatch):
    monkeypatch.setattr("hpo.paging.PAGE", page)
    store = campaign.store
    rows = list(each_design(store, "toy"))
    assert [row.design for row in rows if row.design] == store.designs("toy")
    bare = [row.trial.number for row in rows if row.design is None]
    assert bare == [trial.number for trial in store.trials("toy") if trial.state != "complete"]
    assert len(bare) > 3
    assert {row.design.name for row in rows if row.on_front} == {f.name for f in front(store, "toy")}


def test_json_is_every_trial_with_its_designs(campaign):
    store = campaign.store
    count, text = written(write_json, store)
    read = json.loads(text)
    assert count == len(read) == store.trial_count("toy")
    for value, trial in zip(read, store.trials("toy"), strict=True):
        assert value["config"] == trial.config
        assert value["state"] == trial.state
        assert datetime.fromisoformat(value["queued_at"]) == trial.queued_at
        assert [d["measures"] for d in value["designs"]] == [
            d.measures for d in store.designs("toy", trial=trial.number)
        ]
    assert len(text.splitlines()) == count + 2


def test_csv_has_a_column_for_whatever_any_row_has(campaign):
    store = campaign.store
    count, text = written(write_csv, store)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == count
    for cells, row in zip(rows, each_design(store, "toy"), strict=True):
        expected = flat(row)
        assert {key for key, value in cells.items() if value} <= set(expected)
        for key, value in expected.items():
            if isinstance(value, float):
                assert float(cells[key]) == value  # full precision
        assert cells["reason"] == row.trial.reason
    assert {"latency_us", "surrogate_slope", "constraint_silence", "metric_float_accuracy"} <= set(rows[0])
    assert {row["lanes"] for row in rows if row["design"]} == {"1/1", "4/4"}
    assert sum(row["on_front"] == "True" for row in rows) == len(front(store, "toy"))


def test_an_empty_campaign_is_an_empty_table(tmp_path):
    from tests.hpo.toy import open_toy

    store = open_toy(tmp_path).store
    assert written(write_json, store) == (0, "[]\n")
    assert written(write_csv, store) == (0, "\n")


def test_the_frame_holds_numbers_and_times(campaign):
    pd = pytest.importorskip("pandas")
    frame = trials_frame(campaign.store, "toy")
    assert len(frame) == len(list(each_design(campaign.store, "toy")))
    assert frame["latency_us"].dtype == float
    assert isinstance(frame["finished_at"].dtype, pd.DatetimeTZDtype)
    best = frame[frame["on_front"] == True].sort_values("accuracy", ascending=False)  # noqa: E712 - may be missing
    assert list(best["design"]) == [found.name for found in front(campaign.store, "toy")]


def test_without_pandas_the_sentence_says_what_to_install(campaign, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ToolMissingError, match="pip install"):
        trials_frame(campaign.store, "toy")


def test_the_command_writes_new_files_and_whole_ones(campaign, tmp_path, monkeypatch):
    runner, home = CliRunner(), ["--home", str(campaign.home.path)]
    out = tmp_path / "toy.csv"
    said = runner.invoke(app, ["trials", "toy", "--out", str(out), *home])
    assert said.exit_code == 0, said.output
    assert f"wrote {out}: " in said.output.replace("\n", "")
    assert runner.invoke(app, ["trials", "toy", *home]).output == out.read_text()
    again = runner.invoke(app, ["trials", "toy", "--out", str(out), *home])
    assert "exists already" in str(again.exception)
    monkeypatch.setattr("hpo.trials_export.front", lambda *_: 1 / 0)
    runner.invoke(app, ["trials", "toy", "--format", "json", "--out", str(tmp_path / "half"), *home])
    assert not (tmp_path / "half").exists()
