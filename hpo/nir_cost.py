"""``spikefront cost``: the price of a network in a NIR file, most often one that Spikefront never trained."""

import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spikefront.errors import InputError

if TYPE_CHECKING:
    from hardware.cost import DesignCost
    from hardware.devices import Device
    from hardware.network import AcceleratorConfig, TrainedNetwork
    from hardware.nir_read import Reading

DRAWN_SAMPLES = 32
SEED = 0
WEIGHT_BITS = 8


@dataclass(frozen=True)
class CostRequest:
    """What ``spikefront cost`` is asked.

    Attributes:
        device: name of the FPGA to fit.
        reading: how to understand the graph; its steps are those of ``inputs`` where spikes are given.
        rate: probability of an input spike per step, where there are no ``inputs``.
        inputs: ``.npz`` file with ``inputs``: spikes (N, T, n_in) of 0 and 1, or for a network under direct
            encoding currents (N, n_in) of 0..1.
        weight_bits: signed weight width, on lanes chosen anew; None for the accelerator the graph was
            exported with, else ``WEIGHT_BITS``.
        energy_model: name of the coefficient table.
    """

    device: str
    reading: "Reading"
    rate: float = 0.1
    inputs: Path | None = None
    weight_bits: int | None = None
    energy_model: str = "asic_45nm"


@dataclass(frozen=True)
class NirCost:
    """A network's price on a device, what its spikes were, and where its lanes come from."""

    cost: "DesignCost"
    target: "Device"
    spikes: str
    exported: bool


def nir_cost(path: Path, asked: CostRequest) -> NirCost:
    """Price a NIR network on a device: on the accelerator it was exported with, else on the fastest lanes.

    Raises:
        InputError: a file that cannot be read, an unknown device or energy model.
        DesignError: a node that cannot be built, or a network that does not fit the device.
    """
    from hardware.cost import price
    from hardware.devices import area_on, device, require_fit
    from hardware.nir_io import probe, read_graph
    from hardware.nir_read import accelerator_of, from_nir
    from hardware.quantize import quantize
    from hardware.resources import resources

    target = device(asked.device)
    given = _read(asked.inputs) if asked.inputs else None
    probe(path)
    graph = read_graph(path)
    reading = asked.reading
    if given is not None and given.ndim == 3:
        reading = replace(reading, time_steps=given.shape[1])
    network = from_nir(graph, reading)
    own = accelerator_of(graph) if asked.weight_bits is None else None
    inputs, source = _inputs(network, asked, given, own)
    config = own or _fastest(network, inputs, asked, target)
    used = area_on(target, resources(quantize(network, config)))
    require_fit(target, used)
    cost = price(network, config, inputs, np.zeros(len(inputs), dtype=np.int64), asked.energy_model)
    cost = replace(cost, luts=used.luts, ffs=used.ffs, bram36=used.bram36, dsps=used.dsps)
    return NirCost(cost, target, source, own is not None)


def _fastest(
    network: "TrainedNetwork", inputs: Any, asked: CostRequest, target: "Device"
) -> "AcceleratorConfig":
    """Return the lanes that are fastest on the device, by the spikes of ``inputs``."""
    from hardware.allocate import require_allocation
    from hardware.cost import price
    from hardware.network import AcceleratorConfig
    from hardware.shape import shape_of

    bits = WEIGHT_BITS if asked.weight_bits is None else asked.weight_bits
    lanes = (1,) * len(network.layers)
    config = AcceleratorConfig(lanes, weight_bits=bits, clock_mhz=target.clock_mhz)
    labels = np.zeros(len(inputs), dtype=np.int64)
    seen = price(network, config, inputs, labels, asked.energy_model).spikes_per_layer
    found = require_allocation(shape_of(network), np.array(seen), config, target)
    return replace(config, lanes=found.lanes)


def lines(found: NirCost) -> Iterator[str]:
    """The price in words, one measure per line."""
    cost, target = found.cost, found.target
    lanes = ", ".join(map(str, cost.config["lanes"]))
    whence = "as exported" if found.exported else f"the fastest on {target.name}"
    yield f"network {'-'.join(map(str, cost.sizes))}, lanes {lanes} ({whence})"
    yield f"input: {found.spikes}"
    yield (
        f"latency {cost.latency_us:.2f} us mean, {cost.latency_us_p99:.2f} us 99th percentile "
        f"({cost.cycles:.0f} cycles, exact, at a nominal {cost.config['clock_mhz']:g} MHz)"
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


def _inputs(
    network: "TrainedNetwork", asked: CostRequest, given: Any, own: "AcceleratorConfig | None"
) -> tuple[Any, str]:
    """Return what is fed to the integer network, and in words what it is."""
    from hardware.network import AcceleratorConfig
    from hardware.quantize import quantize_inputs

    direct = network.encoding == "direct"
    if given is None:
        if direct:
            raise InputError(
                "The network takes constant currents (direct encoding), which cannot be drawn; give them "
                "with --inputs."
            )
        inputs = _draw(asked.rate, network.time_steps, network.sizes[0])
        words = f"a spike with probability {asked.rate:g} per input and step, seed {SEED}"
        return inputs, f"{len(inputs)} random samples, {words}"
    if given.ndim != (2 if direct else 3):
        expected = "currents (N, n_in)" if direct else "spikes (N, T, n_in)"
        raise InputError(f"The inputs in {asked.inputs} have shape {given.shape}; give {expected}.")
    words = f"{len(given)} samples of {asked.inputs}"
    if direct:
        bits = AcceleratorConfig(()).input_bits if own is None else own.input_bits
        return quantize_inputs(given, bits), words
    return given, words


def _draw(rate: float, steps: int, n_in: int) -> Any:
    if not 0 <= rate <= 1:
        raise InputError(f"The rate {rate} is no probability; give 0 to 1 spikes per input and step.")
    return (np.random.default_rng(SEED).random((DRAWN_SAMPLES, steps, n_in)) < rate).astype(np.uint8)


def _read(path: Path) -> Any:
    """Spikes (N, T, n_in) or currents (N, n_in) of an ``.npz`` file."""
    try:
        with np.load(path, allow_pickle=False) as file:
            inputs = np.asarray(file["inputs"])
    except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(
            f"{path} holds no inputs ({error}); save them with numpy.savez(path, inputs=spikes)."
        ) from None
    if inputs.ndim not in {2, 3} or 0 in inputs.shape or inputs.dtype.kind not in "biuf":
        raise InputError(
            f"The inputs in {path} have shape {inputs.shape} and type {inputs.dtype}; give spikes "
            "(N, T, n_in)."
        )
    spikes = inputs.ndim == 3 and bool(np.isin(inputs, (0, 1)).all())
    return inputs.astype(np.uint8) if spikes else inputs
