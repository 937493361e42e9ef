"""Evaluating one trial: train, watch silence, quantise, count cycles and energy. No store, no Ray.

The accuracy that counts is the integer network's on the validation split; it equals the RTL's bit for bit.
"""

import importlib.metadata
import platform
import time
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from hardware.cost import DesignCost, price, price_many
from hardware.devices import Device, device
from hardware.network import AcceleratorConfig, TrainedNetwork
from hardware.quantize import quantize_inputs
from hardware.record_io import NetworkRecord, to_bytes
from hardware.shape import shape_of
from models.batches import EncodedSplits, encode_splits
from models.datasets import Splits
from models.encoders import Code, encode
from models.memory import keep_freed_memory
from models.records import TrainingSettings
from models.specification import NetworkSpec
from models.stdp_training import StdpResult, train_stdp
from models.training import TrainingResult, train
from spikefront.errors import DesignError
from workers.data import CampaignData
from workers.designs import AREA_MEASURES, details_of, measures_of
from workers.networks import trained_network
from workers.outcome import DesignOutcome, TrialOutcome, TrialRequest, failed
from workers.parameters import TrialParameters, design_grid
from workers.progress import Report, curves, unheard
from workers.settings import code, network_spec, stdp_settings, stdp_spec, training_settings

KEPT_SAMPLES = 64
"""Validation samples kept with a trained network, so that it can be exported and verified on its own."""
TEST_SEED_OFFSET = 1
"""The test split's spikes are drawn apart from the validation split's."""
ORDER_SEED_OFFSET = 1 << 32
"""The training samples' order and noise are drawn apart from both."""


ALLOCATION_SAMPLES = 500
"""Validation samples whose mean spikes decide lanes that are "auto"."""


@dataclass(frozen=True)
class Pricing:
    """By which energy model, and in which device's cells, designs are priced."""

    energy_model: str
    target: Device | None


@dataclass(frozen=True, eq=False)
class Prepared:
    """A trial before its training.

    Attributes:
        request: what was asked.
        grid: every configuration to price; all have one training.
        splits: of the data set.
        encoded: the same as the network takes them.
        load_s: seconds that this took.
    """

    request: TrialRequest
    grid: list[TrialParameters]
    splits: Splits
    encoded: EncodedSplits
    load_s: float

    @property
    def parameters(self) -> TrialParameters:
        """Of the training."""
        return self.grid[0]

    def gradient_training(self) -> tuple[NetworkSpec, TrainingSettings]:
        """The network to train by gradients, and how."""
        request, splits = self.request, self.splits
        order_seed = request.split_seed + ORDER_SEED_OFFSET
        settings = training_settings(self.parameters, request.seed, request.silence, order_seed)
        return (
            network_spec(self.parameters, splits.shape, splits.classes),
            replace(settings, device=request.train_on),
        )


def evaluate(request: TrialRequest, report: Report = unheard) -> TrialOutcome:
    """Train one configuration and price every design of its grid.

    Args:
        request: what to evaluate.
        report: called after every epoch of the training; what it raises ends the trial.

    Raises:
        SpikefrontError: the configuration cannot be trained or built; the pool records it as a failure.
    """
    prepared = prepare(request)
    started = time.perf_counter()
    result = _train(prepared, report)
    return outcome_of(prepared, result, time.perf_counter() - started)


def prepare(request: TrialRequest) -> Prepared:
    """Check a trial's configuration and load its data; sets the threads that it may use.

    Raises:
        SpikefrontError: the configuration is impossible, or the data cannot be read.
    """
    torch.set_num_threads(request.threads)
    keep_freed_memory()
    started = time.perf_counter()
    grid = design_grid(request.config, request.designs)
    data = _data(request)
    splits, encoded = _splits(data), _encoded(data, code(grid[0]))
    return Prepared(request, grid, splits, encoded, time.perf_counter() - started)


