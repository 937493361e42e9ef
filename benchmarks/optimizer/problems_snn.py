"""A made-up landscape in the shape of a spiking network's search: twenty mixed variables, mostly silent.

Two layers must both fire. How strongly a layer is driven follows from weights, threshold, decay, refractory
time and what reaches it; where the weaker of the two drives is below what is needed, samples stay silent: a
network with more than 30 % silent samples ends without objectives, and its graded constraint says how silent
it was, with noise, until it saturates. ``need`` sets how much of the volume that is. Accuracy has an optimum
in learning rate (elsewhere for each training method), slope, drive, dropout and time steps, and costs spikes;
latency and energy follow exactly from spikes per layer and from hardware variables.

Four boxes share this landscape. ``snn``: accuracy and spikes are learned, latency and energy composed.
``snn_blackbox``: latency and energy are learned too. ``snn_binary``: the constraint says only yes or no.
``snn_worst``: silent trials are told as complete, with chance accuracy and hardly a spike.
"""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from benchmarks.optimizer.box import Box, Measured
from hpo.optimizer import Outcome, Problem
from hpo.pareto import Objective
from hpo.space import Categorical, Config, Float, Integer, Ordinal, Space

# Drive that half of the samples need to be heard, for 60 and 95 % of the volume to be silent.
NEED_60, NEED_95 = -1.26, 1.17
SILENT_SHARE = 0.3
INPUTS, CLASSES, CLOCK_MHZ = 64, 10, 100.0
CHANCE = 1.0 / CLASSES
OBJECTIVES = (
    Objective("accuracy", "max", "linear", 0.5),
    Objective("latency_us", "min", "log", 1000.0),
    Objective("energy_uj", "min", "log", 20.0),
)
ACCURACY = Outcome("accuracy", "logit")
SPIKES = (Outcome("spikes_1", "log"), Outcome("spikes_2", "log"))
COSTS = (Outcome("latency_us", "log"), Outcome("energy_uj", "log"))


def snn(need: float) -> Callable[[int], Box]:
    """Grey-box with the graded constraint; call the answer with a seed."""
    return lambda seed: _box(need, seed, grey=True, graded=True)


def snn_blackbox(need: float) -> Callable[[int], Box]:
    """The same objectives without saying how latency and energy come about."""
    return lambda seed: _box(need, seed, grey=False, graded=True)


def snn_binary(need: float) -> Callable[[int], Box]:
    """Grey-box, but silence is only told as 1 or -1."""
    return lambda seed: _box(need, seed, grey=True, graded=False)


def snn_worst(need: float) -> Callable[[int], Box]:
    """Grey-box, but silent trials have objectives, as bad as they get."""

    def make(seed: int) -> Box:
        box = snn(need)(seed)

        def run(config: Config, rng: np.random.Generator) -> Measured:
            outcomes, constraints = box.run(config, rng)
            return outcomes or {"accuracy": CHANCE, "spikes_1": 1.0, "spikes_2": 1.0}, constraints

        return Box(box.problem, run, box.truth)

    return make


def space() -> Space:
    """Twenty variables of every kind; one is conditional."""
    lanes = Ordinal(values=(1, 2, 4, 8, 16, 32, 64))
    return Space(
        {
            "beta": Float(low=0.5, high=0.99),
            "threshold": Float(low=0.3, high=3.0),
            "weight_scale": Float(low=0.1, high=5.0, log=True),
            "input_gain": Float(low=0.1, high=3.0, log=True),
            "surrogate": Categorical(choices=("fast_sigmoid", "arctangent", "escape")),
            "slope": Float(low=1.0, high=50.0, log=True),
            "training": Categorical(choices=("adam", "sgd")),
            "learning_rate": Float(low=1e-4, high=1e-1, log=True),
            "momentum": Float(low=0.0, high=0.99, when={"training": ("sgd",)}),
            "batch_size": Ordinal(values=(8, 16, 32, 64, 128)),
            "dropout": Float(low=0.0, high=0.8),
            "width_1": Integer(low=16, high=256, log=True),
            "width_2": Integer(low=16, high=256, log=True),
            "time_steps": Integer(low=4, high=40),
            "neuron": Categorical(choices=("lif", "lapicque", "synaptic")),
            "reset": Categorical(choices=("subtract", "zero")),
            "refractory": Integer(low=0, high=5),
            "weight_bits": Integer(low=2, high=8),
            "lanes_1": lanes,
            "lanes_2": lanes,
        }
    )


