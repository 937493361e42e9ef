"""The scales on which models learn outcomes: logarithm, logit, or a power chosen by likelihood."""

import math
from dataclasses import dataclass, replace

import numpy as np

from hpo.optimizer.likelihood import fit_one
from hpo.optimizer.problem import FloatArray, Transform

# Shares closer to 0 or 1 than this are noise of a finite validation set.
SHARE_LEAST = 1e-3
# Powers weighed where no scale is stated. Within 0..2 the inverse is defined everywhere.
POWERS = (0.0, 0.5, 1.0, 1.5)
# Below this many values the power is not chosen.
POWER_ROWS = 10
# Rows on which powers are compared.
CHOICE_ROWS = 80


@dataclass(frozen=True)
class Scale:
    """A one-to-one map of an outcome's natural units to what a model learns.

    Attributes:
        transform: "log" and "logit" as they say; "identity" is a power transform.
        least: floor of a logarithm.
        shift, spread: where the power transform has its middle, and its unit.
        power: 1 leaves values as they are (in units of ``spread``); less pulls in a long upper tail.
        even: whether the lower tail is bent as the upper one is; else its power is 2 - ``power``.
    """

    transform: Transform
    least: float = 0.0
    shift: float = 0.0
    spread: float = 1.0
    power: float = 1.0
    even: bool = False

    def to_model(self, values: FloatArray) -> FloatArray:
        """Values in natural units, of any shape, on the model's scale."""
        if self.transform == "logit":
            shares = np.clip(values, SHARE_LEAST, 1.0 - SHARE_LEAST)
            return np.asarray(np.log(shares) - np.log1p(-shares))
        if self.transform == "log":
            return np.log(np.maximum(values, self.least))
        return bent((values - self.shift) / self.spread, self.power, self.even)

    def back(self, values: FloatArray) -> FloatArray:
        """Inverse of ``to_model``."""
        if self.transform == "logit":
            return np.asarray(0.5 * (1.0 + np.tanh(0.5 * values)))
        if self.transform == "log":
            return np.exp(np.clip(values, -600.0, 600.0))
        return self.shift + self.spread * unbent(values, self.power, self.even)

    def log_slope(self, values: FloatArray) -> float:
        """Sum of the logarithms of the power transform's slopes, up to a constant, at values (n,)."""
        away = (values - self.shift) / self.spread
        signs = 1.0 if self.even else np.sign(away)
        return (self.power - 1.0) * float((signs * np.log1p(np.abs(away))).sum())


def stated(values: FloatArray, transform: Transform) -> Scale:
    """The scale of measured values (n,) where it is stated, or where they are too few to choose a power.

    A logarithm has a floor at a tenth of the smallest positive value, so that a single zero is no outlier.
    """
    if transform != "log":
        return Scale(transform)
    positive = values[values > 0]
    return Scale("log", least=float(0.1 * positive.min()) if len(positive) else 1.0)


def centred(values: FloatArray) -> Scale:
    """Values (n,) around their median, in units of the spread of their middle half."""
    low, shift, high = np.quantile(values, [0.25, 0.5, 0.75])
    return Scale("identity", shift=float(shift), spread=float(high - low) or 1.0)


def signed(values: FloatArray) -> Scale:
    """Constraint values (n,), whose zero stays where it is, in units of their median magnitude.

    With power 0 it is SCBO's bilog (Eriksson & Poloczek, AISTATS 2021).
    """
    return Scale("identity", spread=float(np.median(np.abs(values))) or 1.0, even=True)


def likeliest(rows: FloatArray, values: FloatArray, start: Scale) -> Scale:
    """``start`` with the power of ``POWERS`` under which a Gaussian process explains values (n,) best.

    Best is the largest marginal likelihood in natural units, at fitted hyperparameters; rows are (n, d).
    """
    if len(values) < POWER_ROWS:
        return start
    some = np.linspace(0, len(rows) - 1, min(len(rows), CHOICE_ROWS)).round().astype(np.int64)
    scales = [replace(start, power=power) for power in POWERS]
    return max(scales, key=lambda scale: _evidence(rows[some], values[some], scale))


def _evidence(rows: FloatArray, values: FloatArray, scale: Scale) -> float:
    bent_values = scale.to_model(values)
    spread = max(float(bent_values.std()), 1e-9)
    found = fit_one(rows, (bent_values - bent_values.mean()) / spread)
    return found.log_posterior - len(values) * math.log(spread) + scale.log_slope(values)


def bent(values: FloatArray, power: float, even: bool = False) -> FloatArray:
    """Yeo-Johnson transform (Biometrika 87, 2000), or its upper half on both sides of zero.

    Values of any shape, power in 0..2.
    """
    logs = np.log1p(np.abs(values))
    powers = (power, power if even else 2.0 - power)
    grown = [logs if p == 0 else np.expm1(np.minimum(p * logs, 600.0)) / p for p in powers]
    return np.asarray(np.where(values >= 0, grown[0], -grown[1]))


def unbent(values: FloatArray, power: float, even: bool = False) -> FloatArray:
    """Inverse of ``bent``."""
    size = np.abs(values)
    powers = (power, power if even else 2.0 - power)
    logs = [np.minimum(size if p == 0 else np.log1p(p * size) / p, 600.0) for p in powers]
    return np.asarray(np.where(values >= 0, np.expm1(logs[0]), -np.expm1(logs[1])))
