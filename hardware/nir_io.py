"""Networks to and from files of NIR, the Neuromorphic Intermediate Representation (Pedersen et al., 2024).

``hardware.nir_read`` and ``hardware.nir_write`` say what maps to what; ``docs/nir.md`` has it as a table.
"""

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from hardware.network import TrainedNetwork
from hardware.nir_read import DT_S, Reading, from_nir
from hardware.nir_write import Writing
from hardware.nir_write import to_nir as graph_of
from spikefront.errors import InputError

PROBE_S = 60
DAMAGE = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    AssertionError,
    IndexError,
    OverflowError,
    MemoryError,
    RuntimeError,
)


def save_nir(path: Path, network: TrainedNetwork, how: Writing | None = None) -> None:
    """Write ``network`` as a NIR graph, whole or not at all; its step goes into the graph's metadata.

    Raises:
        DesignError: where a layer has no equivalent in NIR.
        InputError: where nir is not installed, the file exists already or cannot be written.
    """
    path, content = Path(path), io.BytesIO()
    graph = to_nir(network, how)
    _nir().write(content, graph)
    if path.exists():
        raise InputError(f"There is something at {path} already; choose another path.")
    temporary = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        temporary.write_bytes(content.getvalue())
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise InputError(f"The NIR file {path} cannot be written ({error}); choose another path.") from None


def to_nir(network: TrainedNetwork, how: Writing | None = None) -> Any:
    """Return ``network`` as a ``nir.NIRGraph``, by default in steps of ``DT_S``.

    Raises:
        DesignError: where a layer has no equivalent in NIR.
        InputError: where nir is not installed.
    """
    return graph_of(_nir(), network, how or Writing(DT_S))


def load_nir(path: Path, how: Reading | None = None) -> TrainedNetwork:
    """Read a network from a NIR file.

    Raises:
        InputError: where nir is not installed, or the file is missing or no NIR graph.
        DesignError: naming the node that cannot be built, and why.
    """
    return from_nir(read_graph(path), how)


def read_graph(path: Path) -> Any:
    """Return the ``nir.NIRGraph`` of a file.

    Raises:
        InputError: where nir is not installed, or the file is missing or no NIR graph.
    """
    nir, path = _nir(), Path(path)
    if not path.is_file():
        raise InputError(f"There is no NIR file at {path}; check the path.")
    try:
        graph = nir.read(path, type_check=False)
    except DAMAGE as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{path} is no NIR graph that can be read ({reason}); export it again.") from None
    return graph


def probe(path: Path) -> None:
    """Read a file in a process of its own, for a damaged one can crash or hang the HDF5 library.

    Raises:
        InputError: where it does.
    """
    command = [sys.executable, "-c", "import sys, nir; nir.read(sys.argv[1], type_check=False)", str(path)]
    try:
        done = subprocess.run(command, check=False, capture_output=True, timeout=PROBE_S)  # noqa: S603
        broken = done.returncode < 0
    except subprocess.TimeoutExpired:
        broken = True
    if broken:
        raise InputError(f"{path} is damaged such that the HDF5 library fails on it; export it again.")


def _nir() -> Any:
    try:
        import nir
    except ImportError as error:
        raise InputError(f"NIR is not installed ({error}): pip install 'spikefront[nir]'.") from None
    return nir
