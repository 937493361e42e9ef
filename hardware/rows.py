"""Sweeps of touched rows: which rows of a convolutional layer's frame fire in a step, and how long it takes.

A neuron that was never reached keeps the state of zeros that an inference starts from, and does not fire; so
a row of neurons need not fire before a tap of an input spike has landed in it. With Ho rows of Wo pixels in G
groups of channels, row r is due in step t where::

    landed[t, r]    a tap of an input spike of step t lands in row r
    touched[t, r]   landed[t', r] for some t' <= t
    due[t, r]       touched[t, r]                                                    in general
    due[t, r]       landed[t, r], or a spike of step t - 1 comes from row r,         neurons that hold still
                    and touched[T-1, r] in the last step, which clears all states

    firing          1 + max(1, Wo * G * sum of due[t] over rows)    cycles

Neurons hold still if without input nothing of them changes: integrate-and-fire of order I, without
refractory steps. One that fired may be above the threshold again where the reset subtracts or there is none;
a pooled spike counts for all rows of its window. The one cycle in front empties the spike vector.

A layer with a bias, or with a constant current under direct encoding, is never at rest: it fires all its
words in every step. So does a last layer whose membrane potentials decide the class: a resting one counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hardware.arrays import Array, cast, column, like, namespace
from hardware.integer import IntegerLayer, IntegerNetwork
from hardware.network import AcceleratorConfig, Convolution
from hardware.shape import LayerShape, NetworkShape

BoolArray = NDArray[np.bool_]


def by_rows(net: IntegerNetwork | NetworkShape, config: AcceleratorConfig, index: int) -> bool:
    """Return whether layer ``index`` of ``net`` fires touched rows only."""
    layer = net.layers[index]
    biased = layer.bias if isinstance(layer, LayerShape) else layer.bias is not None
    sweeps = config.sweep == "touched_rows" and layer.convolution is not None and not biased
    resting = index < len(net.layers) - 1 or net.readout != "max_membrane"
    return sweeps and resting and not (net.direct and index == 0)


def holds_still(layer: IntegerLayer, config: AcceleratorConfig) -> bool:
    """Return whether neurons that get no input and did not fire stay as they are."""
    no_leak = 0 if config.leak == "shift" else 1 << config.leak_bits
    return layer.leak == no_leak and layer.synapse_leak is None and layer.refractory_steps == 0


def rests_after_spike(layer: IntegerLayer) -> bool:
    """Return whether a reset leaves neurons that hold still below the threshold."""
    return layer.reset in {"zero", "fixed"}


@dataclass(frozen=True, eq=False)
class Firing:
    """How D designs fire one layer on N samples.

    Attributes:
        steps: time steps.
        words: state words of a row where touched rows fire, else all of the layer's: int64 (D, 1).
        rows: rows due in every step: int64 (T, N), None where all words fire.
    """

    steps: int
    words: Array
    rows: Array | None

    def cycles(self, step: int) -> Array:
        """Return the cycles (D, N), or (D, 1), of one step's firing."""
        return self.words if self.rows is None else _opened(self.words * self.rows[step])

    @property
    def all_cycles(self) -> Array:
        """The cycles (D, N), or (D, 1), of all firings."""
        if self.rows is None:
            return self.words * self.steps
        idle = (self.rows == 0).sum(axis=0)
        return self.all_words + self.steps + idle

    @property
    def all_words(self) -> Array:
        """The words (D, N), or (D, 1), that fire in an inference."""
        return self.words * (self.steps if self.rows is None else self.rows.sum(axis=0))


def _opened(words: Array) -> Array:
    return 1 + namespace(words).clip(words, 1, None)