def costs(config: Config, spikes_1: np.ndarray, spikes_2: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Latency in us and energy in uJ of one configuration, exactly, for spikes per sample of any shape."""
    steps, bits = float(config["time_steps"]), float(config["weight_bits"])
    first, second = float(config["width_1"]), float(config["width_2"])
    lanes_1, lanes_2 = float(config["lanes_1"]), float(config["lanes_2"])
    inputs = INPUTS * steps * min(1.0, 0.25 * float(config["input_gain"]))
    cycles = inputs * math.ceil(first / lanes_1) + spikes_1 * math.ceil(second / lanes_2)
    cycles = cycles + spikes_2 * CLASSES + 6.0 * steps
    additions = inputs * first + spikes_1 * second + spikes_2 * CLASSES
    energy = 2e-6 * additions * bits + 1e-5 * cycles * (2.0 + 0.1 * (lanes_1 + lanes_2) * bits / 8)
    return cycles / CLOCK_MHZ, energy


def _box(need: float, seed: int, grey: bool, graded: bool) -> Box:
    learned = (ACCURACY, *SPIKES) if grey else (ACCURACY, *COSTS)
    problem = Problem(
        space(), OBJECTIVES, learned, ("silence",), compose=_compose if grey else None, seed=seed
    )

    def run(config: Config, rng: np.random.Generator) -> Measured:
        return _measure(config, need, rng.standard_normal(4), grey, graded)

    return Box(problem, run, lambda config: _measure(config, need, np.zeros(4), grey, graded))


def _compose(configs: Sequence[Config], outcomes: np.ndarray) -> Mapping[str, np.ndarray]:
    """One design per configuration: (S, K, 1)."""
    pairs = [costs(config, outcomes[:, k, 1], outcomes[:, k, 2]) for k, config in enumerate(configs)]
    latency, energy = (np.stack([pair[part] for pair in pairs], axis=1)[..., None] for part in (0, 1))
    return {"accuracy": outcomes[..., :1], "latency_us": latency, "energy_uj": energy}


def _measure(config: Config, need: float, noise: np.ndarray, grey: bool, graded: bool) -> Measured:
    weakest, rates = _activity(config)
    silent = 1.0 / (1.0 + math.exp(2.5 * (weakest - need))) + 0.02 * float(noise[0])
    shown = silent - SILENT_SHARE if graded else (1.0 if silent > SILENT_SHARE else -1.0)
    if silent > SILENT_SHARE:
        return None, {"silence": shown}
    score = 4.2 - 1.4 * _loss(config, weakest - need) + 0.08 * float(noise[1])
    steps = float(config["time_steps"])
    spikes = [
        float(config[f"width_{k}"]) * steps * rates[k - 1] * math.exp(0.05 * float(noise[1 + k]))
        for k in (1, 2)
    ]
    outcomes = {"accuracy": 1.0 / (1.0 + math.exp(-score))}
    if grey:
        return outcomes | {"spikes_1": spikes[0], "spikes_2": spikes[1]}, {"silence": shown}
    latency, energy = costs(config, np.array(spikes[0]), np.array(spikes[1]))
    return outcomes | {"latency_us": float(latency), "energy_uj": float(energy)}, {"silence": shown}


def _activity(config: Config) -> tuple[float, tuple[float, float]]:
    """The weaker layer's drive, and the firing rates per neuron and time step of both layers."""
    scale, threshold = math.log(float(config["weight_scale"])), math.log(float(config["threshold"]))
    common = scale - threshold - 0.35 * math.log1p(-float(config["beta"]))
    common += {"lif": 0.0, "lapicque": -0.3, "synaptic": 0.3}[str(config["neuron"])]
    common += 0.3 * math.log(float(config["time_steps"]) / 12) - 0.12 * float(config["refractory"])
    common -= 0.4 * max(0.0, math.log10(float(config["learning_rate"]) / 1e-2))
    first = common + 0.8 * math.log(float(config["input_gain"]))
    rate_1 = 0.5 / (1.0 + math.exp(1.5 - first))
    second = common + 0.6 * math.log(rate_1 * float(config["width_1"]) / 8)
    second += 0.5 * math.log1p(-float(config["dropout"]))
    rate_2 = 0.5 / (1.0 + math.exp(1.5 - second))
    return min(first, second), (rate_1, rate_2)


def _loss(config: Config, spare: float) -> float:
    """What accuracy loses, in logits; ``spare`` is the drive beyond what is needed."""
    adam = config["training"] == "adam"
    momentum = 0.0 if adam else float(config["momentum"])
    best_rate = 3e-3 if adam else 2e-2 * (1.0 - 0.9 * momentum)
    rate = math.log10(float(config["learning_rate"]) / best_rate)
    rate -= 0.3 * math.log2(float(config["batch_size"]) / 32) / 2
    slope = math.log(float(config["slope"]) / 8)
    loss = 0.7 * rate**2 + 0.12 * slope**2 + 0.25 * (spare - 1.2) ** 2
    loss += {"fast_sigmoid": 0.0, "arctangent": 0.2, "escape": 0.1 + 0.2 * slope**2}[str(config["surrogate"])]
    loss += (
        0.2 * (not adam) + 0.15 * (config["reset"] == "zero") + 2.0 * (float(config["dropout"]) - 0.2) ** 2
    )
    loss += 14.0 / float(config["width_1"]) + 10.0 / float(config["width_2"])
    return loss + 4.0 / float(config["time_steps"]) + 0.4 * 2.0 ** (5 - float(config["weight_bits"]))
