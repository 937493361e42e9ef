"""Fetching data sets on demand: never by a trial, only where somebody asks for it.

``pooch`` moves a file to its place only when its checksum is right; what has arrived of an interrupted file
is kept as ``HASH-NAME.part``, and the next call goes on behind it.
"""

import hashlib
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.datasets import cifar10, nmnist, shd, svhn
from models.datasets.mnist import FASHION_MNIST, MNIST, IdxSource
from spikefront.errors import DataError, SpikefrontError, ToolMissingError

_CHUNK_BYTES = 1 << 18
_TIMEOUT_S = 30.0
_MENDELEY = "https://data.mendeley.com/public-files/datasets/468j46mzdv/files"


@dataclass(frozen=True)
class Remote:
    """One file of a data set.

    Attributes:
        url: where it is.
        checksum: "sha256:..." or "md5:..." as published.
        path: its place below the data folder.
        member: file of a .zip that is unpacked beside it; "" for none.
    """

    url: str
    checksum: str
    path: str
    member: str = ""


def _idx(source: IdxSource, base: str) -> tuple[Remote, ...]:
    return tuple(
        Remote(f"{base}/{file.name}.gz", f"sha256:{file.sha256}", f"{source.folder}/raw/{file.name}.gz")
        for file in source.files
    )


REMOTES: dict[str, tuple[Remote, ...]] = {
    "mnist": _idx(MNIST, "https://ossci-datasets.s3.amazonaws.com/mnist"),
    "fashion-mnist": _idx(FASHION_MNIST, "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com"),
    "cifar10": (Remote(cifar10.URL, f"md5:{cifar10.MD5}", f"CIFAR10/{cifar10.ARCHIVE}"),),
    "svhn": tuple(
        Remote(f"{svhn.URL}/{name}", f"md5:{md5}", f"SVHN/{name}") for name, md5 in svhn.FILES.items()
    ),
    "nmnist": (
        Remote(
            f"{_MENDELEY}/39c25547-014b-4137-a934-9d29fa53c7a0/file_downloaded",
            f"md5:{nmnist.MD5['Train']}",
            "NMNIST/Train.zip",
        ),
        Remote(
            f"{_MENDELEY}/05a4d654-7e03-4c15-bdfa-9bb2bcbea494/file_downloaded",
            f"md5:{nmnist.MD5['Test']}",
            "NMNIST/Test.zip",
        ),
    ),
    "shd": tuple(
        Remote(f"{shd.URL}/shd_{side}.h5.zip", f"md5:{md5}", f"SHD/shd_{side}.h5.zip", f"shd_{side}.h5")
        for side, md5 in shd.MD5.items()
    ),
}
"""Sets with a public address and a published checksum; the others' sources are in docs/datasets.md."""


def download(name: str, root: Path | str, remotes: dict[str, tuple[Remote, ...]] = REMOTES) -> list[Path]:
    """Fetch the files of a data set that are not there yet; returns all their paths.

    Args:
        name: one of ``REMOTES``.
        root: data folder; made where it is missing.
        remotes: what can be fetched.

    Raises:
        DataError: the set cannot be fetched like this, or a file arrived with another checksum.
        SpikefrontError: no connection, or the server refused.
        ToolMissingError: pooch is not installed.
    """
    if name not in remotes:
        raise DataError(
            f"the data set {name!r} has no public address with a checksum; get it as docs/datasets.md says,"
            f" or choose one of {', '.join(sorted(remotes))}"
        )
    paths = [_fetch(remote, Path(root)) for remote in remotes[name]]
    for remote, path in zip(remotes[name], paths, strict=True):
        if remote.member:
            _unpack(path, remote.member)
    return paths


def _fetch(remote: Remote, root: Path) -> Path:
    """One file, checked."""
    try:
        import pooch
        import requests
    except ImportError as error:
        raise ToolMissingError("downloads need the package pooch; pip install pooch") from error
    place = root / remote.path
    pooch.get_logger().setLevel("WARNING")
    try:
        return Path(pooch.retrieve(remote.url, remote.checksum, place.name, place.parent, downloader=resume))
    except requests.exceptions.RequestException as error:
        raise SpikefrontError(
            f"cannot fetch {remote.url} ({type(error).__name__}); try again, which goes on where it stopped,"
            f" or put the file ({remote.checksum}) at {place} yourself"
        ) from error
    except ValueError as error:
        raise DataError(
            f"{remote.url} does not have the published checksum {remote.checksum}; get the file elsewhere and"
            f" put it at {place}"
        ) from error


def resume(url: str, output_file: str | os.PathLike[str], _pooch: Any = None, **_: Any) -> None:
    """Pooch's downloader that goes on behind an earlier part, which lies beside the output file."""
    import requests

    part = Path(output_file).parent / f"{_short(url)}.part"
    had = part.stat().st_size if part.exists() else 0
    headers = {"Range": f"bytes={had}-"} if had else {}
    with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT_S) as reply:
        if reply.status_code != requests.codes.range_not_satisfiable:  # else it was whole already
            reply.raise_for_status()
            goes_on = reply.status_code == requests.codes.partial_content
            with part.open("ab" if goes_on else "wb") as file:
                for chunk in reply.iter_content(_CHUNK_BYTES):
                    file.write(chunk)
    part.replace(output_file)


def _short(url: str) -> str:
    """A file name that belongs to a URL alone."""
    return f"{hashlib.sha256(url.encode()).hexdigest()[:12]}-{url.rsplit('/', 1)[-1]}"


def _unpack(path: Path, member: str) -> None:
    """One file of an archive, beside it."""
    target = path.with_name(member)
    if target.exists():
        return
    try:
        with zipfile.ZipFile(path) as archive:
            content = archive.read(member)
    except (zipfile.BadZipFile, KeyError) as error:
        raise DataError(f"{path} does not hold {member} ({error}); remove it and fetch it again") from error
    part = target.with_suffix(".part")
    part.write_bytes(content)
    part.replace(target)
