"""The price of a design: accuracy of the integer network, exact cycles, energy, area."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardware import cycles, reference
from hardware.arrays import Array, host
from hardware.checks import check_config
from hardware.coefficients import ENERGY_MODEL
from hardware.devices import Device, area_on
from hardware.energy import activity, energy
from hardware.integer import IntegerNetwork
from hardware.network import AcceleratorConfig, FloatArray, TrainedNetwork
from hardware.quantize import quantize
from hardware.resources import resources
from spikefront.errors import DesignError, InputError

MAX_LABEL = 2**16 - 1


@dataclass(frozen=True)
class DesignCost:
    """What a design costs, means over the samples it was measured on; plain numbers, ready for JSON.

    Attributes:
        samples: samples measured on.
        accuracy: share of them that the integer network classifies rightly, 0..1.
        latency_us, latency_us_p99: mean and 99th percentile, start to done, at ``clock_mhz``.
        cycles: mean clock cycles of an inference.
        load_cycles: cycles in which the host writes one input, outside the latency.
        energy_model: name of the coefficient table of every energy below.
        energy_uj: mean energy of an inference.
        energy_by_part_uj, energy_by_place_uj: the same, split.
        energy_assumed_share: share of it that rests on coefficients without a published source.
        luts, ffs, bram36, dsps: area estimate (``ffs`` counted), BRAM in units of 36 kbit.
        sizes: neurons per layer, inputs first.
        spikes_per_layer: mean spikes per inference of the input and every layer (L + 1 values); the input's
            are set bits over all planes under direct encoding. ``hardware.expected_cost`` takes them.
        cycles_per_layer: mean cycles in which each layer scans or fires.
        silent_fraction: share of samples without any output spike.
        config: the accelerator.
        confusion: samples of each class (rows) that were taken for each class (columns); not stored with
            every design.
    """

    samples: int
    accuracy: float
    latency_us: float
    latency_us_p99: float
    cycles: float
    load_cycles: int
    energy_model: str
    energy_uj: float
    energy_by_part_uj: dict[str, float]
    energy_by_place_uj: dict[str, float]
    energy_assumed_share: float
    luts: int
    ffs: int
    bram36: float
    dsps: int
    sizes: list[int]
    spikes_per_layer: list[float]
    cycles_per_layer: list[float]
    silent_fraction: float
    config: dict[str, Any]
    confusion: list[list[int]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def price(
    network: TrainedNetwork,
    config: AcceleratorConfig,
    inputs: Array,
    labels: Array,
    energy_model: str = ENERGY_MODEL,
) -> DesignCost:
    """Return the cost of ``network`` on ``config``, measured on samples with labels.

    Args:
        network: the trained network.
        config: the accelerator.
        inputs: spikes (N, T, n_in) or quantised currents (N, n_in), as ``hardware.reference.run`` takes them:
            a torch tensor on a GPU is priced there.
        labels: class of every sample, integers (N,), an array or a tensor.
        energy_model: name of a coefficient table.

    Raises:
        DesignError: where the network cannot be built on ``config``.
        InputError: where inputs, labels or the energy model do not fit.
    """
    return price_many(network, [config], inputs, labels, energy_model)[0]


def price_many(
    network: TrainedNetwork,
    configs: Sequence[AcceleratorConfig],
    inputs: Array,
    labels: Array,
    energy_model: str = ENERGY_MODEL,
    *,
    target: Device | None = None,
) -> list[DesignCost]:
    """Return the cost of ``network`` on each of ``configs``, which may differ in lanes, chunk_bits, clock,
    family, schedule and sweep.

    Spikes depend on none of these, so the integer network runs once for all of them. Area is estimated
    for ``target``'s fabric.

    Raises:
        DesignError: where the network cannot be built, or a configuration differs in anything else.
        InputError: where inputs, labels or the energy model do not fit.
    """
    if not configs:
        return []
    net = quantize(network, configs[0])
    nets = [on_config(net, config) for config in configs]
    labels = _checked_labels(labels, len(inputs))
    run = reference.run(net, inputs)
    costs = {
        index: _price_run(nets[index], run, report, labels, energy_model, target=target)
        for index, report in cycles.count_each(net, configs, run, inputs)
    }
    return [costs[index] for index in range(len(configs))]


def on_config(net: IntegerNetwork, config: AcceleratorConfig) -> IntegerNetwork:
    """Return ``net`` on a configuration that differs from its own in lanes, chunk_bits, clock, family,
    schedule and sweep.

    Raises:
        DesignError: where it differs in anything that changes spikes, or cannot be built.
    """
    check_config(config, len(net.layers))
    same = replace(
        config,
        lanes=net.config.lanes,
        chunk_bits=net.config.chunk_bits,
        schedule=net.config.schedule,
        clock_mhz=net.config.clock_mhz,
        family=net.config.family,
        sweep=net.config.sweep,
    )
    if same != net.config:
        raise DesignError(
            f"The configurations {net.config} and {config} give different spikes; price them one by one."
        )
    return replace(net, config=config)


def price_net(
    net: IntegerNetwork,
    inputs: Array,
    labels: Array,
    energy_model: str = ENERGY_MODEL,
) -> DesignCost:
    """Return the cost of a network that is quantised already.

    Raises:
        InputError: where inputs, labels or the energy model do not fit.
    """
    labels = _checked_labels(labels, len(inputs))
    run = reference.run(net, inputs)
    return _price_run(net, run, cycles.count(net, run, inputs), labels, energy_model)


def _checked_labels(given: Array, samples: int) -> NDArray[np.integer]:
    labels = host(given)
    if labels.shape != (samples,) or labels.dtype.kind not in "iu":
        raise InputError(
            f"Labels of dtype {labels.dtype} have shape {labels.shape} for {samples} samples; give one "
            "integer class per sample."
        )
    for label in (labels.min(), labels.max()) if samples else ():
        if not 0 <= label <= MAX_LABEL:
            raise InputError(f"A label is {label}, outside 0..{MAX_LABEL}; number the classes from 0.")
    return labels


def _price_run(
    net: IntegerNetwork,
    run: reference.ReferenceRun,
    report: cycles.CycleReport,
    labels: NDArray[np.integer],
    energy_model: str,
    *,
    target: Device | None = None,
) -> DesignCost:
    report, fired = report.on_host(), host(run.counts).sum(axis=1)
    built = resources(net)
    spent = energy(built, activity(report), energy_model)
    estimate = area_on(target, built)
    latency = report.total / net.config.clock_mhz
    return DesignCost(
        samples=len(labels),
        accuracy=float(np.mean(host(run.predicted) == labels)),
        latency_us=float(latency.mean()),
        latency_us_p99=float(np.percentile(latency, 99)),
        cycles=float(report.total.mean()),
        load_cycles=report.load,
        energy_model=spent.model,
        energy_uj=float(spent.total_uj.mean()),
        energy_by_part_uj=_means(spent.parts_uj),
        energy_by_place_uj=_means(spent.places_uj),
        energy_assumed_share=spent.assumed_share,
        luts=estimate.luts,
        ffs=estimate.ffs,
        bram36=estimate.bram36,
        dsps=estimate.dsps,
        sizes=list(net.sizes),
        spikes_per_layer=[*report.spikes.mean(axis=0).tolist(), float(fired.mean())],
        cycles_per_layer=report.busy.mean(axis=0).tolist(),
        silent_fraction=float(np.mean(fired == 0)),
        config=net.config.as_dict(),
        confusion=_confusion(labels, host(run.predicted), net.classes),
    )


def _confusion(labels: NDArray[np.integer], predicted: NDArray[np.integer], classes: int) -> list[list[int]]:
    counts = np.zeros((max(classes, int(labels.max()) + 1), classes), dtype=np.int64)
    np.add.at(counts, (labels, predicted), 1)
    found: list[list[int]] = counts.tolist()
    return found


def _means(split: dict[str, FloatArray]) -> dict[str, float]:
    return {name: float(values.mean()) for name, values in split.items()}
