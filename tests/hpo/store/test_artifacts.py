"""The artifact folder gives back the bytes it was given, or says that it cannot."""

import errno
import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpo.store.artifacts import ArtifactFolder
from spikefront.errors import DataError, InputError, NotFoundError


@pytest.fixture
def folder(tmp_path: Path) -> ArtifactFolder:
    return ArtifactFolder(tmp_path / "home" / "artifacts")


@given(data=st.binary(max_size=200))
def test_bytes_come_back_under_their_sha256(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = ArtifactFolder(tmp_path_factory.getbasetemp() / "shared")
    digest = folder.put(data)
    assert digest == hashlib.sha256(data).hexdigest()
    assert folder.get(digest) == data


def test_the_same_bytes_are_written_once(folder: ArtifactFolder) -> None:
    path = folder.path(folder.put(b"network"))
    inode = path.stat().st_ino
    folder.put(b"network")
    assert path.stat().st_ino == inode


def test_no_temporary_file_stays_behind(folder: ArtifactFolder, tmp_path: Path) -> None:
    digest = folder.put(b"network")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [digest]


def test_a_failed_write_leaves_nothing(
    folder: ArtifactFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_space(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(OSError, match="No space"):
        folder.put(b"network")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("damage", [b"", b"networ", b"network!", b"Network"])
def test_damaged_bytes_are_refused_and_mended_by_the_next_write(
    folder: ArtifactFolder, damage: bytes
) -> None:
    digest = folder.put(b"network")
    folder.path(digest).write_bytes(damage)
    with pytest.raises(DataError, match=f"{digest} is damaged"):
        folder.get(digest)
    assert folder.put(b"network") == digest
    assert folder.get(digest) == b"network"


def test_a_missing_artifact_is_not_found(folder: ArtifactFolder) -> None:
    with pytest.raises(NotFoundError, match="train its trial again"):
        folder.get("0" * 64)


@pytest.mark.parametrize(
    "name",
    ["", "..", "../../etc/passwd", "/etc/passwd", "A" * 64, "0" * 63, "0" * 65, "0" * 64 + "\n", "\0" * 64],
)
def test_a_name_that_is_no_digest_is_refused(folder: ArtifactFolder, name: str) -> None:
    for verb in (folder.get, folder.path):
        with pytest.raises(InputError, match="names no artifact"):
            verb(name)


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="needs symbolic links")
def test_a_link_to_other_bytes_is_refused(folder: ArtifactFolder, tmp_path: Path) -> None:
    digest = folder.put(b"network")
    (tmp_path / "secret").write_bytes(b"secret")
    folder.path(digest).unlink()
    folder.path(digest).symlink_to(tmp_path / "secret")
    with pytest.raises(DataError):
        folder.get(digest)
