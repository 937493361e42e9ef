"""Networks to and from NIR, the Neuromorphic Intermediate Representation (Pedersen et al., 2024).

NIR states neurons as differential equations; both directions discretise them by forward Euler in steps of dt,
as snnTorch's converter does::

    LIF      tau * dv/dt = v_leak - v + r * I    v[t] = (1 - dt/tau) * v[t-1] + dt/tau * (v_leak + r * I[t])
    IF       dv/dt = r * I                       v[t] = v[t-1] + dt * r * I[t]
    CubaLIF  tau_syn * dI/dt = -I + w_in * S     I[t] = (1 - dt/tau_syn) * I[t-1] + dt/tau_syn * w_in * S[t]

A neuron with v > v_threshold spikes, and its v becomes v_reset. A chain of Input, Linear or Affine, neurons,
and Output can be read, with Flatten where it changes nothing. NIR has no reset by subtraction, none without
effect, and no refractory steps: such layers are refused on export.
"""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from hardware.network import FloatArray, Reset, TrainedLayer, TrainedNetwork
from hardware.quantize import check_network
from spikefront.errors import DesignError, InputError

DT_S = 1e-4
"""Step in seconds where neither the caller nor the graph names one: the one snnTorch's converter uses."""
DAMAGE = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    AssertionError,
    IndexError,
    RecursionError,
)
SYNAPSES = ("Linear", "Affine")
NEURONS = ("LIF", "IF", "CubaLIF")
IGNORED = ("Input", "Output", "Flatten")


def save_nir(path: Path, network: TrainedNetwork, dt_s: float = DT_S) -> None:
    """Write ``network`` as a NIR graph; its step ``dt_s`` goes into the graph's metadata.

    Raises:
        DesignError: where a layer has no equivalent in NIR.
        InputError: where nir is not installed or the file cannot be written.
    """
    graph = to_nir(network, dt_s)
    try:
        _nir().write(path, graph)
    except OSError as error:
        raise InputError(f"The NIR file {path} cannot be written ({error}); choose another path.") from None


def to_nir(network: TrainedNetwork, dt_s: float = DT_S) -> Any:
    """Return ``network`` as a ``nir.NIRGraph``: per layer an Affine or Linear node and a neuron node.

    Raises:
        DesignError: where a layer has no equivalent in NIR.
    """
    check_network(network)
    nir = _nir()
    nodes: dict[str, Any] = {"input": nir.Input({"input": np.array([network.sizes[0]])})}
    for index, layer in enumerate(network.layers):
        _check_exportable(layer, index)
        weight = np.asarray(layer.weight, dtype=np.float64)
        bias = layer.bias
        nodes[f"synapse{index}"] = nir.Linear(weight) if bias is None else nir.Affine(weight, np.array(bias))
        nodes[f"neuron{index}"] = _to_neuron(nir, layer, dt_s)
    nodes["output"] = nir.Output({"output": np.array([network.sizes[-1]])})
    names = list(nodes)
    return nir.NIRGraph(nodes, list(pairwise(names)), metadata={"dt": dt_s})


def load_nir(path: Path, time_steps: int, dt_s: float | None = None) -> TrainedNetwork:
    """Read a NIR graph that was trained elsewhere, to be fed with spikes.

    Args:
        path: the file.
        time_steps: steps per inference.
        dt_s: step in seconds; by default the graph's own metadata ``dt``, else ``DT_S``.

    Raises:
        InputError: where nir is not installed, or the file is missing or no NIR graph.
        DesignError: naming the node that cannot be built, and why.
    """
    nir, path = _nir(), Path(path)
    if not path.is_file():
        raise InputError(f"There is no NIR file at {path}; check the path.")
    try:
        graph = nir.read(path, type_check=False)
    except DAMAGE as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{path} is no NIR graph that can be read ({reason}); export it again.") from None
    return from_nir(graph, time_steps, dt_s)


