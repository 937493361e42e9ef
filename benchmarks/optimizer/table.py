"""The recorded trainings as a black box: real landscapes in milliseconds (``table_record``, ``table_fit``).

A configuration of ``table.toml``'s space is answered by the models' means; accuracy and spikes vary with the
trial as trainings with other seeds do. Latency and energy follow exactly from ``hardware``, as in a campaign,
lanes and accelerator family being searched like everything else: one design per configuration.
"""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np

from benchmarks.optimizer.box import Box, Measured
from benchmarks.optimizer.table_features import PRICED, features, recorded, space_without, specification
from benchmarks.optimizer.table_fit import MODEL, OUTPUTS, tables
from hpo.problem import build_problem
from hpo.space import Config, Space

INPUT_SHAPE, CLASSES = (8, 8), 10
STOPPED = 0.975
"""Above this share of silent samples a training is stopped, and its outcomes stay unknown."""


@dataclass(frozen=True, eq=False)
class Model:
    """Means of a Gaussian process with a Matern 3/2 kernel.

    Attributes:
        rows: (n, d), divided by the lengthscales.
        low, scale: (d,), what columns are shifted and divided by.
        weights: (n,), of the rows.
        shift: of the values.
    """

    rows: np.ndarray
    low: np.ndarray
    scale: np.ndarray
    weights: np.ndarray
    shift: float

    def mean(self, columns: np.ndarray) -> float:
        """At one row of columns (d,)."""
        distance = np.sqrt(3.0 * ((self.rows - (columns - self.low) / self.scale) ** 2).sum(axis=1))
        return self.shift + float(((1.0 + distance) * np.exp(-distance)) @ self.weights)


@dataclass(frozen=True)
class Table:
    """The models, the spaces that they see, and the noise (4,) of a training."""

    models: dict[str, Model]
    whole: Space
    trained: Space
    noise: np.ndarray
    tolerated: float

    def measure(self, config: Config, normals: np.ndarray) -> Measured:
        """Outcomes and constraint of a configuration, with noise by standard normals (4,)."""
        trained = {name: value for name, value in config.items() if name not in PRICED}
        shift = dict(zip(OUTPUTS, self.noise * normals, strict=True))
        columns = features(self.trained, {k: v for k, v in trained.items() if k != "weight_bits"})
        share = _share(self.models["silence"].mean(columns) + shift["silence"])
        constraints = {"silence": share - self.tolerated}
        if share > STOPPED:
            return None, constraints
        columns = features(self.whole, trained)
        mean = {name: self.models[name].mean(columns) + shift[name] for name in OUTPUTS[:-1]}
        spikes = {name: math.exp(mean[name]) for name in OUTPUTS[1:-1]}
        return {"accuracy": _share(mean["accuracy"]), **spikes}, constraints


def table(seed: int) -> Box:
    """The box whose problem has ``seed``."""
    found = _table()
    spec = specification().model_copy(update={"seed": seed})
    problem = build_problem(spec, INPUT_SHAPE, CLASSES)
    return Box(
        problem,
        lambda config, rng: found.measure(config, rng.standard_normal(len(OUTPUTS))),
        lambda config: found.measure(config, np.zeros(len(OUTPUTS))),
    )


@cache
def _table() -> Table:
    tolerated = specification().silence.beta_silent
    known = tables([t for t in recorded() if "repeat_of" not in t], tolerated)
    with np.load(MODEL) as arrays:
        models = {}
        for name in OUTPUTS:
            low, scale = arrays[f"{name}_low"], arrays[f"{name}_scale"]
            rows = (known[name].columns - low) / scale
            models[name] = Model(rows, low, scale, arrays[f"{name}_weights"], float(arrays[f"{name}_shift"]))
        noise = arrays["noise"]
    whole, trained = space_without(*PRICED), space_without(*PRICED, "weight_bits")
    return Table(models, whole, trained, noise, tolerated)


def _share(logit: float) -> float:
    return 0.5 * (1.0 + math.tanh(0.5 * logit))
