"""Opening a store: good addresses, and one clear sentence for every bad one."""

import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from hpo.store import open_store
from spikefront.errors import ConflictError, InputError, SpikefrontError, ToolMissingError


@pytest.mark.parametrize(
    "url", ["", "nonsense", "store.db", "/tmp/store.db", "sqlite//x", "postgresql://h:port/x"]
)
def test_what_is_no_url_is_refused_with_examples(url: str) -> None:
    with pytest.raises(InputError, match="no database URL; use sqlite:///FILE or postgresql://"):
        open_store(url)


@pytest.mark.parametrize("url", ["mysql://u:p@h/d", "sqlite+aiosqlite:///x.db", "postgresql+psycopg2://h/d"])
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(InputError, match="not supported; use sqlite"):
        open_store(url)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_store_in_memory_is_refused(url: str) -> None:
    with pytest.raises(InputError, match="names no file"):
        open_store(url)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"folder {tmp_path}/none does not exist; create it"):
        open_store(f"sqlite:///{tmp_path}/none/store.db")


def test_a_folder_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unable to open database file"):
        open_store(f"sqlite:///{tmp_path}")


def test_a_file_of_another_kind_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database " * 100)
    with pytest.raises(InputError, match="file is not a database"):
        open_store(f"sqlite:///{path}")
    assert path.read_text() == "not a database " * 100


def test_an_unreachable_server_is_named_without_its_password() -> None:
    with pytest.raises(
        InputError, match=r"postgresql\+psycopg://spike:\*\*\*@127.0.0.1:1/d cannot be opened"
    ) as caught:
        open_store("postgresql://spike:hunter2@127.0.0.1:1/d")
    assert "hunter2" not in str(caught.value)


def test_a_wrong_password_is_an_input_error(postgresql_url: str) -> None:
    user, _, rest = postgresql_url.partition("@")
    with pytest.raises(InputError, match="password authentication failed") as caught:
        open_store(f"{user}wrong@{rest}")
    assert user.rpartition(":")[2] not in str(caught.value)


def test_a_missing_driver_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ToolMissingError, match=r"pip install 'spikefront\[service\]'"):
        open_store("postgresql://u:p@127.0.0.1/d")


def _change_schema(store_url: str, statement: str) -> None:
    open_store(store_url).close()
    engine = create_engine(store_url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


@pytest.mark.parametrize(
    ("version", "words"), [("1", "run 'spikefront db upgrade'"), ("99", "which is newer")]
)
def test_tables_of_another_version_are_refused(store_url: str, version: str, words: str) -> None:
    _change_schema(store_url, f"UPDATE spikefront_version SET version_num = '{version}'")
    with pytest.raises(ConflictError, match=f"has tables of version {version}.*{words}"):
        open_store(store_url)


@pytest.mark.parametrize("statement", ["DELETE FROM spikefront_version", "DROP TABLE spikefront_version"])
def test_tables_without_a_version_are_refused(store_url: str, statement: str) -> None:
    _change_schema(store_url, statement)
    with pytest.raises(ConflictError, match="tables without a version"):
        open_store(store_url)


def test_a_database_shared_with_other_tables_is_taken(store_url: str) -> None:
    _change_schema(store_url, "CREATE TABLE somebody_elses (id INTEGER)")
    store = open_store(store_url)
    store.create_campaign("digits", {}, 1, {}, {})
    store.close()


def test_sqlite_is_set_up_for_several_processes(tmp_path: Path) -> None:
    open_store(f"sqlite:///{tmp_path}/store.db").close()
    with sqlite3.connect(tmp_path / "store.db") as raw:
        assert raw.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    raw.close()


def test_sqlite_refuses_a_trial_without_a_campaign(tmp_path: Path) -> None:
    from hpo.store.connect import open_engine

    engine = open_engine(f"sqlite:///{tmp_path}/store.db")
    with engine.connect() as connection:
        assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1
        assert connection.execute(text("PRAGMA busy_timeout")).scalar() == 30_000
    engine.dispose()


def test_a_store_that_became_unwritable_says_so(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/store.db")
    store.close()
    for path in tmp_path.iterdir():
        path.unlink()
    (tmp_path / "store.db").mkdir()
    with pytest.raises(SpikefrontError, match=r"failed \(unable to open database file\); check"):
        store.campaigns()


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX file modes")
def test_an_unreadable_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    open_store(f"sqlite:///{path}").close()
    path.chmod(0)
    try:
        path.open("rb").close()
    except PermissionError:
        with pytest.raises(InputError, match="cannot be opened"):
            open_store(f"sqlite:///{path}")
    else:
        pytest.skip("this user may read every file")
    finally:
        path.chmod(stat.S_IRUSR | stat.S_IWUSR)


def test_importing_the_package_loads_no_database_library() -> None:
    heavy = ("sqlalchemy", "torch", "ray", "psycopg")
    code = f"import sys, hpo.store; print([name for name in {heavy} if name in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
