"""Artifacts in an object store, S3 above all, or any other place that fsspec reaches.

Names, checks and meanings are those of ``ArtifactFolder``. An object store shows an object whole or not at
all; in other places a file gets its name when it is whole.
"""

import hashlib
import secrets
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from hpo.store.artifacts import TEMPORARY, Collected, check_digest, is_artifact
from spikefront.errors import DataError, InputError, NotFoundError, ToolMissingError

OBJECT_STORES = frozenset({"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "memory"})
_TIMES = ("mtime", "LastModified", "last_modified", "updated", "created")
"""Where file systems of fsspec say when an object was written."""
_AWAY = ("Timeout", "ConnectionError", "ConnectionClosed", "HTTPClientError")
"""Parts of the names of botocore's errors that may pass; they are no OSErrors there."""


class RemoteArtifacts:
    """Content-addressed objects below a URL (``s3://BUCKET/PREFIX``); safe for many writers at once."""

    def __init__(self, url: str) -> None:
        """Nothing is asked of the place yet.

        Raises:
            InputError: there is no such kind of place.
            ToolMissingError: its Python package is not installed.
        """
        import fsspec

        try:
            self._fs, root = fsspec.core.url_to_fs(url)
        except ImportError as error:
            extra = "spikefront[s3]" if url.startswith(("s3:", "s3a:")) else url.split(":", 1)[0]
            msg = f"the artifacts' place needs another Python package ({error}): pip install '{extra}'"
            raise ToolMissingError(msg) from error
        except ValueError as error:
            raise InputError(
                f"artifacts cannot be kept at {url.split(':', 1)[0]}:... ({error}): use a folder or s3://BUCKET"
            ) from error
        self._root = root.rstrip("/")
        self.where = str(self._fs.unstrip_protocol(self._root))
        protocols = self._fs.protocol
        names = {protocols} if isinstance(protocols, str) else set(protocols)
        self._whole_at_once = bool(names & OBJECT_STORES)

    def check(self) -> None:
        """Write and remove a small object, so that a place that cannot be used is found before a training.

        Raises:
            InputError: the place cannot be written; the sentence says why.
        """
        path = f"{self._root}/{TEMPORARY}{secrets.token_hex(8)}"
        try:
            with self._asked():
                if not self._whole_at_once:  # there, it would make a bucket
                    self._fs.makedirs(self._root, exist_ok=True)
                self._fs.pipe_file(path, b"spikefront")
                self._fs.rm_file(path)
        except OSError as error:
            raise self._unusable(error) from error

    def put(self, data: bytes) -> str:
        """Write ``data`` and return its sha256 in hex; what lies there already is written again.

        So a damaged object is mended, and ``collect`` finds it young.
        """
        digest = hashlib.sha256(data).hexdigest()
        path = self._path(digest)
        with self._asked():
            if self._whole_at_once:
                self._fs.pipe_file(path, data)
            else:
                self._write_and_name(path, data)
        return digest

    def get(self, digest: str) -> bytes:
        """Return the bytes named ``digest``.

        Raises:
            InputError: ``digest`` is no sha256 in lower-case hex, or the place cannot be used.
            NotFoundError: there is no such object.
            DataError: its bytes are not those that were written.
        """
        path = self._path(digest)
        try:
            with self._asked():
                data = bytes(self._fs.cat_file(path))
        except FileNotFoundError as error:
            msg = f"There is no artifact {digest} in {self.where}; train its trial again."
            raise NotFoundError(msg) from error
        if hashlib.sha256(data).hexdigest() != digest:
            msg = f"The artifact {self.where}/{digest[:2]}/{digest} is damaged; delete it and train again."
            raise DataError(msg)
        return data

    def collect(self, named: Collection[str], before: float) -> Collected:
        """See ``ArtifactFolder.collect``."""
        with self._asked():
            self._fs.invalidate_cache()
            found = self._fs.find(self._root, detail=True) if self._fs.exists(self._root) else {}
            ours = {path: info for path, info in found.items() if is_artifact(*path.rsplit("/", 2)[-2:])}
            removed = [
                path
                for path, info in ours.items()
                if path.rsplit("/", 1)[1] not in named and self._written(path, info) < before
            ]
            for path in removed:
                self._fs.rm_file(path)
        missing = set(named) - {path.rsplit("/", 1)[1] for path in ours}
        size = sum(int(ours[path]["size"]) for path in removed)
        return Collected(len(removed), size, len(ours) - len(removed), len(missing))

    def _path(self, digest: str) -> str:
        check_digest(digest)
        return f"{self._root}/{digest[:2]}/{digest}"

    def _write_and_name(self, path: str, data: bytes) -> None:
        folder = path.rsplit("/", 1)[0]
        temporary = f"{folder}/{TEMPORARY}{secrets.token_hex(8)}"
        self._fs.makedirs(folder, exist_ok=True)
        try:
            self._fs.pipe_file(temporary, data)
            self._fs.mv(temporary, path)
        except BaseException:
            if self._fs.exists(temporary):
                self._fs.rm_file(temporary)
            raise

    def _written(self, path: str, info: dict[str, Any]) -> float:
        """When an object was written, as POSIX time."""
        moment = next((info[key] for key in _TIMES if info.get(key) is not None), None)
        moment = self._fs.modified(path) if moment is None else moment
        return moment.timestamp() if isinstance(moment, datetime) else float(moment)

    @contextmanager
    def _asked(self) -> Iterator[None]:
        """What comes from the place's own package as an OSError where it may pass, else as a sentence."""
        try:
            yield
        except OSError:
            raise
        except Exception as error:
            if any(part in type(error).__name__ for part in _AWAY):
                raise ConnectionError(f"{self.where} does not answer ({_first_line(error)})") from error
            raise self._unusable(error) from error

    def _unusable(self, error: Exception) -> InputError:
        return InputError(
            f"artifacts cannot be kept at {self.where} ({_first_line(error)}): check SPIKEFRONT_ARTIFACTS "
            "and the credentials for that place"
        )


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
