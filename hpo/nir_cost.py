"""``spikefront cost``: the price of a network in a NIR file, which Spikefront never trained."""

import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spikefront.errors import InputError

if TYPE_CHECKING:
    from hardware.allocate import Allocation
    from hardware.cost import DesignCost
    from hardware.devices import Device

DRAWN_SAMPLES = 32
SEED = 0


@dataclass(frozen=True)
class CostRequest:
    """What ``spikefront cost`` is asked.

    Attributes:
        device: name of the FPGA to fit.
        steps: time steps per inference; of ``inputs`` where those are given.
        rate: probability of an input spike per step, where there are no ``inputs``.
        inputs: ``.npz`` file with spikes ``inputs`` (N, T, n_in) of 0 and 1.
        dt_s: step in seconds; None for the graph's own.
        weight_bits: signed weight width.
        energy_model: name of the coefficient table.
    """

    device: str
    steps: int
    rate: float
    inputs: Path | None = None
    dt_s: float | None = None
    weight_bits: int = 8
    energy_model: str = "asic_45nm"


@dataclass(frozen=True)
class NirCost:
    """A network's price on a device, and what its spikes were."""

    cost: "DesignCost"
    allocation: "Allocation"
    target: "Device"
    spikes: str


def nir_cost(path: Path, asked: CostRequest) -> NirCost:
    """Price a NIR network on a device, with the lanes that are fastest there.

    Raises:
        InputError: a file that cannot be read, an unknown device or energy model.
        DesignError: a node that cannot be built, or a network that does not fit the device.
    """
    from hardware.allocate import require_allocation
    from hardware.cost import price
    from hardware.devices import area_on, device
    from hardware.network import AcceleratorConfig
    from hardware.nir_io import load_nir
    from hardware.quantize import quantize
    from hardware.resources import resources
    from hardware.shape import shape_of

    target = device(asked.device)
    given = _read(asked.inputs) if asked.inputs else None
    steps = asked.steps if given is None else given.shape[1]
    network = load_nir(path, steps, asked.dt_s)
    inputs = _draw(asked.rate, steps, network.sizes[0]) if given is None else given
    labels = np.zeros(len(inputs), dtype=np.int64)
    lanes = (1,) * len(network.layers)
    config = AcceleratorConfig(lanes, weight_bits=asked.weight_bits, clock_mhz=target.clock_mhz)
    seen = price(network, config, inputs, labels, asked.energy_model).spikes_per_layer
    found = require_allocation(shape_of(network), np.array(seen), config, target)
    config = replace(config, lanes=found.lanes)
    used = area_on(target, resources(quantize(network, config)))
    cost = price(network, config, inputs, labels, asked.energy_model)
    cost = replace(cost, luts=used.luts, ffs=used.ffs, bram36=used.bram36, dsps=used.dsps)
    source = f"{len(inputs)} samples of {asked.inputs}" if asked.inputs else _drawn(asked.rate, len(inputs))
    return NirCost(cost, found, target, source)


def lines(found: NirCost) -> Iterator[str]:
    """The price in words, one measure per line."""
    cost, target = found.cost, found.target
    yield f"network {'-'.join(map(str, cost.sizes))}, lanes {', '.join(map(str, found.allocation.lanes))}"
    yield f"input: {found.spikes}"
    yield (
        f"latency {cost.latency_us:.2f} us mean, {cost.latency_us_p99:.2f} us 99th percentile "
        f"({cost.cycles:.0f} cycles, exact, at a nominal {target.clock_mhz:g} MHz)"
    )
    share = f"{100 * cost.energy_assumed_share:.0f} % of it assumed"
    yield f"energy {cost.energy_uj:.4g} uJ per inference, model {cost.energy_model}, {share}"
    used = (
        f"{getattr(cost, name):g} of {getattr(target, name):g} {word}"
        for name, word in (("luts", "LUT"), ("ffs", "FF"), ("bram36", "BRAM36"), ("dsps", "DSP"))
    )
    yield f"area on {target.name}, estimated (error in docs/area.md): {', '.join(used)}"
    yield "spikes per layer, input first: " + ", ".join(f"{s:.1f}" for s in cost.spikes_per_layer)
    yield "busy cycles per layer: " + ", ".join(f"{c:.1f}" for c in cost.cycles_per_layer)


def as_dict(found: NirCost) -> dict[str, Any]:
    """Plain JSON values; without labels there is no accuracy."""
    values = found.cost.as_dict()
    del values["accuracy"]
    return {"device": found.target.name, "input": found.spikes, **values}


def _drawn(rate: float, samples: int) -> str:
    return f"{samples} random samples, a spike with probability {rate:g} per input and step, seed {SEED}"


def _draw(rate: float, steps: int, n_in: int) -> Any:
    if not 0 <= rate <= 1:
        raise InputError(f"The rate {rate} is no probability; give 0 to 1 spikes per input and step.")
    return (np.random.default_rng(SEED).random((DRAWN_SAMPLES, steps, n_in)) < rate).astype(np.uint8)


def _read(path: Path) -> Any:
    """Spikes (N, T, n_in) of an ``.npz`` file."""
    try:
        with np.load(path, allow_pickle=False) as file:
            inputs = np.asarray(file["inputs"])
    except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(
            f"{path} holds no inputs ({error}); save them with numpy.savez(path, inputs=spikes)."
        ) from None
    if inputs.ndim != 3 or 0 in inputs.shape:
        raise InputError(f"The inputs in {path} have shape {inputs.shape}; give spikes (N, T, n_in).")
    return inputs.astype(np.uint8) if inputs.dtype.kind in "iu" and _binary(inputs) else inputs


def _binary(inputs: Any) -> bool:
    return bool(np.isin(inputs, (0, 1)).all())
