"""Every place for artifacts gives back the bytes it was given, or says that it cannot."""

import hashlib
import secrets
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import fsspec
import pytest
from typer.testing import CliRunner

from hpo.bundle import write_bundle
from hpo.bundle_read import read_bundle
from hpo.cli import app
from hpo.collecting import collect
from hpo.driver import Hooks, drive
from hpo.home import Home
from hpo.store.artifacts import ArtifactFolder, Artifacts, Collected
from hpo.store.remote import RemoteArtifacts
from spikefront.errors import ConflictError, DataError, InputError, NotFoundError, ToolMissingError
from tests.hpo.toy import evaluate, open_toy
from workers.pool import SerialPool

PLACES = ("folder", "file", "memory", "s3")


@dataclass(frozen=True)
class Place:
    """A place with a second way in, for what a test has to do behind its back."""

    artifacts: Artifacts
    files: Any
    root: str

    def path(self, digest: str) -> str:
        return f"{self.root}/{digest[:2]}/{digest}"

    def names(self) -> list[str]:
        self.files.invalidate_cache()
        return sorted(path.rsplit("/", 1)[1] for path in self.files.find(self.root))


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """A server that speaks S3, and the keys for it in the environment."""
    pytest.importorskip("s3fs", reason="s3fs is not installed")
    server_of = pytest.importorskip("moto.server", reason="moto's server is not installed")
    server = server_of.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    patch = pytest.MonkeyPatch()
    for name, value in {
        "AWS_ACCESS_KEY_ID": "spike",
        "AWS_SECRET_ACCESS_KEY": "front",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
    }.items():
        patch.setenv(name, value)
    yield f"http://{host}:{port}"
    patch.undo()
    server.stop()