def outcome_of(prepared: Prepared, result: TrainingResult | StdpResult, train_s: float) -> TrialOutcome:
    """Price every design of a trained network's grid.

    Args:
        prepared: the trial.
        result: of its training.
        train_s: seconds that it took.

    Raises:
        DesignError: no design can be built.
    """
    request, grid, encoded = prepared.request, prepared.grid, prepared.encoded
    timings = {"load_s": prepared.load_s, "train_s": train_s}
    if result.state != "complete":
        return _stopped(result, timings)
    started = time.perf_counter()
    network = trained_network(result.weights)
    target = device(request.device) if request.device else None
    if target:
        grid = [_allocated(p, network, encoded, target) for p in grid]
    grid = _distinct(grid, network)
    priced, impossible = _price(network, grid, encoded, Pricing(request.energy_model, target))
    first = priced[0][1]
    timings["hardware_s"] = time.perf_counter() - started
    return TrialOutcome(
        state="complete",
        metrics=_metrics(result, first) | {"impossible_designs": impossible},
        constraints={"silence": result.silence_constraint},
        spikes_per_layer=first.spikes_per_layer,
        timings=timings,
        versions=_versions(),
        designs=tuple(_design(parameters, cost) for parameters, cost in priced),
        artifact=_artifact(network, encoded),
    )


def measure_on_test(
    network: TrainedNetwork, parameters: TrialParameters, campaign: CampaignData, energy_model: str
) -> dict[str, float]:
    """Measures of one design on the test split, area aside: for the report alone."""
    test = _splits(campaign).test
    encoded = encode(test.inputs, test.labels, code(parameters), campaign.seed + TEST_SEED_OFFSET)
    inputs = _inputs(encoded.samples(), parameters)
    cost = price(network, parameters.accelerator(), inputs, encoded.labels, energy_model)
    return {name: value for name, value in measures_of(cost).items() if name not in AREA_MEASURES}


def _data(request: TrialRequest) -> CampaignData:
    return CampaignData.of(request.data, request.data_root, request.split_seed)


@lru_cache(maxsize=2)
def _splits(data: CampaignData) -> Splits:
    """Loaded once per worker process, not per trial, if the pool has not brought it."""
    return data.read()


@lru_cache(maxsize=4)
def _encoded(data: CampaignData, code: Code) -> EncodedSplits:
    splits = _splits(data)
    train_part, validation = splits.train, splits.validation
    return encode_splits(
        (train_part.inputs, train_part.labels), (validation.inputs, validation.labels), code, data.seed
    )


def _train(prepared: Prepared, report: Report) -> TrainingResult | StdpResult:
    parameters, request, splits = prepared.parameters, prepared.request, prepared.splits
    if parameters.learning == "stdp":
        plastic = stdp_spec(parameters, splits.width, splits.classes)
        settings = stdp_settings(parameters, request.seed, request.silence)
        return train_stdp(plastic, settings, prepared.encoded, report)
    return train(*prepared.gradient_training(), prepared.encoded, report)


def _stopped(result: TrainingResult | StdpResult, timings: dict[str, float]) -> TrialOutcome:
    """A silent network is an outcome with a graded constraint; one that is not finite has failed."""
    if result.state != "silent":
        return failed(result.reason)
    return TrialOutcome(
        state="silent",
        reason=result.reason,
        metrics=_curves(result),
        constraints={"silence": result.silence_constraint},
        timings=timings,
        versions=_versions(),
    )


