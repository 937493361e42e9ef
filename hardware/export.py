"""A design as a folder: Verilog, weight memories, a self-checking bench, a manifest and a page to read.

The folder appears whole or not at all, and only after the RTL was simulated against the integer reference.
"""

import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardware import design_page
from hardware.constraints import constraints
from hardware.cost import DesignCost
from hardware.devices import Device, area_on, require_fit
from hardware.integer import IntegerNetwork
from hardware.manifest import FILE, digest, sealed
from hardware.resources import resources
from hardware.simulate import CheckReport, check
from hardware.testbench import Testbench, testbench
from hardware.verilog import module_name, verilog
from spikefront.errors import InputError

FORMAT = 1


@dataclass(frozen=True)
class Export:
    """What was written: the folder, its files with their SHA-256, and how much the simulation compared."""

    folder: Path
    files: dict[str, str]
    checked: CheckReport


def export(  # noqa: PLR0913  # the last two are by name
    folder: Path,
    net: IntegerNetwork,
    name: str,
    inputs: NDArray[np.unsignedinteger],
    labels: NDArray[np.integer],
    *,
    cost: DesignCost,
    target: Device | None = None,
) -> Export:
    """Write the design ``net`` to ``folder``, a new or empty one.

    Args:
        folder: where to; its parent is created if need be.
        net: the network on its accelerator.
        name: module name; letters, digits, hyphen and underscore.
        inputs: samples to simulate now and in the exported bench, as ``hardware.reference.run`` takes them; a
            handful is enough.
        labels: their classes (N,).
        cost: the design's price, for the manifest and the page.
        target: the device to write constraints for; the design must fit it.

    Raises:
        DesignError: where the design does not fit ``target``.
        InputError: where the name or the folder cannot be used, or the samples do not fit.
        MismatchError: where the RTL and the reference disagree; then nothing is written.
    """
    folder, name = Path(folder), module_name(name)
    _check_free(folder)
    if len(labels) != len(inputs):
        raise InputError(f"There are {len(labels)} labels for {len(inputs)} samples; give one per sample.")
    if target:
        require_fit(target, area_on(target, resources(net)))
    checked = check(net, inputs)
    design, bench = verilog(net, name), testbench(net, name, inputs)
    files = {f"{name}.v": design.module, f"tb_{name}.v": bench.text, **design.memories, **bench.files}
    if target:
        files |= constraints(target, net, name)
    files["README.md"] = design_page.page(net, name, cost, len(inputs), sorted(files), target=target)
    digests = {file: digest(text) for file, text in files.items()}
    manifest = {
        **_manifest(net, name, cost),
        "device": target.name if target else None,
        "samples": _samples(bench, np.asarray(labels)),
        "sha256": digests,
    }
    files[FILE] = sealed(manifest)
    _publish(folder, files)
    return Export(folder, digests, checked)


def _check_free(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"The folder {folder} exists and is not empty; choose another or empty it.")


def _manifest(net: IntegerNetwork, name: str, cost: DesignCost) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "name": name,
        "network": {
            "sizes": list(net.sizes),
            "time_steps": net.time_steps,
            "encoding": net.encoding,
            "readout": net.readout,
            "population": net.population,
            "layers": [_layer(net, k) for k in range(len(net.layers))],
        },
        "accelerator": net.config.as_dict(),
        "cost": cost.as_dict(),
        "versions": {package: version(package) for package in ("spikefront", "pyrtl", "numpy")},
    }


def _samples(bench: Testbench, labels: NDArray[np.integer]) -> list[dict[str, int]]:
    return [
        {"label": int(label), "class": found, "cycles": cycles}
        for label, found, cycles in zip(labels, bench.predicted, bench.cycles, strict=True)
    ]


def _layer(net: IntegerNetwork, index: int) -> dict[str, Any]:
    layer = net.layers[index]
    return {
        "neurons": layer.n_out,
        "lanes": net.lanes[index],
        "groups": net.groups[index],
        "threshold": layer.threshold,
        "leak": layer.leak,
        "beta": layer.beta,
        "reset": layer.reset,
        "reset_value": layer.reset_value,
        "refractory_steps": layer.refractory_steps,
        "synapse_leak": layer.synapse_leak,
        "convolution": None if layer.convolution is None else asdict(layer.convolution),
        "bias": None if layer.bias is None else layer.bias.tolist(),
        "accumulator_bits": layer.accumulator_bits,
        "membrane_lsb": layer.scale,
    }


def _publish(folder: Path, files: Mapping[str, str]) -> None:
    """Write ``files`` beside ``folder``, then rename: a reader never sees half a design."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise InputError(f"The folder {folder} cannot be written ({error}); choose another.") from error
    try:
        for name, text in files.items():
            (temporary / name).write_text(text, encoding="utf-8")
        temporary.chmod(0o755)
        os.replace(temporary, folder)
    except OSError as error:
        raise InputError(f"The folder {folder} cannot be written ({error}); choose another.") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
