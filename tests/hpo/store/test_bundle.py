"""A campaign's file: what goes in comes out, in any store, and what is damaged stays outside."""

import hashlib
import json
import random
import shutil
import zipfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from test_faults import DESIGNS, FINISHER, kill_at_work, spawn
from typer.testing import CliRunner

from hpo.bundle import MANIFEST, write_bundle
from hpo.bundle_read import read_bundle
from hpo.cli import app
from hpo.driver import Hooks, drive
from hpo.home import Home, sqlite_url
from hpo.log import line
from hpo.queries import front, hypervolume_curve, status
from hpo.store import Store, open_store
from hpo.store.transfer import rows, snapshot
from spikefront.errors import ConflictError, DataError, InputError, NotFoundError, SpecError
from tests.hpo.toy import evaluate, history, open_toy
from workers.pool import SerialPool


def kept(request: Any, report: Any = None) -> Any:
    """The toy trial, with bytes that stand for a trained network."""
    outcome = evaluate(request, report)
    network = b"network %d" % (request.number // 2)  # two trials share one
    return replace(outcome, artifact=network) if outcome.state == "complete" else outcome


def driven(home: Path, trials: int = 14, **changes: Any) -> Any:
    """The toy campaign after that many trials, its driver gone."""
    campaign = open_toy(home, search="random", **changes)
    ended: list[int] = []
    drive(campaign, SerialPool(kept), Hooks(lambda: ended.append(1), lambda: len(ended) >= 2 * trials))
    return campaign


def same(a: Any, b: Any, name: str = "toy") -> bool:
    """Whether two stores hold the same campaign, but for the event that says how one came by it."""
    new = b.events(name)[len(a.events(name)) :]
    assert [event.kind for event in new] in ([], ["campaign_imported"])
    return bool(
        a.trials(name) == b.trials(name)
        and a.designs(name) == b.designs(name)
        and a.events(name) == b.events(name)[: len(a.events(name))]
        and a.campaign(name) == b.campaign(name)
        and status(a, name) == status(b, name)
        and front(a, name) == front(b, name)
        and hypervolume_curve(a, name) == hypervolume_curve(b, name)
    )


def fronts(store: Store, name: str = "toy") -> list[dict[str, Any]]:
    return [found.as_dict() for found in front(store, name)]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home whose SQLite store holds the toy campaign, finished."""
    patch = pytest.MonkeyPatch()
    patch.delenv("SPIKEFRONT_STORE", raising=False)
    home = tmp_path_factory.mktemp("source")
    driven(home).store.close()
    patch.undo()
    return Home(home)


@pytest.fixture(scope="module")
def written(source: Home, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of that campaign."""
    path = tmp_path_factory.mktemp("files") / "toy.zip"
    write_bundle(source, "toy", path)
    return path


@pytest.fixture(autouse=True)
def _own_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPIKEFRONT_STORE", raising=False)


def test_a_campaign_goes_from_any_store_to_any_other(
    store_url: str, source: Home, written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From SQLite into each kind, and from there back into SQLite under another name."""
    there, again = Home(tmp_path / "there"), tmp_path / "again.zip"
    monkeypatch.setenv("SPIKEFRONT_STORE", store_url)
    done = read_bundle(there, written)
    with closing(open_store(sqlite_url(source.path / "store.db"))) as before, closing(there.open()) as after:
        assert same(before, after)
        assert done.rows["trials"] == 14
        assert done.networks == len(before.artifacts()) > 3
        assert all(there.artifacts.get(digest) for digest in before.artifacts())
        assert "taken from a file, where it was toy" in line(after.events("toy")[-1])
    write_bundle(there, "toy", again)
    monkeypatch.delenv("SPIKEFRONT_STORE")
    back = Home(tmp_path / "back")
    assert read_bundle(back, again, "copy").campaign == "copy"
    with closing(source.open()) as before, closing(back.open()) as after:
        assert [t.config for t in after.trials("copy")] == [t.config for t in before.trials("toy")]
        assert fronts(after, "copy") == fronts(before, "toy")
        marked = {point.name for point in after.points("copy", unbeaten_only=True)}
        assert marked == {found.name for found in front(before, "toy")}


def test_postgresql_knows_how_many_rows_came(
    postgresql_url: str, written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it plans for empty tables, and the checks of foreign keys take time that grows with the square."""
    import psycopg

    monkeypatch.setenv("SPIKEFRONT_STORE", postgresql_url)
    read_bundle(Home(tmp_path / "home"), written)
    with psycopg.connect(postgresql_url) as connection:
        known = connection.execute("SELECT reltuples FROM pg_class WHERE relname = 'trials'").fetchone()
    assert known == (14.0,)


def test_an_imported_campaign_goes_on_as_it_would_have(tmp_path: Path) -> None:
    half = driven(tmp_path / "half", trials=6)
    file = tmp_path / "half.zip"
    write_bundle(half.home, "toy", file)
    read_bundle(Home(tmp_path / "other"), file)
    ends = []
    for home in ("half", "other"):
        campaign = open_toy(tmp_path / home, search="random")
        assert drive(campaign, SerialPool(kept), Hooks()) == "finished"
        ends.append(history(campaign))
    assert ends[0] == ends[1]
    assert len(ends[0]) == 14


def test_a_campaign_that_runs_is_of_one_moment_and_can_be_resumed_elsewhere(tmp_path: Path) -> None:
    """While another process finishes trial after trial, each file holds whole trials."""
    home = Home(tmp_path)
    store = home.open()
    store.create_campaign("digits", {}, 7, {}, {})
    writer = spawn(FINISHER, home.store_url)
    assert writer.stdout is not None
    writer.stdout.readline()
    for copy in range(4):
        writer.stdout.readline()
        done = write_bundle(home, "digits", tmp_path / f"{copy}.zip", networks=False)
        with zipfile.ZipFile(tmp_path / f"{copy}.zip") as archive:
            members = [
                [json.loads(row) for row in archive.read(f"{kind}.jsonl").splitlines()]
                for kind in ("trials", "designs", "events")
            ]
        complete = [row["number"] for row in members[0] if row["state"] == "complete"]
        assert done.rows["trials"] >= len(complete) >= copy + 1
        assert [row["trial"] for row in members[1]] == sorted(complete * DESIGNS)
        assert sum(row["kind"] == "trial_finished" for row in members[2]) == len(complete)
    kill_at_work(writer, 0.0)
    store.close()


def test_a_running_campaign_comes_without_its_driver(tmp_path: Path) -> None:
    campaign = driven(tmp_path / "a", trials=3)
    campaign.store.take_lease("toy", "host-a:1", 60)
    campaign.store.set_campaign_state("toy", "running")
    write_bundle(campaign.home, "toy", tmp_path / "f.zip")
    other = Home(tmp_path / "b")
    read_bundle(other, tmp_path / "f.zip")
    found = status(other.open(), "toy")
    assert found.driver is None
    assert found.is_abandoned
    token = campaign.store.take_lease("toy", "host-a:1", 60)
    assert other.open().take_lease("toy", "host-b:1", 60) == token  # above all that its history names


def test_nothing_is_overwritten(source: Home, written: Path, tmp_path: Path) -> None:
    with pytest.raises(ConflictError, match="'toy' exists already; import it as another with --as"):
        read_bundle(source, written)
    with pytest.raises(ConflictError, match="exists already; name another"):
        write_bundle(source, "toy", written)
    with pytest.raises(InputError, match="does not exist; create it"):
        write_bundle(source, "toy", tmp_path / "no" / "file.zip")
    with pytest.raises(NotFoundError, match="no campaign 'tox'"):
        write_bundle(source, "tox", tmp_path / "file.zip")
    with pytest.raises(NotFoundError, match="There is no file"):
        read_bundle(source, tmp_path / "none.zip")
    assert list(tmp_path.iterdir()) == []


def outcome(path: Path, home: Path, source: Home) -> str:
    """ "refused", nothing being stored then, or "same"."""
    where = Home(home)
    try:
        read_bundle(where, path)
    except DataError:
        assert not home.exists() or where.open().campaigns() == []
        return "refused"
    assert same(source.open(), where.open())
    return "same"


def test_no_damaged_byte_goes_unseen(source: Home, written: Path, tmp_path: Path) -> None:
    rng, whole = random.Random(5), written.read_bytes()
    seen = []
    for case in range(60):
        position = rng.randrange(len(whole))
        damaged = tmp_path / f"{case}.zip"
        flipped = whole[position] ^ (1 << rng.randrange(8))
        damaged.write_bytes(whole[:position] + bytes([flipped]) + whole[position + 1 :])
        seen.append(outcome(damaged, tmp_path / f"home{case}", source))
    # The others, which hit times and flags that say nothing about the content, are held to the source.
    assert seen.count("refused") > 40


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_a_file_that_was_cut_is_refused(share: float, source: Home, written: Path, tmp_path: Path) -> None:
    whole = written.read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[: int(share * len(whole))])
    assert outcome(tmp_path / "cut.zip", tmp_path / "home", source) == "refused"


def rewritten(written: Path, target: Path, **changed: Any) -> Path:
    """The file with members replaced (None removes, names take '/' and '.' as in the archive)."""
    with zipfile.ZipFile(written) as old, zipfile.ZipFile(target, "w") as new:
        for name in {**dict.fromkeys(old.namelist()), **changed}:
            content = changed.get(name, old.read(name) if name in old.namelist() else None)
            if content is not None:
                new.writestr(name, content)
    return target


def manifest_with(written: Path, **values: Any) -> str:
    with zipfile.ZipFile(written) as archive:
        return json.dumps({**json.loads(archive.read(MANIFEST)), **values})


@pytest.mark.parametrize(
    "changed",
    [
        {"trials.jsonl": None},
        {MANIFEST: None},
        {MANIFEST: "[]"},
        {MANIFEST: "{"},
        {"trials.jsonl": b""},
        {"designs.jsonl": b'{"trial": 1}\n'},
        {"networks/" + "ab" * 32: b"other bytes"},
        {"networks/../../evil": b"x"},
        {"more.txt": b"x"},
    ],
    ids=str,
)
def test_a_file_with_other_members_is_refused(
    changed: dict[str, Any], source: Home, written: Path, tmp_path: Path
) -> None:
    path = rewritten(written, tmp_path / "other.zip", **changed)
    assert outcome(path, tmp_path / "home", source) == "refused"


def test_a_network_with_other_bytes_is_refused(source: Home, written: Path, tmp_path: Path) -> None:
    digest = next(iter(source.open().artifacts()))
    path = rewritten(written, tmp_path / "other.zip", **{f"networks/{digest}": b"other"})
    assert outcome(path, tmp_path / "home", source) == "refused"


@pytest.mark.parametrize("newer", [{"form": 2}, {"tables": "999"}, {"tables": "x"}])
def test_a_newer_file_is_refused(newer: dict[str, Any], written: Path, tmp_path: Path) -> None:
    path = rewritten(written, tmp_path / "newer.zip", **{MANIFEST: manifest_with(written, **newer)})
    with pytest.raises(ConflictError, match="newer than this Spikefront's"):
        read_bundle(Home(tmp_path / "home"), path)
    assert not (tmp_path / "home").exists()


def resealed(written: Path, target: Path, edit: Any) -> Path:
    """The file with every row changed by ``edit(kind, row)`` and a manifest that fits."""
    with zipfile.ZipFile(written) as old:
        manifest = json.loads(old.read(MANIFEST))
        changed = {}
        for name in manifest["members"]:
            lines = [json.loads(row) for row in old.read(name).splitlines()]
            text = "".join(json.dumps(edit(name.split(".")[0], row)) + "\n" for row in lines)
            changed[name] = text
            manifest["members"][name] = {
                "sha256": hashlib.sha256(text.encode()).hexdigest(),
                "rows": len(lines),
            }
    return rewritten(written, target, **changed, **{MANIFEST: json.dumps(manifest)})


def test_rows_of_older_tables_take_what_they_lack(source: Home, written: Path, tmp_path: Path) -> None:
    """As an upgrade would give them."""
    added = {
        "dominated",
        "extra_trials",
        "request_now",
        "lease_token",
        "stop_reason",
        "exempt_trials",
        "narrowed",
    }
    path = resealed(
        written, tmp_path / "old.zip", lambda _, row: {k: v for k, v in row.items() if k not in added}
    )
    read_bundle(home := Home(tmp_path / "home"), path)
    assert [f.as_dict() for f in front(home.open(), "toy")] == [
        f.as_dict() for f in front(source.open(), "toy")
    ]
    assert len(home.open().unbeaten("toy")) == len(front(home.open(), "toy"))


def test_a_front_cannot_be_hidden_by_marks(source: Home, written: Path, tmp_path: Path) -> None:
    def edit(kind: str, row: dict[str, Any]) -> dict[str, Any]:
        return {**row, "dominated": True} if kind == "designs" else row

    read_bundle(home := Home(tmp_path / "home"), resealed(written, tmp_path / "marked.zip", edit))
    assert same(source.open(), home.open())


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("trials", {"state": "lost"}),
        ("trials", {"number": 3}),
        ("trials", {"queued_at": "yesterday"}),
        ("trials", {"config": float("nan")}),
        ("trials", {"speed": 1}),
        ("designs", {"trial": 99}),
        ("designs", {"measures": None}),
        ("events", {"id": 1}),
        ("campaign", {"lease_until": None}),
        ("campaign", {"spec": None}),
    ],
)
def test_rows_that_are_no_campaign_are_refused(
    kind: str, values: dict[str, Any], source: Home, written: Path, tmp_path: Path
) -> None:
    path = resealed(written, tmp_path / "odd.zip", lambda k, row: {**row, **values} if k == kind else row)
    assert outcome(path, tmp_path / "home", source) == "refused"