def _price(
    network: TrainedNetwork, grid: list[TrialParameters], encoded: EncodedSplits, pricing: Pricing
) -> tuple[list[tuple[TrialParameters, DesignCost]], list[str]]:
    """Every design that can be built with its cost on the validation split, and why others cannot.

    Designs of equal spikes share one run of the network.

    Raises:
        DesignError: none of them can be built.
    """
    samples, labels = encoded.validation.samples(), encoded.validation.labels
    groups: dict[AcceleratorConfig, list[int]] = {}
    for index, parameters in enumerate(grid):
        groups.setdefault(spike_key(parameters.accelerator()), []).append(index)
    costs: dict[int, DesignCost] = {}
    faults: list[DesignError] = []
    for members in groups.values():
        configs = [grid[index].accelerator() for index in members]
        inputs = _inputs(samples, grid[members[0]])
        try:
            priced = price_many(network, configs, inputs, labels, pricing.energy_model, target=pricing.target)
        except DesignError as fault:
            faults.append(fault)
        else:
            costs.update(zip(members, priced, strict=True))
    if not costs:
        raise faults[0]
    return [(grid[index], costs[index]) for index in sorted(costs)], [str(fault) for fault in faults]


def _allocated(
    parameters: TrialParameters, network: TrainedNetwork, encoded: EncodedSplits, target: Device
) -> TrialParameters:
    """A configuration with its lanes chosen for the spikes of (some of) the validation split."""
    if parameters.lanes != "auto":
        return parameters
    kept = slice(0, ALLOCATION_SAMPLES)
    inputs = _inputs(encoded.validation.samples(kept), parameters)
    labels = encoded.validation.labels[kept]
    seen = price(network, parameters.accelerator(), inputs, labels).spikes_per_layer
    return parameters.allocated(shape_of(network), np.array(seen), target)


def _distinct(grid: list[TrialParameters], network: TrainedNetwork) -> list[TrialParameters]:
    """The first of every set of designs that are built alike: no layer has more lanes than neurons."""
    built: dict[AcceleratorConfig, TrialParameters] = {}
    shape = shape_of(network)
    for parameters in grid:
        config = parameters.accelerator()
        built.setdefault(replace(config, lanes=shape.lanes(config)), parameters)
    return list(built.values())


def spike_key(config: AcceleratorConfig) -> AcceleratorConfig:
    """What of a configuration decides spikes: lanes, chunk width, clock, family and sweep do not."""
    lanes = (1,) * len(config.lanes)
    return replace(config, lanes=lanes, chunk_bits=32, clock_mhz=1.0, family="event_driven", sweep="dense")


def _inputs(samples: Any, parameters: TrialParameters) -> Any:
    """Samples as the accelerator takes them: spikes as they are, currents in ``input_bits`` bits."""
    return quantize_inputs(samples, parameters.input_bits) if parameters.encoding == "direct" else samples


def _metrics(result: TrainingResult | StdpResult, cost: DesignCost) -> dict[str, Any]:
    return {
        "accuracy": cost.accuracy,
        "float_accuracy": result.validation_accuracy,
        "confusion": cost.confusion,
        **_curves(result),
        **({"audit": asdict(result.audit)} if result.audit else {}),
    }


def _curves(result: TrainingResult | StdpResult) -> dict[str, Any]:
    """What every finished epoch showed, also of a training that was stopped."""
    return {
        **curves(result.epochs),
        "best_epoch": result.best_epoch,
        "samples_seen": result.samples_seen,
    }


def _design(parameters: TrialParameters, cost: DesignCost) -> DesignOutcome:
    return DesignOutcome(parameters.accelerator().as_dict(), measures_of(cost), details_of(cost))


def _artifact(network: TrainedNetwork, encoded: EncodedSplits) -> bytes:
    """The network with a few validation samples, as one file."""
    kept = slice(0, KEPT_SAMPLES)
    return to_bytes(NetworkRecord(network, encoded.validation.samples(kept), encoded.validation.labels[kept]))


def _versions() -> dict[str, str]:
    """What decides the bits of a training, beside its configuration and seed."""
    libraries = {name: importlib.metadata.version(name) for name in ("spikefront", "torch", "numpy")}
    return {**libraries, "cpu": torch.backends.cpu.get_cpu_capability(), "system": platform.platform()}
