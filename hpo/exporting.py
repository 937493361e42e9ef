"""``spikefront export``: a stored design as a folder of Verilog, checked before it is written."""

from pathlib import Path

from hpo.home import Home
from hpo.store import Store
from spikefront.errors import InputError


def export_design(
    store: Store, home: Home, name: str, design: str, folder: Path, *, samples: int
) -> list[str]:
    """Check a design in simulation on real validation samples and write its folder; lines for the user.

    Raises:
        NotFoundError: no such campaign or design.
        MismatchError: RTL and integer reference disagree; nothing is written.
        InputError: the folder exists and is not empty.
    """
    from hardware.export import export
    from hardware.network import AcceleratorConfig
    from hardware.quantize import quantize, quantize_inputs
    from hardware.record_io import from_bytes
    from workers.designs import cost_of

    found = store.design(name, design)
    artifact = store.trial(name, found.trial).artifact
    if artifact is None:
        raise InputError(f"trial {found.trial} kept no network: export a design of a complete trial")
    record = from_bytes(home.artifacts.get(artifact))
    config = AcceleratorConfig(**{**found.config, "lanes": tuple(found.config["lanes"])})
    inputs = record.inputs[:samples]
    if record.network.encoding == "direct":
        inputs = quantize_inputs(inputs, config.input_bits)
    written = export(
        folder,
        quantize(record.network, config),
        f"{name}_{design}",
        inputs,
        record.labels[:samples],
        cost=cost_of(found.measures, found.details, found.config),
    )
    return [
        f"simulated {len(inputs)} samples: spikes of every layer and cycles equal the integer reference",
        f"wrote {written.folder}: {', '.join(sorted(written.files))}",
    ]
