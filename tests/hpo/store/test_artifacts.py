"""What only a folder of files does; the rest is in ``test_artifact_places``."""

import errno
import os
from pathlib import Path

import pytest

from hpo.store.artifacts import ArtifactFolder
from spikefront.errors import DataError


@pytest.fixture
def folder(tmp_path: Path) -> ArtifactFolder:
    return ArtifactFolder(tmp_path / "home" / "artifacts")


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


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="needs symbolic links")
def test_a_link_to_other_bytes_is_refused(folder: ArtifactFolder, tmp_path: Path) -> None:
    digest = folder.put(b"network")
    (tmp_path / "secret").write_bytes(b"secret")
    folder.path(digest).unlink()
    folder.path(digest).symlink_to(tmp_path / "secret")
    with pytest.raises(DataError):
        folder.get(digest)
