"""The recorded table and the numbers by which a model knows a configuration."""

import gzip
import json
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from hpo.campaign import CampaignSpec
from hpo.space import Config, Space

SPEC = Path(__file__).with_name("table.toml")
RECORDED = Path(__file__).with_name("table_trainings.json.gz")
PRICED = ("lanes", "family")
"""Searched variables that change neither a training nor its spikes."""


@dataclass(frozen=True)
class Design:
    """A recorded training at one width of weights."""

    config: dict[str, Any]
    accuracy: float
    spikes: tuple[float, ...]


@cache
def recorded(path: Path = RECORDED) -> list[dict[str, Any]]:
    """Every recorded training."""
    rows: list[dict[str, Any]] = json.loads(gzip.decompress(path.read_bytes()))["trainings"]
    return rows


@cache
def specification() -> CampaignSpec:
    """The table's space, as a campaign file."""
    return CampaignSpec.load(SPEC)


def designs_of(training: dict[str, Any]) -> list[Design]:
    """Its designs by width of weights; none for a training that was stopped."""
    return [
        Design({**training["config"], "weight_bits": d["weight_bits"]}, d["accuracy"], tuple(d["spikes"]))
        for d in training["designs"]
    ]


def space_without(*left_out: str) -> Space:
    """The searched variables but those."""
    return Space({name: v for name, v in specification().space.items() if name not in left_out})


def features(space: Space, config: Config) -> np.ndarray:
    """Columns (d,) of a configuration: the space's own, and what is known to act together.

    The latter say how far a neuron's input drives it, how steep its surrogate is in units of the threshold,
    how far a training step moves a weight, how many spikes there is room for, and how coarse weights are.
    """
    values = {name: value for name, value in config.items() if not isinstance(value, str)}
    beta, threshold = float(values["beta"]), float(values["threshold"])
    steps, scale = float(values["time_steps"]), float(values["init_scale"])
    rate = float(values["learning_rate"])
    decay, gain = _membrane(config, beta, float(values.get("alpha", 0.0)))
    drive = math.log(scale * min(gain, steps) / threshold) - (config["encoding"] == "latency")
    more = [drive, math.log(scale / threshold), math.log(float(values["surrogate_slope"]) * threshold)]
    more += [math.log(rate / float(values["batch_size"])), math.log(rate / threshold)]
    more += [math.log(float(values["hidden_width"]) * steps), math.log(gain), decay, math.log(steps)]
    if "weight_bits" in values:
        step = 2.0 ** -float(values["weight_bits"])
        more += [step, math.log(step * scale / threshold)]
    return np.concatenate([space.to_unit({name: config[name] for name in space.active(config)}), more])


def _membrane(config: Config, beta: float, alpha: float) -> tuple[float, float]:
    """Decay per step of the membrane potential, and what a lasting current of one raises it to."""
    if config["neuron"] == "lapicque":
        decay = 1.0 + math.log(beta)
        return decay, -math.log(beta) / (1.0 - 0.98 * decay)
    gain = 1.0 / (1.0 - 0.98 * beta)
    return beta, gain / (1.0 - alpha) if config["neuron"] == "synaptic" else gain
