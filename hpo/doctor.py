"""``spikefront doctor``: what is installed, what device there is, what is missing."""

import importlib.metadata
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hpo.home import Home
from spikefront.errors import SpikefrontError

LIBRARIES = ("torch", "botorch", "ray", "pyrtl", "sqlalchemy", "pydantic", "plotly", "matplotlib")
OPTIONAL_LIBRARIES = {"fastapi": "service", "uvicorn": "service", "psycopg": "service", "nir": "nir"}
"""Libraries that an extra of the distribution installs."""
PROGRAMS = {
    "iverilog": "runs exported test benches (Debian: iverilog)",
    "verilator": "runs them faster (Debian: verilator)",
    "yosys": "synthesises exported designs (Debian: yosys)",
    "nextpnr-ice40": "places and routes them for iCE40 (Debian: nextpnr-ice40)",
}


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's report; ``needed`` things that are missing make the command fail."""

    what: str
    found: bool
    needed: bool
    detail: str


def findings(home: Home, data_root: str | None) -> Iterator[Finding]:
    """Everything looked at, in order."""
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding("Python", sys.version_info >= (3, 11), True, f"{version} (3.11 or newer is needed)")
    for library in LIBRARIES:
        yield _library(library)
    for library, extra in OPTIONAL_LIBRARIES.items():
        yield _library(library, extra)
    yield _device()
    yield _scan()
    yield Finding("processor cores", True, True, str(len(os.sched_getaffinity(0))))
    for program, purpose in PROGRAMS.items():
        path = shutil.which(program)
        yield Finding(program, path is not None, False, path or purpose)
    yield _store(home)
    yield _data(data_root)


def _library(name: str, extra: str | None = None) -> Finding:
    try:
        return Finding(name, True, extra is None, importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        wanted = f"'spikefront[{extra}]'" if extra else "spikefront"
        return Finding(name, False, extra is None, f"not installed: pip install {wanted}")


def _device() -> Finding:
    import torch

    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(k) for k in range(torch.cuda.device_count())]
        return Finding("GPU", True, False, ", ".join(names))
    return Finding("GPU", False, False, "none; trials train on the CPU")


def _scan() -> Finding:
    from models.kernel_choice import chosen

    try:
        choice = chosen()
    except SpikefrontError as error:
        return Finding("compiled scan", False, True, str(error))
    found = choice.kernel is not None
    return Finding(
        "compiled scan", found, False, choice.reason if found else f"{choice.reason}; PyTorch scans"
    )


def _store(home: Home) -> Finding:
    if home.store_url.startswith("sqlite") and not home.path.exists():
        return Finding("store", True, True, f"{home.path} will be made by the first run")
    try:
        store = home.open_existing()
        count = store.campaign_count()
        store.close()
    except SpikefrontError as error:
        return Finding("store", False, True, str(error))
    return Finding("store", True, True, f"{home.path}: campaigns: {count}")


def _data(root: str | None) -> Finding:
    if root is None:
        return Finding("data folder", False, False, "none set (--data or SPIKEFRONT_DATA); digits need none")
    return Finding("data folder", Path(root).is_dir(), True, root)
