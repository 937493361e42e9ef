"""A spiking network's shape with several designs per trial: what one training tells about all of them."""

import math
from collections.abc import Mapping

import numpy as np

from benchmarks.optimizer.box import Box, Measured
from hpo.optimizer import Outcome, Problem
from hpo.pareto import Objective
from hpo.space import Categorical, Config, Float, Integer, Ordinal, Space


def spiking(seed: int) -> Box:
    """Twelve mixed variables; about 65 % of the volume is silent and says nothing about objectives.

    The drive (input gain over threshold, decay, slope of the surrogate) decides silence; accuracy has a ridge
    in drive and learning rate; spikes grow with drive and width; latency and energy follow from spikes and
    from what is known of the hardware (width, lanes, weight bits).
    """
    space = Space(
        {
            "beta": Float(low=0.5, high=0.99),
            "threshold": Float(low=0.3, high=3.0),
            "surrogate": Categorical(choices=("fast_sigmoid", "arctangent", "escape")),
            "slope": Float(low=1.0, high=50.0, log=True),
            "learning_rate": Float(low=1e-4, high=5e-2, log=True),
            "batch_size": Ordinal(values=(16, 32, 64, 128)),
            "width": Integer(low=16, high=256, log=True),
            "neuron": Categorical(choices=("lif", "lapicque")),
            "reset": Categorical(choices=("subtract", "zero")),
            "time_steps": Integer(low=5, high=30),
            "weight_bits": Integer(low=3, high=8),
            "refractory": Integer(low=0, high=4, when={"neuron": ("lapicque",)}),
        }
    )
    objectives = (
        Objective("accuracy", "max", "linear", 0.3),
        Objective("latency_us", "min", "log", 1000.0),
        Objective("energy_uj", "min", "log", 100.0),
    )
    outcomes = (Outcome("accuracy", "logit"), Outcome("spikes", "log"))
    problem = Problem(space, objectives, outcomes, ("silence",), (), _hardware, seed)
    return Box(problem, _train)


def _train(config: Config, rng: np.random.Generator) -> Measured:
    c = {key: value for key, value in config.items() if not isinstance(value, str)}
    drive = 1.2 * math.log(float(c["beta"]) / (1.0 - float(c["beta"])) + 1.0) - 1.5 * math.log(
        float(c["threshold"])
    )
    drive += 0.06 * (float(c["time_steps"]) - 15) - 0.25 * float(c.get("refractory", 0))
    drive += {"lif": 0.0, "lapicque": -0.4}[str(config["neuron"])]
    slope, rate = math.log(float(c["slope"]) / 7), math.log10(float(c["learning_rate"]) / 3e-3)
    drive -= 0.5 * slope**2 * (config["surrogate"] == "escape") + 0.3 * max(0.0, rate) ** 2
    silent = 1.0 / (1.0 + math.exp(3.0 * (drive - 0.9)))
    if silent > 0.3:
        return None, {"silence": silent - 0.05 + 0.01 * rng.standard_normal()}
    loss = 0.35 * rate**2 + 0.15 * slope**2 + 0.25 * (drive - 1.8) ** 2
    loss += {"fast_sigmoid": 0.0, "arctangent": 0.15, "escape": 0.05}[str(config["surrogate"])]
    loss += 0.1 * (config["reset"] == "zero") + 0.5 * 2.0 ** (4 - float(c["weight_bits"]))
    loss += 12.0 / float(c["width"]) + 0.02 * abs(math.log2(float(c["batch_size"]) / 32))
    score = 3.5 - 2.2 * loss + 0.1 * rng.standard_normal()
    spikes = math.exp(0.9 * drive + 0.7 * math.log(float(c["width"])) + math.log(float(c["time_steps"]) / 10))
    outcomes = {
        "accuracy": 1 / (1 + math.exp(-score)),
        "spikes": spikes * math.exp(0.05 * rng.standard_normal()),
    }
    return outcomes, {"silence": silent - 0.3}


def _hardware(configs: list[Config], outcomes: np.ndarray) -> Mapping[str, np.ndarray]:
    """Four numbers of lanes per configuration: (S, K, 4)."""
    lanes = np.array([1.0, 4.0, 16.0, 64.0])
    width = np.array([float(c["width"]) for c in configs])[:, None]
    steps = np.array([float(c["time_steps"]) for c in configs])[:, None]
    bits = np.array([float(c["weight_bits"]) for c in configs])[:, None]
    spikes = outcomes[..., 1:2]
    cycles = spikes * np.ceil(width / lanes) + 6.0 * steps
    energy = 1e-4 * spikes * width * bits / 8 + cycles * (0.5 + 0.03 * lanes) * 1e-3
    accuracy = np.broadcast_to(outcomes[..., :1], cycles.shape)
    return {"accuracy": accuracy, "latency_us": cycles / 100.0, "energy_uj": energy}
