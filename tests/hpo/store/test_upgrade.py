"""Stores that earlier versions wrote: refused with a remedy, upgraded whole or not at all."""

import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from private_server import program
from sqlalchemy import Engine, create_engine, inspect, text
from typer.testing import CliRunner

from hpo.cli import app
from hpo.driver import Hooks, drive
from hpo.home import sqlite_url
from hpo.log import line
from hpo.queries import front, status
from hpo.store import open_store
from hpo.store.connect import connect_existing, writing
from hpo.store.tables import SCHEMA_VERSION, Base
from hpo.store.upgrade import found_version, migrate, upgrade
from spikefront.errors import ConflictError, InputError, NotFoundError
from tests.hpo.toy import evaluate, history, open_toy
from workers.pool import SerialPool

DATA = Path(__file__).parent / "data"
VERSIONS = [str(number) for number in range(1, int(SCHEMA_VERSION) + 1)]
OLDER = VERSIONS[:-1]


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def old_url(kind: str, version: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A store as that version's own code wrote it: one campaign finished, one killed in its seventh trial."""
    if kind == "sqlite":
        return sqlite_url(Path(shutil.copy(DATA / f"version-{version}.db", tmp_path / "store.db")))
    url = str(request.getfixturevalue("postgresql_url"))
    psql = [
        program("psql") or "psql",
        "-q",
        "-v",
        "ON_ERROR_STOP=1",
        "-f",
        str(DATA / f"version-{version}.sql"),
        url,
    ]
    subprocess.run(psql, check=True, capture_output=True)
    return url


def raw(url: str) -> Engine:
    return create_engine(url.replace("postgresql:", "postgresql+psycopg:"))


def execute(url: str, statement: str, **values: object) -> None:
    engine = raw(url)
    with engine.begin() as connection:
        connection.execute(text(statement), values)
    engine.dispose()


def shape(engine: Engine) -> dict[str, object]:
    """Tables, columns and keys, without the names that databases give by themselves."""
    found = inspect(engine)
    return {
        table: (
            [(c["name"], str(c["type"]), c["nullable"]) for c in found.get_columns(table)],
            found.get_pk_constraint(table)["constrained_columns"],
            sorted((k["constrained_columns"], k["referred_table"]) for k in found.get_foreign_keys(table)),
            sorted((i["name"], i["column_names"]) for i in found.get_indexes(table)),
            sorted(c["sqltext"] for c in found.get_check_constraints(table)),
        )
        for table in sorted(found.get_table_names())
    }


@pytest.mark.parametrize("version", OLDER)
def test_an_older_store_is_refused_and_the_sentence_names_the_remedy(old_url: str, version: str) -> None:
    words = (
        f"of version {version} and this Spikefront needs version {SCHEMA_VERSION}; .*'spikefront db upgrade'"
    )
    with pytest.raises(ConflictError, match=words):
        open_store(old_url)
    assert found_version(old_url) == version


@pytest.mark.parametrize("version", VERSIONS)
def test_a_store_of_any_version_is_brought_to_this_one_and_keeps_everything(
    old_url: str, version: str
) -> None:
    assert upgrade(old_url) == version
    assert found_version(old_url) == SCHEMA_VERSION
    store = open_store(old_url)
    assert sorted(record.name for record in store.campaigns()) == ["toy", "whole"]
    ended = ["failed", "complete", "complete", "silent", "complete", "complete"]
    assert [trial.state for trial in store.trials("toy")] == [*ended, "running"]
    assert "a low beta breaks the toy" in store.trial("toy", 0).reason
    assert len(front(store, "toy")) == 3
    assert store.designs("toy")[0].test_measures == {"accuracy": 0.5}
    assert store.events("whole")[0].kind == "campaign_created"
    assert all(line(event).startswith("2026-") for name in ("toy", "whole") for event in store.events(name))
    assert status(store, "toy").hypervolume == pytest.approx(0.2471, abs=1e-4)
    store.close()
    assert upgrade(old_url) == SCHEMA_VERSION


@pytest.mark.parametrize("version", VERSIONS)
def test_the_upgraded_tables_are_those_of_a_new_store(old_url: str, version: str) -> None:
    upgrade(old_url)
    engine = raw(old_url)
    with engine.connect() as connection:
        options = {
            "version_table": "spikefront_version",
            "compare_type": True,
            "compare_server_default": True,
        }
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()


@pytest.mark.parametrize("version", OLDER)
def test_the_revisions_lead_through_every_versions_tables(version: str, tmp_path: Path) -> None:
    """What a revision makes of an empty database equals what that version's code made."""
    written = create_engine(sqlite_url(Path(shutil.copy(DATA / f"version-{version}.db", tmp_path))))
    made = connect_existing(sqlite_url(Path(shutil.copy("/dev/null", tmp_path / "made.db"))))
    with writing(made).begin() as connection:
        migrate(connection, to=version)
        if version == "1":  # which knew nothing of alembic's table
            connection.execute(text("DROP TABLE spikefront_version"))
    assert shape(made) == shape(written)
    made.dispose()
    written.dispose()


@pytest.mark.parametrize("version", ["1"])
def test_an_upgrade_that_fails_leaves_the_store_as_it_was(old_url: str, version: str) -> None:
    execute(old_url, "ALTER TABLE campaigns ADD COLUMN extra_trials INTEGER")  # the third step stumbles here
    engine = raw(old_url)
    before = shape(engine)
    with pytest.raises(InputError, match="extra_trials"):
        upgrade(old_url)
    assert shape(engine) == before
    engine.dispose()
    execute(old_url, "ALTER TABLE campaigns DROP COLUMN extra_trials")
    assert upgrade(old_url) == "1"


@pytest.mark.parametrize("version", ["1"])
def test_no_store_is_upgraded_under_a_driver_at_work(old_url: str, version: str) -> None:
    until = datetime.now(UTC) + timedelta(seconds=60)
    moment = until.strftime("%Y-%m-%d %H:%M:%S.%f") if old_url.startswith("sqlite") else until
    execute(old_url, "UPDATE campaigns SET lease_holder = 'host-a:1', lease_until = :t", t=moment)
    with pytest.raises(ConflictError, match=r"is driven by host-a:1 until .*stop that driver"):
        upgrade(old_url)
    assert found_version(old_url) == "1"


@pytest.mark.parametrize("statement", ["UPDATE {} SET version_num = '99'", "DELETE FROM {}"])
def test_what_cannot_be_upgraded_is_refused(store_url: str, statement: str) -> None:
    open_store(store_url).close()
    execute(store_url, statement.format("spikefront_version"))
    with pytest.raises(ConflictError, match=r"newer than this Spikefront's|without a version"):
        upgrade(store_url)


def test_an_empty_database_has_nothing_to_upgrade(store_url: str) -> None:
    if store_url.startswith("sqlite"):
        with pytest.raises(NotFoundError, match="There is no store"):
            upgrade(store_url)
        assert not Path(store_url.removeprefix("sqlite:///")).exists()
    else:
        with pytest.raises(ConflictError, match="without a version"):
            upgrade(store_url)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_campaign_that_was_killed_goes_on_after_the_upgrade(version: str, tmp_path: Path) -> None:
    """By the command; the trials are those that the campaign would have had without any of it."""
    budget = {"trials": 8, "initial": 6}
    shutil.copy(DATA / f"version-{version}.db", tmp_path / "store.db")
    said = CliRunner().invoke(app, ["db", "upgrade", "--home", str(tmp_path)], env={"SPIKEFRONT_STORE": ""})
    assert said.exit_code == 0, said.output
    campaign = open_toy(tmp_path, budget=budget)
    assert drive(campaign, SerialPool(evaluate), Hooks()) == "finished"
    whole = open_toy(tmp_path / "whole", budget=budget)
    drive(whole, SerialPool(evaluate), Hooks())
    assert history(campaign)[:6] == history(whole)[:6]
    assert [trial[1] for trial in history(campaign)].count("running") == 0
    assert len(history(campaign)) == 8
