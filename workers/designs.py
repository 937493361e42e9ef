"""A design's cost as the store keeps it: measures to judge it by, and details that explain them."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from hardware.cost import DesignCost

AREA_MEASURES = ("luts", "ffs", "bram36", "dsps")
"""Measures that no sample changes."""
DETAILS = (
    "samples",
    "sizes",
    "cycles",
    "load_cycles",
    "cycles_per_layer",
    "spikes_per_layer",
    "energy_model",
    "energy_by_part_uj",
    "energy_by_place_uj",
    "energy_assumed_share",
)


def measures_of(cost: DesignCost) -> dict[str, float]:
    """The numbers by which a design is judged; names and directions are in ``hpo.campaign.MEASURES``."""
    return {
        "accuracy": cost.accuracy,
        "latency_us": cost.latency_us,
        "latency_us_p99": cost.latency_us_p99,
        "energy_uj": cost.energy_uj,
        "spikes_per_inference": sum(cost.spikes_per_layer[:-1]),
        "luts": cost.luts,
        "ffs": cost.ffs,
        "bram36": cost.bram36,
        "dsps": cost.dsps,
        "silent_fraction": cost.silent_fraction,
    }


def details_of(cost: DesignCost) -> dict[str, Any]:
    """Why a design costs what it costs: cycles and spikes by layer, energy by part and place."""
    return {name: getattr(cost, name) for name in DETAILS}


def cost_of(measures: Mapping[str, Any], details: Mapping[str, Any], config: Mapping[str, Any]) -> DesignCost:
    """The cost that was stored as measures and details."""
    stored = {**measures, **details, "config": dict(config)}
    return DesignCost(
        **{field.name: stored[field.name] for field in fields(DesignCost) if field.name in stored}
    )