def from_nir(graph: Any, time_steps: int, dt_s: float | None = None) -> TrainedNetwork:
    """Return a ``nir.NIRGraph`` as a trained network; see ``load_nir``.

    Raises:
        DesignError: naming the node that cannot be built, and why.
    """
    step = float(graph.metadata.get("dt", DT_S)) if dt_s is None else dt_s
    if not (np.isfinite(step) and step > 0):
        raise DesignError(f"The step dt = {step} is no time; give seconds above zero.")
    chain = [(name, node) for name, node in _chain(graph) if type(node).__name__ not in IGNORED]
    for place, (name, node) in enumerate(chain):
        expected = NEURONS if place % 2 else SYNAPSES
        kind = type(node).__name__
        if kind not in expected:
            raise DesignError(
                f"Node {name!r} of the NIR graph is {kind}, where one of {', '.join(expected)} must stand; "
                "only chains of these can be built."
            )
    if len(chain) % 2 or not chain:
        raise DesignError("The NIR graph does not end in neurons; give every layer its LIF, IF or CubaLIF.")
    pairs = zip(chain[::2], chain[1::2], strict=True)
    layers = tuple(_to_layer(synapse, neuron, step) for synapse, neuron in pairs)
    network = TrainedNetwork(layers, time_steps, "rate")
    check_network(network)
    return network


def _nir() -> Any:
    try:
        import nir
    except ImportError as error:
        raise InputError(f"NIR is not installed ({error}): pip install 'spikefront[nir]'.") from None
    return nir


def _check_exportable(layer: TrainedLayer, index: int) -> None:
    reasons = {
        f"reset {layer.reset!r}": layer.reset not in {"zero", "fixed"},
        "refractory steps": layer.rest > 0,
        "recurrent weights": layer.recurrent is not None,
        "reset 'fixed' without decay of the membrane": layer.reset == "fixed" and layer.beta == 0,
    }
    for reason, found in reasons.items():
        if found:
            raise DesignError(
                f"Layer {index} has {reason}, which NIR's neurons cannot express; train with reset 'zero'."
            )


def _to_neuron(nir: Any, layer: TrainedLayer, dt_s: float) -> Any:
    ones = np.ones(layer.weight.shape[0])
    reset = layer.reset_value / layer.beta if layer.reset == "fixed" else 0.0
    common = {"v_threshold": layer.threshold * ones, "v_reset": reset * ones}
    if layer.alpha is None and layer.beta == 1:
        return nir.IF(r=ones / dt_s, **common)
    # A decay of 1 is a time constant without end: so long that 1 - dt/tau is 1 in double precision.
    tau = dt_s / max(1 - layer.beta, 1e-17)
    leaky = {"r": tau / dt_s * ones, "v_leak": 0 * ones, **common}
    if layer.alpha is None:
        return nir.LIF(tau=tau * ones, **leaky)
    tau_syn = dt_s / max(1 - layer.alpha, 1e-17)
    return nir.CubaLIF(tau_syn=tau_syn * ones, tau_mem=tau * ones, w_in=tau_syn / dt_s * ones, **leaky)


def _chain(graph: Any) -> list[tuple[str, Any]]:
    """Return the nodes from the input on; every node must have one successor, the output none."""
    after: dict[str, str] = {}
    for source, target in graph.edges:
        if source in after or target in after.values():
            raise DesignError(
                f"The NIR graph branches or loops at the edge {source!r} -> {target!r}; only chains "
                "can be built."
            )
        after[source] = target
    starts = [name for name, node in graph.nodes.items() if type(node).__name__ == "Input"]
    names = starts[:1]
    # Nothing leads to a start, and nothing has two successors, so the walk ends.
    while names and names[-1] in after and names[0] not in after.values():
        names.append(after[names[-1]])
    if len(names) != len(graph.nodes):
        raise DesignError(
            f"{len(names)} of the {len(graph.nodes)} nodes of the NIR graph follow its input in one chain; "
            "give one chain from Input to Output."
        )
    return [(name, graph.nodes[name]) for name in names]


