"""Building the compiled scan: plain C, one call of the system's compiler, kept in the user's cache.

No headers of torch are needed (those take a minute to compile): the functions work on addresses of arrays.
"""

import ctypes
import hashlib
import os
import platform
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

SOURCE = Path(__file__).with_name("scan_kernel.c")
PRODUCTS = Path(__file__).with_name("product_kernel.c")
FLAGS = (
    *("-O3", "-march=native", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math"),
    *("-shared", "-fPIC"),
)
_COMPILERS = ("cc", "gcc", "clang")
_SECONDS = 120


class BuildError(Exception):
    """The kernel cannot be built or loaded here; the message says why."""


def load() -> ctypes.CDLL:
    """The compiled scan and products, built on first use.

    Raises:
        BuildError: no compiler, no folder for the cache, or the compiler fails.
    """
    compiler = _compiler()
    try:
        path = _cache_folder() / f"scan-{_key(compiler)}.so"
        if not path.exists():
            _compile(compiler, path)
        return ctypes.CDLL(str(path))
    except OSError as error:
        raise BuildError(f"the compiled scan cannot be kept or loaded: {error}") from error


def _compiler() -> str:
    wanted = os.environ.get("CC", "").split()
    for name in (*wanted[:1], *_COMPILERS):
        path = shutil.which(name)
        if path is not None:
            return os.path.realpath(path)
    raise BuildError("no C compiler was found (cc, gcc or clang)")


def _key(compiler: str) -> str:
    """What the result depends on: source, flags, compiler and processor."""
    seen = os.stat(compiler)
    parts = (compiler, str(seen.st_size), str(seen.st_mtime_ns), *FLAGS, platform.machine(), _processor())
    return hashlib.sha256(
        SOURCE.read_bytes() + PRODUCTS.read_bytes() + "\0".join(parts).encode()
    ).hexdigest()[:24]


def _processor() -> str:
    """The processor's instruction sets, as Linux tells them; its name elsewhere."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith(("flags", "Features"))), platform.processor())


def _cache_folder() -> Path:
    """The user's own cache folder; one that others may write to is not trusted with code."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(base) / "spikefront"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.stat()
    if found.st_uid != os.getuid() or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise BuildError(f"the cache folder {folder} belongs to or can be written by others")
    return folder


def _compile(compiler: str, path: Path) -> None:
    """Compile beside ``path`` and move the result there in one step, so that no process loads half of it."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        built = Path(folder) / path.name
        command = [compiler, *FLAGS, "-o", str(built), str(SOURCE), str(PRODUCTS)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)  # noqa: S603
        except (OSError, subprocess.TimeoutExpired) as error:
            raise BuildError(f"{compiler} could not be run: {error}") from error
        if done.returncode != 0:
            raise BuildError(f"{compiler} failed: {done.stderr.strip()[:500]}")
        os.replace(built, path)