def test_an_unfit_name_or_specification_is_refused(written: Path, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    with pytest.raises(SpecError, match="name"):
        read_bundle(home, written, "../../x")
    odd = resealed(
        written,
        tmp_path / "odd.zip",
        lambda kind, row: {**row, "spec": {**row["spec"], "later": 1}} if kind == "campaign" else row,
    )
    with pytest.raises(SpecError, match="unknown key"):
        read_bundle(home, odd)
    assert not home.path.exists()


def test_missing_networks_are_counted_and_may_be_left_out(source: Home, tmp_path: Path) -> None:
    home = Home(tmp_path / "copy")
    shutil.copytree(source.path, home.path)
    lost = sorted(home.open().artifacts())[0]
    home.artifacts.path(lost).unlink()
    total = len(home.open().artifacts())
    done = write_bundle(home, "toy", tmp_path / "lost.zip")
    assert (done.networks, done.missing) == (total - 1, 1)
    bare = write_bundle(home, "toy", tmp_path / "bare.zip", networks=False)
    assert (bare.networks, bare.missing) == (0, total)
    assert read_bundle(Home(tmp_path / "b"), tmp_path / "bare.zip") == replace(bare, campaign="toy")
    home.artifacts.path(sorted(home.open().artifacts())[1]).write_bytes(b"damaged")
    with pytest.raises(DataError, match="is damaged"):
        write_bundle(home, "toy", tmp_path / "damaged.zip")
    assert not (tmp_path / "damaged.zip").exists()
    assert not list(tmp_path.glob(".export-*"))


def test_the_commands_say_what_they_did(source: Home, tmp_path: Path) -> None:
    runner, file = CliRunner(), tmp_path / "toy.zip"
    said = runner.invoke(app, ["db", "export", "toy", str(file), "--home", str(source.path)])
    assert f"wrote {file}: 14 trials" in said.output.replace("\n", "")
    said = runner.invoke(app, ["db", "import", str(file), "--as", "copy", "--home", str(tmp_path / "home")])
    assert "campaign copy is in the store: 14 trials" in said.output
    assert said.exit_code == 0
    with snapshot(sqlite_url(tmp_path / "home" / "store.db")) as connection:
        assert len(list(rows(connection, "trials", "copy"))) == 14