def _to_layer(synapse: tuple[str, Any], neuron: tuple[str, Any], dt_s: float) -> TrainedLayer:
    """Return a layer; thresholds that differ among its neurons become equal by scaling their weights."""
    name, node = neuron
    weight = np.asarray(synapse[1].weight, dtype=np.float64)
    if weight.ndim != 2 or 0 in weight.shape:
        raise DesignError(
            f"Node {synapse[0]!r} has weights of shape {weight.shape}; give (n_out, n_in), both at least 1."
        )
    n_out = len(weight)
    values = {key: _per_neuron(name, key, value, n_out) for key, value in _parameters(node).items()}
    threshold = values["v_threshold"]
    if not bool((threshold > 0).all()):
        raise DesignError(
            f"Node {name!r} has thresholds down to {threshold.min():g}; they must be above zero."
        )
    unit = np.ones(n_out) if np.ptp(threshold) == 0 else threshold
    beta, gain, offset = _dynamics(name, node, values, dt_s)
    alpha = _decay(name, "tau_syn", values["tau_syn"], dt_s) if "tau_syn" in values else None
    bias = _per_neuron(synapse[0], "bias", getattr(synapse[1], "bias", 0.0), n_out)
    drive = offset + gain * bias
    reset, reset_value = _reset(name, values["v_reset"] / unit, beta)
    return TrainedLayer(
        weight=(gain / unit)[:, None] * weight,
        beta=beta,
        threshold=float(threshold[0] / unit[0]),
        reset=reset,
        alpha=alpha,
        bias=drive / unit if drive.any() else None,
        reset_value=reset_value,
    )


def _parameters(node: Any) -> dict[str, Any]:
    names = ("tau", "tau_mem", "tau_syn", "r", "v_leak", "v_threshold", "v_reset", "w_in")
    return {name: getattr(node, name) for name in names if hasattr(node, name)}


def _per_neuron(node: str, name: str, value: Any, n_out: int) -> FloatArray:
    array = np.asarray(value, dtype=np.float64).reshape(-1)
    if array.size not in {1, n_out} or not np.isfinite(array).all():
        raise DesignError(
            f"Node {node!r} has {array.size} values of {name} for {n_out} neurons, or some that are no "
            "numbers; give one finite value per neuron."
        )
    return np.asarray(np.broadcast_to(array, (n_out,)))


def _dynamics(
    name: str, node: Any, values: dict[str, FloatArray], dt_s: float
) -> tuple[float, FloatArray, FloatArray]:
    """Return decay, gain per neuron of the weighted input, and what is added in every step."""
    r = values["r"]
    if type(node).__name__ == "IF":
        return 1.0, dt_s * r, np.zeros_like(r)
    tau = values["tau"] if "tau" in values else values["tau_mem"]
    beta = _decay(name, "tau", tau, dt_s)
    gain, offset = r * dt_s / tau, values["v_leak"] * dt_s / tau
    if "tau_syn" in values:
        if offset.any():
            raise DesignError(f"Node {name!r} has v_leak {values['v_leak'][0]:g}; a CubaLIF needs 0 here.")
        gain = gain * values["w_in"] * dt_s / values["tau_syn"]
    return beta, gain, offset


def _decay(name: str, what: str, tau: FloatArray, dt_s: float) -> float:
    """Return 1 - dt/tau, which must be one value of 0..1 for the whole layer."""
    if not bool((tau >= dt_s).all()):
        raise DesignError(
            f"Node {name!r} has {what} down to {tau.min():g} s, below the step of {dt_s:g} s; give a "
            "smaller dt."
        )
    decays = 1 - dt_s / tau
    if np.ptp(decays) > 1e-6:
        raise DesignError(
            f"Node {name!r} has {what} from {tau.min():g} to {tau.max():g} s; the accelerator decays "
            "all neurons of a layer alike, so give them one time constant."
        )
    return float(decays.mean())


def _reset(name: str, value: FloatArray, beta: float) -> tuple[Reset, float]:
    """Return the reset and its value: what a spike leaves behind has leaked by the next step."""
    if np.ptp(value) > 1e-9:
        raise DesignError(
            f"Node {name!r} resets its neurons to different shares of their thresholds; give one."
        )
    return ("fixed", beta * float(value[0])) if value.any() else ("zero", 0.0)
