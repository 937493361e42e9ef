"""What the cycles to expect of a design are computed from: numbers per layer that no spike decides.

They are rows of arrays, so that many designs can be stacked and computed at once (``hardware.expected``).
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from hardware.convolution import taps
from hardware.network import AcceleratorConfig, Convolution, FloatArray
from hardware.shape import NetworkShape

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")


class Stream(NamedTuple):
    """Vectors of spikes that a layer works through, each bit Bernoulli with the mean rate p.

    They take ``per_spike * spikes + many * (1-p)^many_bits + few * (1-p)^few_bits + fixed`` cycles.

    Attributes:
        bits: bits of all vectors of an inference.
        per_spike: cycles per spike.
        many, many_bits: event-driven: full chunks and their width; a chunk without spikes takes a cycle.
            Clock-driven: cycles that vectors without any spike save, negative, and the width of a vector.
        few, few_bits: the last chunks, if narrower, and their width.
        fixed: cycles whatever the spikes.
    """

    bits: float = 0
    per_spike: float = 0
    many: float = 0
    many_bits: float = 0
    few: float = 0
    few_bits: float = 0
    fixed: float = 0


class Timing(NamedTuple):
    """How a layer's work adds up to an inference's cycles.

    Attributes:
        once: cycles that the layer adds once, besides its work of a step.
        once_share: share of the inputs' work that belongs to a step; all under direct encoding.
        pace: cycles per further step, besides its work.
        pace_share: share of the inputs' work per further step; none under direct encoding.
        own_share: share of the own spikes' work per step.
    """

    once: float
    once_share: float
    pace: float
    pace_share: float
    own_share: float


@dataclass(frozen=True, eq=False)
class CycleTerms:
    """A design's terms, or those of many designs stacked behind leading dimensions.

    Attributes:
        inputs: ``Stream`` of each layer's inputs (..., L, 7).
        own: ``Stream`` of each layer's own spikes of the step before (..., L, 7), zero unless recurrent.
        timing: ``Timing`` of each layer (..., L, 5).
        echoed: share of the spikes leaving a layer that come back to it (..., L), 0 unless it is recurrent.
        landing: mean taps of a spike that land inside the frame (..., L), 1 in a fully connected layer.
        further: time steps behind the first (...).
        summed: bool, whether layers work one after the other in a step, rather than all at once (...).
        end: cycles behind the last spike vector (...).
    """

    inputs: FloatArray
    own: FloatArray
    timing: FloatArray
    echoed: FloatArray
    landing: FloatArray
    further: FloatArray
    summed: NDArray[np.bool_]
    end: FloatArray


@lru_cache(maxsize=4096)
def cycle_terms(net: NetworkShape, config: AcceleratorConfig) -> CycleTerms:
    """Return the terms of a network on an accelerator."""
    layers, steps, groups = range(len(net.layers)), net.time_steps, net.groups(config)
    timing = _walked_timing if config.family == "clock_driven" else _scanned_timing
    return CycleTerms(
        inputs=np.array([_inputs(net, config, k, groups[k]) for k in layers], dtype=np.float64),
        own=np.array([_own(net, config, k, groups[k]) for k in layers], dtype=np.float64),
        timing=np.array([timing(net, config, k, groups[k]) for k in layers], dtype=np.float64),
        echoed=np.array([layer.recurrent * (steps - 1) / steps for layer in net.layers]),
        landing=np.array([_landing(layer.convolution) for layer in net.layers]),
        further=np.array(float(steps - 1)),
        summed=np.array(config.schedule == "sequential"),
        end=np.array(float(net.ranked + 1)),
    )


def stacked(found: Sequence[T]) -> T:
    """Return dataclasses of arrays as one, whose arrays have a new leading dimension."""
    names = [field.name for field in fields(found[0])]
    return replace(found[0], **{name: np.stack([getattr(one, name) for one in found]) for name in names})


@lru_cache(maxsize=1024)
def _landing(geometry: Convolution | None) -> float:
    return 1.0 if geometry is None else float(taps(geometry).mean())


def _inputs(net: NetworkShape, config: AcceleratorConfig, k: int, groups: int) -> Stream:
    layer, vectors = net.layers[k], net.vectors(k, config.input_bits)
    return _stream(layer.n_in, vectors, groups * layer.taps, config)


def _own(net: NetworkShape, config: AcceleratorConfig, k: int, groups: int) -> Stream:
    """Return the stream of own spikes, of all steps but the last; in step 0 the scanner is given zeros."""
    layer = net.layers[k]
    if not layer.recurrent:
        return Stream()
    found = _stream(layer.n_out, net.time_steps - 1, groups, config)
    zeros = 0 if config.family == "clock_driven" else -(-layer.n_out // config.chunk_bits)
    return found._replace(fixed=found.fixed + zeros)


def _stream(n: int, vectors: int, beats: int, config: AcceleratorConfig) -> Stream:
    """Return the stream of ``vectors`` of ``n`` bits, ``beats`` cycles for a spike or for a walked input."""
    if config.family == "clock_driven":
        walk = vectors * n * beats
        return Stream(vectors * n, many=-walk, many_bits=n, fixed=walk)
    full, rest = divmod(n, config.chunk_bits)
    return Stream(vectors * n, beats, vectors * full, config.chunk_bits, vectors * (rest > 0), rest)


def _scanned_timing(net: NetworkShape, config: AcceleratorConfig, k: int, groups: int) -> Timing:
    """Return the timing of an event-driven layer."""
    layer, share = net.layers[k], 1 / net.time_steps
    sweep, convolved = groups * layer.pixels, layer.convolution is not None
    latency, period = sweep + 4 + convolved, sweep + 1
    if net.direct and k == 0:  # the planes are scanned before step 0, and further steps begin with firing
        waits = 4 if layer.recurrent else 2  # for its own spikes, or only to fire again
        pace = sweep + 3 + convolved if config.schedule == "sequential" else sweep + waits
        return Timing(latency, 1, pace, 0, share)
    return Timing(latency, share, latency if config.schedule == "sequential" else period, share, share)


def _walked_timing(net: NetworkShape, config: AcceleratorConfig, k: int, groups: int) -> Timing:
    """Return the timing of a clock-driven layer; the first one's input is fetched before step 0."""
    layer, share, direct = net.layers[k], 1 / net.time_steps, net.direct and k == 0
    period = groups * layer.pixels + 1 + (layer.convolution is not None)
    fetch = 0 if k else -(-layer.n_in // config.chunk_bits) + 1
    once = period + fetch + config.input_bits * direct
    return Timing(once, 1 if direct else share, period, 0 if direct else share, share)
