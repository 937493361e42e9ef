"""A whole campaign as one file: its form, and how it is written.

The file is a zip archive that any tool opens: ``campaign.json``, ``trials.jsonl``, ``designs.jsonl`` and
``events.jsonl`` with a row of the store on each line, ``networks/SHA256`` with the trained networks, and
``manifest.json`` with the form's version, the tables' version, and sha256 and number of rows of each member.
"""

import hashlib
import json
import os
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hpo.home import Home
from hpo.store import transfer
from hpo.store.tables import SCHEMA_VERSION
from spikefront import __version__
from spikefront.errors import ConflictError, InputError, NotFoundError

FORM = 1
"""Version of this form; a newer one is refused."""
MANIFEST, CAMPAIGN = "manifest.json", "campaign.json"
NETWORKS = "networks/"
ROWS = {kind: f"{kind}.jsonl" for kind in transfer.KINDS}
"""Member that holds the rows of each table."""


@dataclass(frozen=True)
class Member:
    """What the manifest says of one member: sha256 of its bytes, and how many rows it has."""

    sha256: str
    rows: int


@dataclass(frozen=True)
class Bundle:
    """What a file holds: a campaign's name, rows by table, networks, and how many of those were missing."""

    campaign: str
    rows: dict[str, int]
    networks: int
    missing: int


def write_bundle(home: Home, name: str, path: Path, networks: bool = True) -> Bundle:
    """Write the campaign ``name`` to the new file ``path``, as it is at one moment; its driver goes on.

    Rows are streamed, so that memory does not grow with trials. The file appears under its name when it is
    whole. ``networks`` leaves the trained networks out where it is false.

    Raises:
        NotFoundError: there is no such campaign.
        ConflictError: ``path`` exists.
        InputError: its folder does not.
        DataError: a trained network is damaged.
    """
    if path.exists():
        raise ConflictError(f"The file {path} exists already; name another one.")
    if not path.absolute().parent.is_dir():
        raise InputError(f"The file's folder {path.absolute().parent} does not exist; create it.")
    with _whole(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        members, digests = _write_rows(archive, home.store_url, name)
        missing = _write_networks(archive, home, sorted(digests)) if networks else len(digests)
        rows = {kind: members[member].rows for kind, member in ROWS.items()}
        written = Bundle(name, rows, len(digests) - missing, missing)
        archive.writestr(MANIFEST, json.dumps(_manifest(written, members), indent=2))
    return written


def _manifest(bundle: Bundle, members: dict[str, Member]) -> dict[str, Any]:
    return {
        "form": FORM,
        "tables": SCHEMA_VERSION,
        "spikefront": __version__,
        "written_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "campaign": bundle.campaign,
        "networks": bundle.networks,
        "missing_networks": bundle.missing,
        "members": {name: asdict(member) for name, member in members.items()},
    }


def _write_rows(archive: zipfile.ZipFile, url: str, name: str) -> tuple[dict[str, Member], set[str]]:
    """Write every row, of one moment; the members, and the networks that trials name."""
    digests: set[str] = set()

    def noted(rows: Iterator[transfer.Values]) -> Iterator[transfer.Values]:
        for row in rows:
            if row["artifact"] is not None:
                digests.add(row["artifact"])
            yield row

    with transfer.snapshot(url) as connection:
        members = {CAMPAIGN: _write_lines(archive, CAMPAIGN, [transfer.campaign_values(connection, name)])}
        for kind, member in ROWS.items():
            rows = transfer.rows(connection, kind, name)
            members[member] = _write_lines(archive, member, noted(rows) if kind == "trials" else rows)
    return members, digests


def _write_lines(archive: zipfile.ZipFile, member: str, rows: Iterable[transfer.Values]) -> Member:
    digest, count = hashlib.sha256(), 0
    with archive.open(member, "w", force_zip64=True) as file:
        for row in rows:
            line = json.dumps(row, separators=(",", ":"), allow_nan=False).encode() + b"\n"
            file.write(line)
            digest.update(line)
            count += 1
    return Member(digest.hexdigest(), count)


def _write_networks(archive: zipfile.ZipFile, home: Home, digests: Iterable[str]) -> int:
    """Write what there is of the networks, stored as they are; how many are missing."""
    missing, artifacts = 0, home.artifacts
    for digest in digests:
        try:
            content = artifacts.get(digest)
        except NotFoundError:
            missing += 1
            continue
        archive.writestr(NETWORKS + digest, content, zipfile.ZIP_STORED)
    return missing


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """A file beside ``path`` that takes its name when all went well, and is gone when not."""
    handle, name = tempfile.mkstemp(prefix=".export-", dir=path.absolute().parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        os.link(temporary, path)  # unlike a rename this never replaces what came there meanwhile
    except FileExistsError:
        raise ConflictError(f"The file {path} exists already; name another one.") from None
    finally:
        temporary.unlink(missing_ok=True)
