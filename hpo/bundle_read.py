"""Reading a campaign's file: checked whole before anything of it is stored."""

import errno
import hashlib
import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import error as ZlibError  # noqa: N812 - it is an exception

from hpo.bundle import CAMPAIGN, FORM, MANIFEST, NETWORKS, ROWS, Bundle, Member
from hpo.campaign import CampaignSpec
from hpo.home import Home
from hpo.store import transfer
from hpo.store.schema import is_older
from hpo.store.tables import SCHEMA_VERSION
from spikefront.errors import ConflictError, DataError, NotFoundError

MAX_LINE = 64 * 2**20
"""Bytes of one row, and of the manifest; far more than any row has."""
MAX_NETWORK = 2**31
_CHUNK = 2**20
_DIGEST = re.compile(r"[0-9a-f]{64}")
_BROKEN = (zipfile.BadZipFile, ZlibError, EOFError, NotImplementedError, KeyError, OSError)
"""What a damaged archive raises, wherever it is damaged."""


def read_bundle(home: Home, path: Path, name: str | None = None) -> Bundle:
    """Take the campaign in the file ``path`` into the home's store, as ``name`` where one is given.

    Nothing that is there is changed. The campaign is as it was when the file was written; where it was
    running, it can be resumed like one whose driver was killed.

    Raises:
        NotFoundError: there is no such file.
        DataError: it is damaged, or no campaign's file.
        ConflictError: a newer Spikefront wrote it, or there is a campaign of that name.
        SpecError: this Spikefront does not know its specification.
    """
    if not path.is_file():
        raise NotFoundError(f"There is no file {path}; name one that 'spikefront db export' wrote.")
    try:
        with zipfile.ZipFile(path) as archive:
            return _Reader(archive, path).into(home, name)
    except _BROKEN as error:
        if isinstance(error, OSError) and error.errno != errno.EINVAL:  # which a seek to nowhere gives
            raise
        raise _damaged(path, str(error) or type(error).__name__) from error


def _damaged(path: Path, why: str) -> DataError:
    return DataError(f"The file {path} is damaged or no campaign's ({why:.200}); export the campaign again.")


@dataclass(frozen=True)
class _Reader:
    archive: zipfile.ZipFile
    path: Path

    def into(self, home: Home, name: str | None) -> Bundle:
        manifest, members = self._manifest()
        digests = self._networks()
        for member, expected in members.items():
            self._check(member, expected)
        campaign = next(iter(_Rows(self, CAMPAIGN)))
        if not isinstance(campaign.get("spec"), dict):
            raise _damaged(self.path, "it has no specification")
        came_from = str(campaign["name"])
        named = name or came_from
        campaign = {**campaign, "name": named, "spec": {**campaign["spec"], "name": named}}
        CampaignSpec.from_mapping(campaign["spec"])
        home.open().close()  # makes home and tables on first use
        for digest in digests:
            self._keep(home, digest)
        rows = {kind: _Rows(self, member) for kind, member in ROWS.items()}
        transfer.insert_campaign(home.store_url, campaign, rows, came_from)
        counts = {kind: members[member].rows for kind, member in ROWS.items()}
        return Bundle(named, counts, len(digests), int(manifest["missing_networks"]))

    def _manifest(self) -> tuple[dict[str, Any], dict[str, Member]]:
        with self.archive.open(MANIFEST) as file:
            text = file.read(MAX_LINE)
        try:
            found = json.loads(text)
            form, tables = int(found["form"]), str(found["tables"])
            self._check_age(form, tables)
            members = {name: Member(**member) for name, member in found["members"].items()}
            networks = int(found["networks"])
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            raise _damaged(self.path, f"its manifest says {error}") from error
        if set(members) != {CAMPAIGN, *ROWS.values()} or networks != len(self._networks()):
            raise _damaged(self.path, "its members are not those of its manifest")
        return found, members

    def _check_age(self, form: int, tables: str) -> None:
        if form > FORM or not (tables == SCHEMA_VERSION or is_older(tables)):
            raise ConflictError(
                f"The file {self.path} is of form {form} with tables of version {tables}, newer than this "
                f"Spikefront's {FORM} and {SCHEMA_VERSION}; use the Spikefront that wrote it, or a newer one."
            )

    def _networks(self) -> list[str]:
        """The networks in the archive; DataError when something else is there."""
        others = [
            name for name in self.archive.namelist() if name not in {MANIFEST, CAMPAIGN, *ROWS.values()}
        ]
        digests = [name.removeprefix(NETWORKS) for name in others]
        strange = [o for o, d in zip(others, digests, strict=True) if o == d or not _DIGEST.fullmatch(d)]
        if strange or len(set(others)) < len(others):
            raise _damaged(self.path, f"it holds {(strange or others)[0]!r:.80}")
        return digests

    def _check(self, member: str, expected: Member) -> None:
        """Read a member once, for its sum; DataError when that or its number of lines is another."""
        digest, lines = hashlib.sha256(), 0
        with self.archive.open(member) as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                lines += chunk.count(b"\n")
        if Member(digest.hexdigest(), lines) != expected:
            raise _damaged(self.path, f"{member} is not what its manifest says")

    def _keep(self, home: Home, digest: str) -> None:
        if self.archive.getinfo(NETWORKS + digest).file_size > MAX_NETWORK:
            raise _damaged(self.path, f"network {digest[:12]} is too large")
        content = self.archive.read(NETWORKS + digest)
        if hashlib.sha256(content).hexdigest() != digest:
            raise _damaged(self.path, f"network {digest[:12]} is not the bytes that its name says")
        home.artifacts.put(content)


@dataclass(frozen=True)
class _Rows:
    """The rows of one member, read anew each time."""

    reader: _Reader
    member: str

    def __iter__(self) -> Iterator[transfer.Values]:
        with self.reader.archive.open(self.member) as file:
            while line := file.readline(MAX_LINE):
                yield self._row(line)

    def _row(self, line: bytes) -> transfer.Values:
        try:
            row = json.loads(line)
        except ValueError as error:
            raise _damaged(self.reader.path, f"{self.member} has a line that is no JSON") from error
        if not isinstance(row, dict):
            raise _damaged(self.reader.path, f"{self.member} has a line that is no row")
        return row
