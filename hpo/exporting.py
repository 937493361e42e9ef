"""``spikefront export`` and ``spikefront verify``: a stored design as checked Verilog, or as NIR."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpo.home import Home
from hpo.store import Store
from spikefront.errors import InputError

MODULE_NAME_LENGTH = 48

if TYPE_CHECKING:
    from hardware.cost import DesignCost
    from hardware.integer import IntegerNetwork
    from hardware.network import AcceleratorConfig
    from hardware.record_io import NetworkRecord
    from hpo.store.records import DesignRecord


@dataclass(frozen=True, eq=False)
class StoredDesign:
    """A design of a campaign with the validation samples that were kept with its network."""

    name: str
    net: "IntegerNetwork"
    inputs: Any
    labels: Any
    cost: "DesignCost"


def stored_design(store: Store, home: Home, name: str, design: str, samples: int) -> StoredDesign:
    """Load a design and at most ``samples`` of its kept samples.

    Raises:
        NotFoundError: no such campaign or design.
        InputError: its trial kept no network.
    """
    from hardware.quantize import quantize, quantize_inputs
    from workers.designs import cost_of

    found = store.design(name, design)
    record, config = _trained(store, home, name, found)
    inputs = record.inputs[:samples]
    if record.network.encoding == "direct":
        inputs = quantize_inputs(inputs, config.input_bits)
    cost = cost_of(found.measures, found.details, found.config)
    net = quantize(record.network, config)
    return StoredDesign(_module_name(f"{name}_{design}"), net, inputs, record.labels[:samples], cost)


def _trained(
    store: Store, home: Home, name: str, found: "DesignRecord"
) -> "tuple[NetworkRecord, AcceleratorConfig]":
    """Return the trained network of a design, with its kept samples, and its accelerator."""
    from hardware.network import AcceleratorConfig
    from hardware.record_io import from_bytes

    artifact = store.trial(name, found.trial).artifact
    if artifact is None:
        raise InputError(f"trial {found.trial} kept no network: choose a design of a complete trial")
    record = from_bytes(home.artifacts.get(artifact))
    return record, AcceleratorConfig(**{**found.config, "lanes": tuple(found.config["lanes"])})


def _module_name(name: str) -> str:
    """A Verilog identifier for any campaign's design; of a long name the end, which tells designs apart."""
    return "snn_" + re.sub(r"[^A-Za-z0-9_]", "_", name)[-MODULE_NAME_LENGTH:]


def export_design(  # noqa: PLR0913  # the last two are by name
    store: Store,
    home: Home,
    name: str,
    design: str,
    folder: Path,
    *,
    samples: int,
    device: str | None = None,
) -> list[str]:
    """Check a design in simulation on real validation samples and write its folder; lines for the user.

    Raises:
        NotFoundError: no such campaign or design.
        MismatchError: RTL and integer reference disagree; nothing is written.
        InputError: the folder exists and is not empty, or the device is unknown or too small.
    """
    from hardware.devices import device as device_of
    from hardware.export import export

    target = device_of(device) if device else None
    stored = stored_design(store, home, name, design, samples)
    net, inputs, labels = stored.net, stored.inputs, stored.labels
    written = export(folder, net, stored.name, inputs, labels, cost=stored.cost, target=target)
    return [
        f"simulated {len(stored.inputs)} samples: spikes of every layer and cycles equal the integer "
        "reference",
        f"wrote {written.folder}: {', '.join(sorted(written.files))}",
    ]


def export_nir(
    store: Store, home: Home, name: str, design: str, path: Path, *, dt_s: float | None = None
) -> list[str]:
    """Write a design's trained network, with its accelerator as a mark, as a NIR file; lines for the user.

    Raises:
        NotFoundError: no such campaign or design.
        DesignError: a layer has no equivalent in NIR; nothing is written.
        InputError: nir is not installed, or the file exists or cannot be written.
    """
    from hardware.nir_io import save_nir
    from hardware.nir_read import DT_S
    from hardware.nir_write import Writing

    record, config = _trained(store, home, name, store.design(name, design))
    save_nir(path, record.network, Writing(DT_S if dt_s is None else dt_s, config))
    layers = record.network.layers
    lines = [f"wrote {path}: {len(layers)} layers, weights as trained, not rounded to the accelerator's bits"]
    if any(layer.reset == "subtract" for layer in layers):
        lines.append(
            "its neurons reset by subtraction, which NIR leaves to the reader: marked for Spikefront, choose "
            "it by hand in other tools"
        )
    return lines


@dataclass(frozen=True)
class Verification:
    """What ``spikefront verify`` compares: how many samples, with which tools, and an exported folder."""

    samples: int
    tools: Sequence[str] = ()
    folder: Path | None = None


def verify_design(store: Store, home: Home, name: str, design: str, asked: Verification) -> Iterator[str]:
    """Compare a design's integer reference with its RTL and its Verilog; lines for the user as they come.

    Raises:
        NotFoundError: no such campaign or design.
        InputError: an unknown tool, or a folder that is not this design's.
        ToolMissingError: a tool was asked for that is not installed.
        MismatchError: at the first difference.
    """
    from hardware.verify import verify

    stored = stored_design(store, home, name, design, asked.samples)
    if len(stored.inputs) < asked.samples:
        yield f"the trial kept {len(stored.inputs)} samples, fewer than the {asked.samples} asked for"
    verdicts = verify(stored.net, stored.name, stored.inputs, tools=asked.tools, folder=asked.folder)
    yield from (str(verdict) for verdict in verdicts)
