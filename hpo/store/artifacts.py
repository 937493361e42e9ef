"""Files named by their content: trained networks. In a folder here, elsewhere in ``hpo.store.remote``.

The name of a file is the sha256 of its bytes, so a name from anywhere can neither leave the folder nor stand
for other bytes than those that were written.
"""

import hashlib
import os
import re
import tempfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from spikefront.errors import DataError, InputError, NotFoundError

TEMPORARY = ".new-"
"""Names of what is being written begin so."""
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Collected:
    """What ``ArtifactFolder.collect`` did: files removed, their bytes, files kept, names without one."""

    removed: int
    removed_bytes: int
    kept: int
    missing: int


class Artifacts(Protocol):
    """A place for artifacts; one suite of tests holds all kinds."""

    where: str
    """The place as it may be shown."""

    def check(self) -> None:
        """Raise InputError when the place cannot be written."""

    def put(self, data: bytes) -> str:
        """Keep ``data``, whole or not at all, and return its sha256 in hex."""

    def get(self, digest: str) -> bytes:
        """Return the bytes of that sha256; InputError, NotFoundError or DataError where there are none."""

    def collect(self, named: Collection[str], before: float) -> Collected:
        """Remove what is not in ``named`` and was last written ``before``, a POSIX time."""


class ArtifactFolder:
    """Content-addressed files under one folder, created when missing; safe for many writers at once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.where = str(root)
        root.mkdir(parents=True, exist_ok=True)

    def check(self) -> None:
        """The folder was made and can be written; what fails later fails with the disk."""
        if not os.access(self._root, os.W_OK):
            raise InputError(f"the folder {self._root} cannot be written: mend that, or name another place")

    def put(self, data: bytes) -> str:
        """Write ``data`` durably, once, and return its sha256 in hex."""
        digest = hashlib.sha256(data).hexdigest()
        path = self.path(digest)
        # What lies there already is trusted only after a look: a damaged file is replaced.
        if path.is_file() and _digest_of(path) == digest:
            os.utime(path)  # as young as if written now: ``collect`` leaves what a trial may be about to name
        else:
            path.parent.mkdir(exist_ok=True)
            _write_atomically(path, data)
        return digest

    def get(self, digest: str) -> bytes:
        """Return the bytes named ``digest``.

        Raises:
            InputError: ``digest`` is no sha256 in lower-case hex.
            NotFoundError: there is no such file.
            DataError: the file's bytes are not those that were written.
        """
        path = self.path(digest)
        try:
            data = path.read_bytes()
        except FileNotFoundError as error:
            raise NotFoundError(
                f"There is no artifact {digest} in {self._root}; train its trial again."
            ) from error
        if hashlib.sha256(data).hexdigest() != digest:
            raise DataError(f"The artifact {path} is damaged; delete it and train its trial again.")
        return data

    def collect(self, named: Collection[str], before: float) -> Collected:
        """Remove the files that are not in ``named`` and were last written ``before``, a POSIX time.

        What a writer that was killed left half written goes too; names that are no artifact's stay.
        """
        files = [path for path in self._root.glob("??/*") if is_artifact(path.parent.name, path.name)]
        removed = [path for path in files if path.name not in named and path.stat().st_mtime < before]
        size = sum(path.stat().st_size for path in removed)
        for path in removed:
            path.unlink(missing_ok=True)
        missing = set(named) - {path.name for path in files}
        return Collected(len(removed), size, len(files) - len(removed), len(missing))

    def path(self, digest: str) -> Path:
        """Where the file named ``digest`` lies or would lie; InputError when that is no sha256."""
        check_digest(digest)
        return self._root / digest[:2] / digest


def check_digest(digest: str) -> None:
    """Raise InputError when ``digest`` is no sha256 in lower-case hex."""
    if not _DIGEST.fullmatch(digest):
        raise InputError(f"{digest!r:.80} names no artifact; use a sha256 of 64 lower-case hex digits.")


def is_artifact(folder: str, name: str) -> bool:
    """Whether a file of that name in a folder of that name is an artifact, or one half written."""
    return name.startswith(TEMPORARY) or (bool(_DIGEST.fullmatch(name)) and name[:2] == folder)


def _digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_atomically(path: Path, data: bytes) -> None:
    handle, temporary = tempfile.mkstemp(prefix=TEMPORARY, dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    for folder in (path.parent, path.parent.parent):
        _sync_folder(folder)


def _sync_folder(folder: Path) -> None:
    # Without this a power cut may lose the new name although the bytes are on disk.
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
