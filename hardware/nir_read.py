"""From a NIR graph to a trained network: layer by layer along the chain of its nodes.

A layer is weights (Linear, Affine or Conv2d), with Flatten in front where a frame becomes a vector, and
neurons. SumPool2d 2x2 and a Threshold behind the neurons of a Conv2d are a max-pool: of spikes, it is an OR.
Other pools are linear, and become part of the weights behind them.
"""

import json
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from hardware.checks import check_config, check_network
from hardware.network import AcceleratorConfig, TrainedLayer, TrainedNetwork
from hardware.nir_graph import DENSE, Link, chain
from hardware.nir_neuron import FREE, MARK, RESETTING, Decay, Discretisation, neuron, per_unit
from hardware.nir_weights import POOLS, Pool, Weights, pool_of, weights_of
from spikefront.errors import DesignError

DT_S = 1e-4
"""Step in seconds where neither the caller nor the graph names one: the one snnTorch's converter uses."""
TIME_STEPS = 25
SYNAPSES = (*DENSE, "Conv2d")


@dataclass(frozen=True)
class Reading:
    """How to understand what a graph leaves open.

    Attributes:
        time_steps: steps per inference; None for the graph's own mark, else ``TIME_STEPS``.
        dt_s: step in seconds; None for the graph's own metadata ``dt``, else ``DT_S``.
        decay: how time constants become decays; see ``hardware.nir_neuron``.
        reset: "subtract" for a graph whose tool resets by subtraction and did not say so; None for what the
            graph says.
    """

    time_steps: int | None = None
    dt_s: float | None = None
    decay: Decay = "euler"
    reset: Literal["subtract"] | None = None


def from_nir(graph: Any, how: Reading | None = None) -> TrainedNetwork:
    """Return a ``nir.NIRGraph`` as a trained network.

    Raises:
        DesignError: naming the node that cannot be built, and why.
    """
    how, mark = how or Reading(), _mark(graph)
    own_dt = graph.metadata.get("dt", DT_S) if how.dt_s is None else how.dt_s
    dt_s = float(_number("dt", own_dt, (int, float, np.integer, np.floating)))
    if not (np.isfinite(dt_s) and dt_s > 0):
        raise DesignError(f"The step dt = {dt_s} is no time; give seconds above zero.")
    steps = Discretisation(dt_s, how.decay, how.reset == "subtract")
    # What overflows becomes a weight that is not finite, which is refused by name.
    with np.errstate(all="ignore"):
        layers = _Reader(chain(graph), steps).layers()
    whole = (int, np.integer)
    time_steps = mark.get("time_steps", TIME_STEPS) if how.time_steps is None else how.time_steps
    network = TrainedNetwork(
        layers,
        int(_number("time_steps", time_steps, whole)),
        mark.get("encoding", "rate"),
        mark.get("readout", "count"),
        int(_number("population", mark.get("population", 1), whole)),
    )
    check_network(network)
    return network


def accelerator_of(graph: Any) -> AcceleratorConfig | None:
    """Return the accelerator that Spikefront exported the graph's network with; None for other graphs.

    Raises:
        DesignError: where the graph's mark holds no accelerator that could be built.
    """
    text = _mark(graph).get("accelerator")
    if text is None:
        return None
    try:
        values = json.loads(text)
        config = AcceleratorConfig(**{**values, "lanes": tuple(values["lanes"])})
        check_config(config, len(config.lanes))
    except (ValueError, TypeError, KeyError, DesignError) as error:
        reason = " ".join(str(error).split())[:200]
        raise DesignError(f"The NIR graph's mark names no accelerator ({reason}); export it again.") from None
    return config


def _mark(graph: Any) -> dict[str, Any]:
    mark = graph.metadata.get(MARK, {})
    if not isinstance(mark, dict) or not all(isinstance(v, (str, int, np.integer)) for v in mark.values()):
        raise DesignError(f"The NIR graph's metadata {MARK!r} is damaged; export it again.")
    return mark


def _number(name: str, value: Any, kinds: tuple[type, ...]) -> Any:
    if not isinstance(value, kinds) or isinstance(value, bool):
        raise DesignError(f"The NIR graph has {name} = {value!r}, which is no number; give it on reading.")
    return value


