"""``spikefront export``: a stored design as a folder of Verilog, checked before it is written."""

from pathlib import Path

from hpo.home import Home
from hpo.store import Store
from spikefront.errors import InputError


def export_design(
    store: Store, home: Home, name: str, design: str, folder: Path, *, samples: int
) -> list[str]:
    """Check the design in simulation on real validation samples and write its folder; lines for the user.

    Raises:
        NotFoundError: no such campaign or design.
        MismatchError: RTL and integer reference disagree; nothing is written.
        InputError: the folder exists and is not empty.
    """
    from hardware.export import export
    from hardware.record_io import from_bytes

    from hardware.network import AcceleratorConfig
    from hardware.quantize import quantize

    found = store.design(name, design)
    trial = store.trial(name, found.trial)
    if trial.artifact is None:
        raise InputError(f"trial {trial.number} kept no network: export a design of a complete trial")
    record = from_bytes(home.artifacts.get(trial.artifact))
    config = AcceleratorConfig(**{**found.config, "lanes": tuple(found.config["lanes"])})
    network = quantize(record.network, config)
    export(folder, network, record, samples, found.measures)
    return [f"wrote {folder}: checked on {samples} samples, spikes and cycles equal the integer reference"]