def url_of(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty place of that kind."""
    name = secrets.token_hex(6)
    if kind == "s3":
        request.getfixturevalue("s3_server")
        fsspec.filesystem("s3").mkdir(name)
        return f"s3://{name}/some/prefix"
    return {"folder": str(tmp_path / "a"), "file": f"file://{tmp_path}/a", "memory": f"memory://{name}/a"}[
        kind
    ]


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    url = url_of(request.param, request, tmp_path)
    if request.param == "folder":
        return Place(ArtifactFolder(Path(url)), fsspec.filesystem("file"), url)
    files, root = fsspec.core.url_to_fs(url)
    return Place(RemoteArtifacts(url), files, root)


@pytest.mark.parametrize("data", [b"", b"network", bytes(range(256)) * 5000], ids=len)
def test_bytes_come_back_under_their_sha256(place: Place, data: bytes) -> None:
    digest = place.artifacts.put(data)
    assert digest == hashlib.sha256(data).hexdigest()
    assert place.artifacts.get(digest) == data
    assert place.artifacts.put(data) == digest
    assert place.names() == [digest]  # and nothing half written


@pytest.mark.parametrize("damage", [b"", b"networ", b"network!", b"Network"])
def test_damaged_bytes_are_refused_and_mended_by_the_next_write(place: Place, damage: bytes) -> None:
    digest = place.artifacts.put(b"network")
    place.files.pipe_file(place.path(digest), damage)
    with pytest.raises(DataError, match=f"{digest} is damaged"):
        place.artifacts.get(digest)
    assert place.artifacts.put(b"network") == digest
    assert place.artifacts.get(digest) == b"network"


def test_a_missing_artifact_is_not_found(place: Place) -> None:
    for _ in range(2):
        with pytest.raises(NotFoundError, match="train its trial again"):
            place.artifacts.get("0" * 64)
        place.artifacts.put(b"another")


@pytest.mark.parametrize(
    "name",
    ["", "..", "../../etc/passwd", "/etc/passwd", "A" * 64, "0" * 63, "0" * 65, "0" * 64 + "\n", "\0" * 64],
)
def test_a_name_that_is_no_digest_is_refused(place: Place, name: str) -> None:
    with pytest.raises(InputError, match="names no artifact"):
        place.artifacts.get(name)


def test_only_old_artifacts_that_nothing_names_are_collected(place: Place) -> None:
    kept, lost = place.artifacts.put(b"kept"), place.artifacts.put(b"lost!")
    half = f"{place.root}/{lost[:2]}/.new-x7"
    place.files.pipe_file(half, b"half")
    place.files.pipe_file(f"{place.root}/{lost[:2]}/readme", b"mine")
    before = time.time() + 5
    assert place.artifacts.collect({kept, lost, "ab" * 32}, before - 60) == Collected(0, 0, 3, 1)
    assert place.artifacts.collect({kept, "ab" * 32}, before) == Collected(2, 9, 1, 1)
    assert place.names() == sorted([kept, "readme"])
    assert place.artifacts.collect({kept}, before) == Collected(0, 0, 1, 0)


def test_an_empty_place_has_nothing_to_collect(place: Place) -> None:
    assert place.artifacts.collect({"ab" * 32}, time.time()) == Collected(0, 0, 0, 1)


def test_a_place_that_can_be_written_passes_and_stays_empty(place: Place) -> None:
    place.artifacts.check()
    assert place.names() == []


def test_a_failed_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    artifacts = RemoteArtifacts(f"file://{tmp_path}/a")

    def broken(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(artifacts._fs), "mv", broken)
    with pytest.raises(OSError, match="No space"):
        artifacts.put(b"network")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("kind", PLACES)
def test_a_campaign_keeps_its_networks_where_it_is_told(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The driver writes there, a file takes them along, and ``collect`` asks who else uses the place."""
    monkeypatch.delenv("SPIKEFRONT_STORE", raising=False)
    monkeypatch.setenv("SPIKEFRONT_ARTIFACTS", url_of(kind, request, tmp_path))

    def kept(request: Any, report: Any = None) -> Any:
        outcome = evaluate(request, report)
        network = b"network %d" % request.number
        return replace(outcome, artifact=network) if outcome.state == "complete" else outcome

    campaign = open_toy(tmp_path / "home", search="random", budget={"trials": 4, "initial": 4})
    drive(campaign, SerialPool(kept), Hooks())
    assert not (tmp_path / "home" / "artifacts").exists()
    named = campaign.store.artifacts()
    assert named
    write_bundle(campaign.home, "toy", tmp_path / "toy.zip")
    with pytest.raises(ConflictError, match="where other stores may keep theirs: say --sole"):
        collect(campaign.home)
    said = CliRunner().invoke(app, ["db", "collect", "--sole", "--home", str(campaign.home.path)])
    assert f"removed 0 files of 0.0 MB, kept {len(named)}" in said.output
    monkeypatch.delenv("SPIKEFRONT_ARTIFACTS")
    other = Home(tmp_path / "other")
    assert read_bundle(other, tmp_path / "toy.zip").networks == len(named)
    assert all(other.artifacts.get(digest) for digest in named)


def test_what_a_place_needs_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    monkeypatch.setenv("SPIKEFRONT_ARTIFACTS", "s3://bucket/prefix")
    known = sys.modules["fsspec.registry"]._registry  # which s3 may have entered in another test
    monkeypatch.delitem(known, "s3", raising=False)
    with pytest.raises(ToolMissingError, match=r"pip install 'spikefront\[s3\]'"):
        _ = Home(tmp_path).artifacts
    monkeypatch.setenv("SPIKEFRONT_ARTIFACTS", "nosuch://bucket")
    with pytest.raises(InputError, match="nosuch"):
        _ = Home(tmp_path).artifacts


def test_a_bucket_that_is_not_there_is_found_before_a_training(s3_server: str) -> None:
    artifacts = RemoteArtifacts("s3://not-a-bucket-of-ours/x")
    with pytest.raises((InputError, NotFoundError), match="not-a-bucket-of-ours"):
        artifacts.check()


def test_a_server_that_does_not_answer_may_answer_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """An OSError: drivers wait and try again."""
    pytest.importorskip("s3fs", reason="s3fs is not installed")
    options = {"key": "a", "secret": "b", "endpoint_url": "http://127.0.0.1:9"}
    artifacts = RemoteArtifacts("s3://bucket/x")
    monkeypatch.setattr("s3fs.core.S3FileSystem.retries", 1)
    artifacts._fs = fsspec.filesystem("s3", skip_instance_cache=True, **options)
    with pytest.raises(OSError, match=r"127\.0\.0\.1:9|does not answer"):
        artifacts.put(b"network")
