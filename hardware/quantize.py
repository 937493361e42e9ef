"""From a trained network to integers: symmetric weights, one scale per layer, threshold in the same unit.

A spike is 0 or 1 whatever the scale of the layer that sent it, so every layer has its own scale and no
rescaling is needed between layers.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from hardware.integer import IntegerLayer, IntegerNetwork, membrane_range
from hardware.network import AcceleratorConfig, FloatArray, IntArray, TrainedLayer, TrainedNetwork
from spikefront.errors import DesignError, InputError

MAX_ACCUMULATOR_BITS = 48

BOUNDS = {
    "weight_bits": (2, 16),
    "membrane_bits": (3, 32),
    "leak_bits": (1, 16),
    "input_bits": (1, 16),
    "chunk_bits": (1, 32),
}


def quantize(network: TrainedNetwork, config: AcceleratorConfig) -> IntegerNetwork:
    """Return ``network`` in the integers of ``config``.

    Per layer, with wb weight bits and mb membrane bits::

        scale     = max( max|weight| / (2^(wb-1) - 1),  threshold / (2^(mb-1) - 2) )
        weight_q  = round(weight / scale)
        threshold = round(threshold / scale)
        leak      = round(beta * 2^leak_bits)                      "multiply"
                    the k in 1..mb-1 with 1 - 2^-k nearest beta    "shift"

    The second term of the scale coarsens it where the threshold would not fit the membrane potential.

    Raises:
        DesignError: naming the layer or the setting, its value and a remedy.
    """
    check_config(config, len(network.layers))
    check_network(network)
    layers = tuple(_quantize_layer(network, index, config) for index in range(len(network.layers)))
    return IntegerNetwork(layers, int(network.time_steps), network.encoding, config)


def quantize_inputs(values: FloatArray, bits: int) -> NDArray[np.uint16]:
    """Return currents 0..1 as integers: ``min(round(value * 2^bits), 2^bits - 1)``.

    The accelerator divides the weighted sum by ``2^bits`` (``hardware.reference``), so 1.0 is one LSB short.

    Raises:
        InputError: where a value is not a number of 0..1.
    """
    values = np.asarray(values)
    if not bool(np.all((values >= 0) & (values <= 1))):
        raise InputError(
            f"Constant currents run from 0 to 1, but the inputs span {np.min(values)} to {np.max(values)}; "
            "scale them first."
        )
    levels = np.minimum(np.rint(values * 2.0**bits), 2**bits - 1)
    return np.asarray(levels, dtype=np.uint16)


def _quantize_layer(network: TrainedNetwork, index: int, config: AcceleratorConfig) -> IntegerLayer:
    layer = network.layers[index]
    scale = _scale(layer, config)
    weight = np.rint(np.asarray(layer.weight, dtype=np.float64) / scale).astype(np.int64)
    threshold = round(layer.threshold / scale)
    if threshold < 1:
        raise DesignError(
            f"Layer {index}: the threshold {layer.threshold:g} rounds to zero beside its largest weight "
            f"{np.abs(layer.weight).max():g} at weight_bits = {config.weight_bits}; use more weight bits or "
            "train with smaller weights."
        )
    leak, beta = _leak(layer.beta, config)
    current = network.encoding == "direct" and index == 0
    bits = accumulator_bits(weight, config, current=current)
    if bits > MAX_ACCUMULATOR_BITS:
        raise DesignError(
            f"Layer {index} needs {bits} accumulator bits, above the {MAX_ACCUMULATOR_BITS} supported; "
            "use fewer weight_bits, membrane_bits or input_bits."
        )
    return IntegerLayer(weight, threshold, leak, layer.reset, layer.blank_after_spike, bits, scale, beta)


def _scale(layer: TrainedLayer, config: AcceleratorConfig) -> float:
    for_weights = float(np.abs(layer.weight).max()) / (2 ** (config.weight_bits - 1) - 1)
    for_threshold = layer.threshold / (2 ** (config.membrane_bits - 1) - 2)
    return float(max(for_weights, for_threshold))


def _leak(beta: float, config: AcceleratorConfig) -> tuple[int, float]:
    """Return the leak parameter and the decay per time step that it gives."""
    if config.leak == "multiply":
        factor = round(beta * 2**config.leak_bits)
        return factor, factor / 2**config.leak_bits
    shift = min(range(1, config.membrane_bits), key=lambda k: abs(beta - (1 - 2.0**-k)))
    return shift, 1 - 2.0**-shift


def accumulator_bits(weight: IntArray, config: AcceleratorConfig, *, current: bool) -> int:
    """Return the signed width that holds every partial sum of a layer, in whatever order spikes arrive.

    A sum of spikes starts at a membrane potential of ``membrane_bits``; a kept ``current`` starts at half an
    LSB and gains each weight up to ``2^input_bits - 1`` times.
    """
    gain = 2**config.input_bits - 1 if current else 1
    half = 2 ** (config.input_bits - 1)
    start_low, start_high = (0, half) if current else membrane_range(config)
    lowest = start_low - int(np.clip(-weight, 0, None).sum(axis=1).max()) * gain
    highest = start_high + int(np.clip(weight, 0, None).sum(axis=1).max()) * gain
    bits = 1 + max(highest.bit_length(), (-1 - lowest).bit_length())
    return max(bits, config.input_bits + 1) if current else bits


def check_config(config: AcceleratorConfig, layers: int) -> None:
    """Check that a network of ``layers`` layers could be built on ``config``.

    Raises:
        DesignError: naming the setting, its value and a remedy.
    """
    for name, (low, high) in BOUNDS.items():
        value = getattr(config, name)
        if not _is_whole(value) or not low <= value <= high:
            raise DesignError(
                f"{name} = {value!r} is outside {low}..{high}; choose a whole number in that range."
            )
    if config.leak not in {"multiply", "shift"}:
        raise DesignError(f"leak = {config.leak!r} is unknown; use 'multiply' or 'shift'.")
    if config.family != "event_driven":
        raise DesignError(f"family = {config.family!r} is unknown; use 'event_driven'.")
    if not (np.isfinite(config.clock_mhz) and config.clock_mhz > 0):
        raise DesignError(f"clock_mhz = {config.clock_mhz!r} is no frequency; give megahertz above zero.")
    _check_lanes(config, layers)


def _is_whole(value: object) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _check_lanes(config: AcceleratorConfig, layers: int) -> None:
    if len(config.lanes) != layers:
        raise DesignError(
            f"lanes = {list(config.lanes)} has {len(config.lanes)} for {layers} layers; give one per layer."
        )
    for lanes in config.lanes:
        if not _is_whole(lanes) or lanes < 1:
            raise DesignError(
                f"lanes = {list(config.lanes)} holds {lanes!r}; give whole numbers of at least 1."
            )


def check_network(network: TrainedNetwork) -> None:
    """Check that ``network`` is whole and its numbers are in range.

    Raises:
        DesignError: naming the layer, the value and a remedy.
    """
    if not network.layers:
        raise DesignError("The network has no layers; give at least one.")
    if network.encoding not in {"rate", "latency", "direct"}:
        raise DesignError(f"encoding = {network.encoding!r} is unknown; use 'rate', 'latency' or 'direct'.")
    if not _is_whole(network.time_steps) or not 1 <= network.time_steps <= 2**16:
        raise DesignError(
            f"time_steps = {network.time_steps!r} is outside 1..65536; choose one in that range."
        )
    for index, layer in enumerate(network.layers):
        for problem in _problems(layer):
            raise DesignError(f"Layer {index}: {problem}")
    for index, (before, after) in enumerate(zip(network.layers, network.layers[1:], strict=False)):
        if before.weight.shape[0] != after.weight.shape[1]:
            raise DesignError(
                f"Layer {index} has {before.weight.shape[0]} neurons but layer {index + 1} has "
                f"{after.weight.shape[1]} inputs; the two must be equal."
            )


def _problems(layer: TrainedLayer) -> Iterator[str]:
    weight = np.asarray(layer.weight)
    if weight.ndim != 2 or 0 in weight.shape:
        yield f"the weights have shape {weight.shape}; give (n_out, n_in) with both at least 1."
    elif weight.dtype.kind not in "fiu":
        yield f"the weights have dtype {weight.dtype}; give real numbers."
    elif not np.isfinite(weight).all():
        yield f"{int((~np.isfinite(weight)).sum())} weights are not finite; train again or drop this trial."
    if not (np.isfinite(layer.threshold) and layer.threshold > 0):
        yield f"the threshold is {layer.threshold}; it must be a finite number above zero."
    if not 0 <= layer.beta <= 1:
        yield f"beta is {layer.beta}; it must lie in 0..1."
    if layer.reset not in {"subtract", "zero", "none"}:
        yield f"reset = {layer.reset!r} is unknown; use 'subtract', 'zero' or 'none'."
    if layer.blank_after_spike and layer.reset != "zero":
        yield f"blank_after_spike needs reset 'zero', not {layer.reset!r}; change one of them."
