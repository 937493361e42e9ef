"""The manifest of an exported design: what the folder holds, sealed by checksums that are checked on reading.

The checksums find damage and edits; they prove nothing about who wrote the folder.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spikefront.errors import InputError

FILE = "manifest.json"
MAX_BYTES = 16_000_000


def sealed(manifest: Mapping[str, Any]) -> str:
    """Return ``manifest`` as JSON text with the checksum of its own content under ``checksum``."""
    return json.dumps({**manifest, "checksum": _checksum(manifest)}, indent=2) + "\n"


def digest(text: str) -> str:
    """Return the SHA-256 of a file's text, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of an exported ``folder`` after checking it and every file that it names.

    Raises:
        InputError: where it is missing or was edited, or a file that it names is. Other files, such as those
            of a simulator that was run there, are passed over.
    """
    manifest = _load(folder / FILE)
    found = {path.name for path in folder.iterdir() if path.is_file()} - {FILE}
    for name, expected in manifest["sha256"].items():
        if name not in found:
            raise InputError(f"{folder} lacks {name}, which its manifest names; export the design again.")
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != expected:
            raise InputError(f"{folder / name} is not the file that was exported; export the design again.")
    return manifest


def _load(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"it is larger than {MAX_BYTES} bytes")
        manifest = json.loads(path.read_text(encoding="utf-8"))
        checksum = manifest.pop("checksum")
        names = list(manifest["sha256"].keys())
    except FileNotFoundError:
        raise InputError(f"There is no {path}; give the folder of an exported design.") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{path} is no manifest of a design ({error}); export the design again.") from None
    if checksum != _checksum(manifest) or any(Path(name).name != name for name in names):
        raise InputError(f"{path} was changed after the export; export the design again.")
    return dict(manifest)


def _checksum(manifest: Mapping[str, Any]) -> str:
    return digest(json.dumps(manifest, sort_keys=True, separators=(",", ":")))
