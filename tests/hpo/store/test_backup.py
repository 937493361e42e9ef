"""Backup and restore: the documented commands themselves, and copies of a store that is being written."""

import os
import re
import secrets
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from private_server import program
from store_samples import FULL, add
from test_faults import DESIGNS, FINISHER, kill_at_work, spawn

from hpo.home import Home, sqlite_url
from hpo.store import open_store
from hpo.store.backup import backup
from spikefront.errors import ConflictError, InputError, NotFoundError
from tests.hpo.toy import open_toy

ROOT = Path(__file__).parents[3]
BLOCKS = re.findall(r"```sh\n(.*?)```", (ROOT / "docs" / "store.md").read_text(), re.DOTALL)


def run_documented(commands: str, folder: Path, **environment: str) -> str:
    """Run commands of the documentation in ``folder``, with this ``spikefront``; what they print."""
    own = folder / "bin" / "spikefront"
    own.parent.mkdir(exist_ok=True)
    own.write_text(f'#!/bin/sh\nexec {sys.executable} -m hpo "$@"\n')
    own.chmod(0o755)
    path = os.pathsep.join([str(own.parent), str(Path(program("pg_dump") or "").parent), os.environ["PATH"]])
    variables = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), **environment}
    shell = ["bash", "-e", "-c", commands]
    return subprocess.run(
        shell, cwd=folder, env=variables, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def test_the_documented_backup_of_a_file_is_restored_as_documented(tmp_path: Path) -> None:
    campaign = open_toy(tmp_path / "spikefront-home", search="random")
    digest = campaign.home.artifacts.put(b"network")
    campaign.store.add_trial("toy", {"beta": 0.5}, 1, {})
    copying, restoring, _ = BLOCKS
    run_documented(copying, tmp_path)
    campaign.store.add_trial("toy", {"beta": 0.6}, 1, {})  # after the backup, so not in it
    assert "toy" in run_documented(restoring, tmp_path)
    restored = Home(tmp_path / "restored")
    assert restored.artifacts.get(digest) == b"network"
    assert restored.open_existing().trials("toy") == campaign.store.trials("toy")[:1]


def test_the_documented_dump_of_a_server_is_restored_as_documented(
    postgresql_server: str, postgresql_url: str, tmp_path: Path
) -> None:
    import psycopg

    store = open_store(postgresql_url)
    store.create_campaign("digits", {"name": "digits"}, 7, {}, {})
    add(store)
    store.finish_trial("digits", 0, FULL)
    name = f"restored_{secrets.token_hex(6)}"
    with psycopg.connect(f"{postgresql_server}/postgres", autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        try:
            url = f"{postgresql_server}/{name}"
            dump = BLOCKS[2].rpartition("SPIKEFRONT_STORE=")[0]
            run_documented(dump, tmp_path, SPIKEFRONT_STORE=postgresql_url, RESTORED_STORE=url)
            restored = open_store(url)
            assert restored.trials("digits") == store.trials("digits")
            assert restored.designs("digits") == store.designs("digits")
            assert restored.events("digits") == store.events("digits")
            assert restored.add_trial("digits", {}, 1, {}).number == 1
            restored.close()
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    store.close()


def test_a_copy_made_while_another_process_writes_is_whole(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "store.db")
    store = open_store(url)
    store.create_campaign("digits", {}, 7, {}, {})
    writer = spawn(FINISHER, url)
    copies = [tmp_path / f"copy{number}.db" for number in range(5)]
    assert writer.stdout is not None
    assert writer.stdout.readline() == "ready\n"
    for copy in copies:
        writer.stdout.readline()
        backup(url, copy)
    kill_at_work(writer, 0.0)
    for copy in copies:
        with sqlite3.connect(copy) as raw:
            assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        raw.close()
        found = open_store(sqlite_url(copy))
        complete = [trial.number for trial in found.trials("digits", {"complete"})]
        assert len(complete) >= 1
        assert [design.trial for design in found.designs("digits")] == sorted(complete * DESIGNS)
        found.close()
    store.close()


def test_nothing_is_overwritten_and_nothing_half_stays(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "store.db")
    open_store(url).close()
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(ConflictError, match="taken exists already"):
        backup(url, tmp_path / "taken")
    assert (tmp_path / "taken").read_text() == "mine"
    with pytest.raises(InputError, match="none does not exist; create it"):
        backup(url, tmp_path / "none" / "copy.db")
    (tmp_path / "store.db").write_bytes(b"no database" * 1000)
    with pytest.raises(InputError, match=r"cannot be copied \(file is not a database\)"):
        backup(url, tmp_path / "copy.db")
    assert {path.name for path in tmp_path.iterdir()} == {"taken", "store.db"}


def test_what_is_no_file_is_not_copied(tmp_path: Path, postgresql_url: str) -> None:
    with pytest.raises(NotFoundError, match="There is no store"):
        backup(sqlite_url(tmp_path / "none.db"), tmp_path / "copy.db")
    with pytest.raises(InputError, match="pg_dump"):
        backup(postgresql_url, tmp_path / "copy.db")
    assert list(tmp_path.iterdir()) == []