def firings(nets: Sequence[IntegerNetwork], due: Sequence[Array | None], kind: Array) -> list[Firing]:
    """Return how ``nets``, which differ in lanes and clock alone, fire each layer.

    Args:
        nets: the networks.
        due: what ``due_counts`` returns for any of them.
        kind: an array of the kind that is wanted.
    """
    found = []
    for k, rows in enumerate(due):
        layer = nets[0].layers[k]
        parts = layer.convolution.frame[0] if rows is not None and layer.convolution is not None else 1
        words = column([net.sweeps[k] // parts for net in nets], kind)
        found.append(Firing(nets[0].time_steps, words, rows))
    return found


def due_counts(
    net: IntegerNetwork, spikes: Sequence[Array], inputs: Array, batch: int = 500
) -> list[Array | None]:
    """Return how many rows are due in every step, per layer: int64 (T, N), None where all words fire.

    It does not depend on lanes.

    Args:
        net: the network on its accelerator.
        spikes: those of every layer (N, T, n_out), by the integer reference.
        inputs: as ``hardware.reference.run`` takes them.
        batch: samples that are looked at at once.
    """
    return [
        _counted(net, k, (spikes[k - 1] if k else inputs, spikes[k]), batch)
        if by_rows(net, net.config, k)
        else None
        for k in range(len(net.layers))
    ]


def _counted(net: IntegerNetwork, index: int, signals: tuple[Array, Array], batch: int) -> Array:
    (entering, leaving), layer, xp = signals, net.layers[index], namespace(signals[0])
    parts = [
        due_rows(layer, net.config, entering[i : i + batch], leaving[i : i + batch]).sum(
            axis=2, dtype=xp.int64
        )
        for i in range(0, len(entering), batch)
    ]
    return xp.concatenate(parts, axis=0).T


def due_rows(layer: IntegerLayer, config: AcceleratorConfig, vectors: Array, spikes: Array) -> Array:
    """Return which rows fire: bool (N, T, Ho).

    Args:
        layer: a convolutional layer.
        config: the accelerator.
        vectors: spikes that enter the layer (N, T, n_in).
        spikes: spikes that leave it (N, T, n_out), behind the pooling.
    """
    shape = layer.convolution
    if shape is None:
        raise AssertionError("no convolution")
    landed = landed_rows(vectors, shape)
    touched = landed.cumsum(axis=1) > 0
    if not holds_still(layer, config):
        return touched
    if not rests_after_spike(layer):
        landed[:, 1:] |= _fired_rows(spikes, shape)[:, :-1]
    landed[:, -1] = touched[:, -1]
    return landed


def landed_rows(vectors: Array, shape: Convolution) -> Array:
    """Return in which rows of neurons a tap of a spike in ``vectors`` (N, T, n_in) lands: bool (N, T, Ho)."""
    frames = vectors.reshape(*vectors.shape[:2], *shape.in_shape) != 0
    live = np.asarray(_reach(shape.in_shape[2], shape.frame[1], shape).any(axis=1))
    lines = (frames & like(live, frames)).any(axis=(2, 4))
    return _meets(lines, _reach(shape.in_shape[1], shape.frame[0], shape))


def _fired_rows(spikes: Array, shape: Convolution) -> Array:
    """Return which rows of neurons a spike behind the pooling may come from: bool (N, T, Ho)."""
    lines = (spikes.reshape(*spikes.shape[:2], -1, *shape.out_frame) != 0).any(axis=(2, 4))
    windows = np.arange(shape.frame[0]) // shape.pool == np.arange(shape.out_frame[0])[:, None]
    return _meets(lines, windows)


def _meets(lines: Array, pairs: BoolArray) -> Array:
    """Return which columns of ``pairs`` (A, B) are paired with any of ``lines``, bool (..., A)."""
    real = namespace(lines).float64
    return cast(lines, real) @ cast(like(pairs, lines), real) > 0


def _reach(extent: int, size: int, shape: Convolution) -> BoolArray:
    """Return which of ``size`` rows (or columns) of neurons each input row (or column) reaches."""
    first = np.arange(extent)[:, None] + shape.padding - shape.stride * np.arange(size)
    return np.asarray((first >= 0) & (first < shape.kernel))