class _Reader:
    """Walks along the chain; ``shape`` is that of the signal at the place."""

    def __init__(self, links: list[Link], how: Discretisation) -> None:
        self.rest = links
        self.how = how
        self.shape: tuple[int, ...] = ()
        self.flat = False
        self.pool: Pool | None = None
        self.done: list[TrainedLayer] = []

    def layers(self) -> tuple[TrainedLayer, ...]:
        """Return the layers from first to last."""
        while self.rest:
            link = self.rest.pop(0)
            if link.kind == "Input":
                self.shape = _sizes(link, link.node.input_type)
            elif link.kind == "Output":
                self._check_output(link)
            elif link.kind == "Flatten":
                self.flat = True
            elif link.kind in POOLS:
                self._pool(link)
            elif link.kind in SYNAPSES:
                self._layer(link)
            else:
                raise DesignError(_misplaced(link, [*SYNAPSES, *POOLS]))
        if self.pool is not None or not self.done:
            raise DesignError(
                "The NIR graph does not end in neurons; give every layer its LIF, IF or CubaLIF."
            )
        return tuple(self.done)

    def _pool(self, link: Link) -> None:
        if self.flat or self.pool is not None:
            front = "a Flatten" if self.flat else "another pool"
            raise DesignError(f"Node {link.name!r} pools behind {front}, which cannot be built; drop one.")
        pool = pool_of(link, self.shape)
        if not self._next("Threshold"):
            self.pool, self.shape = pool, pool.shape
            return
        gate = self.rest.pop(0)
        level = per_unit(gate.name, "threshold", gate.node.threshold, pool.shape)
        before = self.done[-1].convolution if self.done else None
        if before is None or before.pool != 1 or pool.size != 2 or not pool.is_or(level):
            raise DesignError(
                f"Nodes {link.name!r} and {gate.name!r} pool by {pool.size}x{pool.size} with a threshold of "
                f"{level[0]:g}; only a 2x2 pool behind the neurons of a Conv2d, where any spike counts, can "
                "be built."
            )
        self.done[-1] = replace(self.done[-1], convolution=replace(before, pool=2))
        self.shape = pool.shape

    def _layer(self, link: Link) -> None:
        weights = weights_of(link, self.shape, self.pool, flat=self.flat)
        if not self.rest or self.rest[0].kind == "Output":
            raise DesignError(
                f"The NIR graph does not end in neurons behind {link.name!r}; give every layer its LIF, IF "
                "or CubaLIF."
            )
        if self.rest[0].kind not in (*RESETTING, *FREE):
            raise DesignError(_misplaced(self.rest[0], [*RESETTING, *FREE]))
        body = self.rest.pop(0)
        threshold = None
        if body.kind in FREE:
            if not self._next("Threshold"):
                raise DesignError(
                    f"Node {body.name!r} of the NIR graph is {body.kind}, which does not spike; put a "
                    "Threshold behind it, or use LIF, IF or CubaLIF."
                )
            threshold = self.rest.pop(0).node.threshold
        self.done.append(_trained(weights, body, threshold, self.how))
        self.shape, self.pool, self.flat = weights.out_shape, None, False

    def _next(self, kind: str) -> bool:
        return bool(self.rest) and self.rest[0].kind == kind

    def _check_output(self, link: Link) -> None:
        given = link.node.output_type
        if not given or next(iter(given.values())) is None:
            return
        sizes = _sizes(link, given)
        if np.prod(sizes) != np.prod(self.shape):
            raise DesignError(
                f"Node {link.name!r} has shape {list(sizes)} behind {list(self.shape)} neurons; make "
                "them equal."
            )


def _misplaced(link: Link, expected: list[str]) -> str:
    return (
        f"Node {link.name!r} of the NIR graph is {link.kind}, where one of {', '.join(expected)} must stand; "
        "only chains of these can be built."
    )


def _sizes(link: Link, types: Any) -> tuple[int, ...]:
    """Return the shape of an Input or Output, without leading batch dimensions of 1."""
    value = np.asarray(next(iter(types.values()))) if types else np.zeros(0)
    if value.dtype.kind not in "iu" or value.ndim != 1 or value.size < 1 or bool((value < 1).any()):
        raise DesignError(f"Node {link.name!r} has no shape of whole numbers; give it one.")
    sizes = [int(n) for n in value]
    while len(sizes) in {2, 4} and sizes[0] == 1:
        sizes = sizes[1:]
    return tuple(sizes)


def _trained(weights: Weights, body: Link, threshold: Any, how: Discretisation) -> TrainedLayer:
    """Return a layer; thresholds that differ among its neurons become equal by scaling their weights."""
    found = neuron(body.name, body.node, threshold, weights.out_shape, how)
    level = found.threshold
    unit = np.ones_like(level) if np.ptp(level) == 0 else level
    left = found.reset_value / unit
    if np.ptp(left) > 1e-9:
        raise DesignError(
            f"Node {body.name!r} resets its neurons to different shares of their thresholds; give one."
        )
    factor = found.gain / unit
    bias, recurrent = weights.bias, None
    if body.recurrent is not None:
        if weights.convolution is not None:
            raise DesignError(f"Node {body.recurrent.name!r} feeds a convolution's neurons back; drop it.")
        back = weights_of(body.recurrent, weights.out_shape, None, flat=False)
        if back.out_shape != weights.out_shape:
            raise DesignError(
                f"Node {body.recurrent.name!r} has weights of shape {back.weight.shape} for "
                f"{weights.out_shape[0]} recurrent neurons; give one row and one column per neuron."
            )
        bias, recurrent = bias + back.bias, factor[:, None] * back.weight
    drive = (found.offset + found.gain * bias) / unit
    return TrainedLayer(
        weight=factor.reshape(-1, *[1] * (weights.weight.ndim - 1)) * weights.weight,
        beta=found.beta,
        threshold=float(level[0] / unit[0]),
        reset=found.reset,
        alpha=found.alpha,
        bias=drive if drive.any() else None,
        reset_value=float(left[0]),
        recurrent=recurrent,
        convolution=weights.convolution,
    )
