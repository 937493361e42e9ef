"""From a trained network to integers: symmetric weights, one scale per layer, threshold in the same unit.

A spike is 0 or 1 whatever the scale of the layer that sent it, so every layer has its own scale and no
rescaling is needed between layers.
"""

from collections.abc import Iterator
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from hardware.integer import IntegerLayer, IntegerNetwork, membrane_range, signed_bits
from hardware.network import (
    AcceleratorConfig,
    Convolution,
    Encoding,
    FloatArray,
    IntArray,
    TrainedLayer,
    TrainedNetwork,
)
from spikefront.errors import DesignError, InputError

MAX_ACCUMULATOR_BITS = 48
MAX_REFRACTORY = 255

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

        scale     = max( max|weight| / (2^(wb-1) - 1),  max(threshold, |reset_value|) / (2^(mb-1) - 2) )
        weight_q  = round(weight / scale); threshold, bias and reset_value likewise
        leak      = round(beta * 2^leak_bits)                      "multiply"
                    the k in 1..mb-1 with 1 - 2^-k nearest beta, or 0 where 1 is nearer    "shift"

    The second term of the scale coarsens it where the threshold would not fit the membrane potential. The
    synaptic current's alpha becomes its leak as beta does.

    Raises:
        DesignError: naming the layer or the setting, its value and a remedy.
    """
    check_config(config, len(network.layers))
    check_network(network)
    layers = tuple(_quantize_layer(network, index, config) for index in range(len(network.layers)))
    return IntegerNetwork(
        layers, int(network.time_steps), network.encoding, config, network.readout, int(network.population)
    )


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
    weight = _rounded(layer.weight, scale)
    threshold = round(layer.threshold / scale)
    if threshold < 1:
        raise DesignError(
            f"Layer {index}: the threshold {layer.threshold:g} rounds to zero beside its largest weight "
            f"{np.abs(layer.weight).max():g} at weight_bits = {config.weight_bits}; use more weight bits or "
            "train with smaller weights."
        )
    leak, beta = _leak(layer.beta, config)
    bias = None if layer.bias is None else _rounded(layer.bias, scale)
    current = network.encoding == "direct" and index == 0
    recurrent = None if layer.recurrent is None else _rounded(layer.recurrent, scale)
    rows = weight.reshape(len(weight), -1)
    if recurrent is not None and not current:
        rows = np.hstack([rows, recurrent])
    bits = accumulator_bits(rows, config, current=current)
    if bias is not None:
        bits = max(bits, signed_bits(int(bias.min()), int(bias.max())))
    if bits > MAX_ACCUMULATOR_BITS:
        raise DesignError(
            f"Layer {index} needs {bits} accumulator bits, above the {MAX_ACCUMULATOR_BITS} supported; "
            "use fewer weight_bits, membrane_bits or input_bits."
        )
    return IntegerLayer(
        weight,
        threshold,
        leak,
        layer.reset,
        bits,
        scale,
        beta,
        refractory_steps=int(layer.rest),
        reset_value=min(round(layer.reset_value / scale), threshold),
        synapse_leak=None if layer.alpha is None else _leak(layer.alpha, config)[0],
        bias=bias,
        state_bits=_echo_bits(recurrent, config) if current else bits,
        recurrent=recurrent,
        convolution=layer.convolution,
    )


def fold_batch_norm(  # noqa: PLR0913  the six vectors of the published formula
    weight: FloatArray,
    bias: FloatArray | None,
    *,
    mean: FloatArray,
    var: FloatArray,
    gamma: FloatArray,
    beta: FloatArray,
    eps: float = 1e-5,
) -> tuple[FloatArray, FloatArray]:
    """Return (weight, bias) of a layer followed by batch normalisation in inference, as one layer.

    ``y = gamma * (weight @ x + bias - mean) / sqrt(var + eps) + beta`` (Ioffe & Szegedy, 2015, algorithm 2).

    Args:
        weight: float array (n_out, ...), outputs first.
        bias: float array (n_out,), or None for zeros.
        mean, var: running statistics, each (n_out,).
        gamma, beta: learned gain and offset, each (n_out,).
        eps: what the normalisation adds to the variance.

    Raises:
        DesignError: where shapes disagree or a variance is negative.
    """
    weight = np.asarray(weight, dtype=np.float64)
    start = np.zeros(len(weight)) if bias is None else np.asarray(bias, dtype=np.float64)
    mean, var, gamma, beta = (np.asarray(a, dtype=np.float64) for a in (mean, var, gamma, beta))
    for array in (start, mean, var, gamma, beta):
        if array.shape != (len(weight),):
            raise DesignError(
                f"A batch-norm vector has shape {array.shape} for {len(weight)} outputs; give one per output."
            )
    if not bool(np.all(var + eps > 0)):
        raise DesignError(
            f"The variances reach {var.min():g} with eps {eps:g}; their sum must be above zero."
        )
    gain = gamma / np.sqrt(var + eps)
    return weight * gain.reshape(-1, *[1] * (weight.ndim - 1)), (start - mean) * gain + beta


def _rounded(values: FloatArray, scale: float) -> IntArray:
    return np.rint(np.asarray(values, dtype=np.float64) / scale).astype(np.int64)


def _scale(layer: TrainedLayer, config: AcceleratorConfig) -> float:
    largest = max(float(np.abs(w).max()) for w in (layer.weight, layer.recurrent) if w is not None)
    for_weights = largest / (2 ** (config.weight_bits - 1) - 1)
    held = max(layer.threshold, abs(layer.reset_value))
    for_threshold = held / (2 ** (config.membrane_bits - 1) - 2)
    return float(max(for_weights, for_threshold))


def _leak(beta: float, config: AcceleratorConfig) -> tuple[int, float]:
    """Return the leak parameter and the decay per time step that it gives; shift 0 stands for no leak."""
    if config.leak == "multiply":
        factor = round(beta * 2**config.leak_bits)
        return factor, factor / 2**config.leak_bits
    decays = {k: 1 - 2.0**-k for k in range(1, config.membrane_bits)} | {0: 1.0}
    shift = min(decays, key=lambda k: abs(beta - decays[k]))
    return shift, decays[shift]


def _echo_bits(recurrent: IntArray | None, config: AcceleratorConfig) -> int:
    """Return the width of a state beside a kept current: own spikes alone are added to it."""
    return config.membrane_bits if recurrent is None else accumulator_bits(recurrent, config, current=False)


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
    bits = signed_bits(lowest, highest)
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
    if config.family not in {"event_driven", "clock_driven"}:
        raise DesignError(f"family = {config.family!r} is unknown; use 'event_driven' or 'clock_driven'.")
    if config.schedule not in {"pipelined", "sequential"}:
        raise DesignError(f"schedule = {config.schedule!r} is unknown; use 'pipelined' or 'sequential'.")
    if config.family == "clock_driven" and config.schedule != "pipelined":
        raise DesignError(
            f"schedule = {config.schedule!r} needs family 'event_driven', for clock-driven layers step "
            "together; use 'pipelined'."
        )
    if config.sweep not in {"dense", "touched_rows"}:
        raise DesignError(f"sweep = {config.sweep!r} is unknown; use 'dense' or 'touched_rows'.")
    if config.family == "clock_driven" and config.sweep != "dense":
        raise DesignError(
            f"sweep = {config.sweep!r} needs family 'event_driven', for clock-driven layers do not see where "
            "spikes land; use 'dense'."
        )
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
    if network.encoding not in get_args(Encoding):
        raise DesignError(
            f"encoding = {network.encoding!r} is unknown; use one of {', '.join(get_args(Encoding))}."
        )
    if not _is_whole(network.time_steps) or not 1 <= network.time_steps <= 2**16:
        raise DesignError(
            f"time_steps = {network.time_steps!r} is outside 1..65536; choose one in that range."
        )
    if network.readout not in {"count", "first_spike", "max_membrane"}:
        raise DesignError(
            f"readout = {network.readout!r} is unknown; use 'count', 'first_spike' or 'max_membrane'."
        )
    for index, layer in enumerate(network.layers):
        for problem in _problems(layer):
            raise DesignError(f"Layer {index}: {problem}")
    for index, (before, after) in enumerate(zip(network.layers, network.layers[1:], strict=False)):
        if before.n_out != after.n_in:
            raise DesignError(
                f"Layer {index} has {before.n_out} neurons but layer {index + 1} has {after.n_in} inputs; "
                "the two must be equal."
            )
    _check_population(network)


def _check_population(network: TrainedNetwork) -> None:
    population, neurons = network.population, network.sizes[-1]
    if not _is_whole(population) or population < 1 or neurons % population:
        raise DesignError(
            f"population = {population!r} does not divide the {neurons} output neurons; choose a divisor."
        )


def _problems(layer: TrainedLayer) -> Iterator[str]:
    weight = np.asarray(layer.weight)
    if layer.convolution is not None:
        yield from _convolution_problems(layer, layer.convolution)
    elif weight.ndim != 2 or 0 in weight.shape:
        yield f"the weights have shape {weight.shape}; give (n_out, n_in) with both at least 1."
    if weight.dtype.kind not in "fiu":
        yield f"the weights have dtype {weight.dtype}; give real numbers."
    elif not np.isfinite(weight).all():
        yield f"{int((~np.isfinite(weight)).sum())} weights are not finite; train again or drop this trial."
    if not (np.isfinite(layer.threshold) and layer.threshold > 0):
        yield f"the threshold is {layer.threshold}; it must be a finite number above zero."
    if not 0 <= layer.beta <= 1:
        yield f"beta is {layer.beta}; it must lie in 0..1."
    if layer.reset not in {"subtract", "zero", "fixed", "none"}:
        yield f"reset = {layer.reset!r} is unknown; use 'subtract', 'zero', 'fixed' or 'none'."
    if layer.blank_after_spike and layer.reset != "zero":
        yield f"blank_after_spike needs reset 'zero', not {layer.reset!r}; change one of them."
    yield from _neuron_problems(layer)


def _convolution_problems(layer: TrainedLayer, shape: Convolution) -> Iterator[str]:
    numbers = (*shape.in_shape, shape.kernel, shape.stride)
    if len(shape.in_shape) != 3 or not all(_is_whole(n) and n >= 1 for n in numbers):
        yield f"{shape} has a size that is no whole number of at least 1; correct it."
    elif not _is_whole(shape.padding) or not 0 <= shape.padding < shape.kernel:
        yield f"padding = {shape.padding!r} is outside 0..{shape.kernel - 1}; choose one in that range."
    elif shape.pool not in (1, 2):
        yield f"pool = {shape.pool!r} is unknown; use 2 for a 2x2 max-pool or 1 for none."
    elif min(n + 2 * shape.padding for n in shape.in_shape[1:]) < shape.kernel or min(shape.out_frame) < 1:
        yield f"a kernel of {shape.kernel} and pool {shape.pool} leave nothing of the frame {shape.in_shape}."
    weight, kernel = np.asarray(layer.weight), shape.kernel
    if weight.ndim != 4 or len(weight) < 1 or weight.shape[1:] != (shape.in_shape[0], kernel, kernel):
        expected = f"(channels, {shape.in_shape[0]}, {kernel}, {kernel})"
        yield f"the weights have shape {weight.shape}; give {expected}."
    if layer.recurrent is not None:
        yield "a convolutional layer cannot be recurrent; drop its recurrent weights."


def _neuron_problems(layer: TrainedLayer) -> Iterator[str]:
    if layer.alpha is not None and not 0 <= layer.alpha <= 1:
        yield f"alpha is {layer.alpha}; it must lie in 0..1, or be None for no synaptic current."
    if layer.bias is not None:
        bias = np.asarray(layer.bias)
        if bias.shape != np.asarray(layer.weight).shape[:1] or bias.dtype.kind not in "fiu":
            yield f"the bias has shape {bias.shape} and dtype {bias.dtype}; give one real number per neuron."
        elif not np.isfinite(bias).all():
            yield f"{int((~np.isfinite(bias)).sum())} biases are not finite; train again or drop this trial."
    if layer.recurrent is not None:
        recurrent, n_out = np.asarray(layer.recurrent), np.asarray(layer.weight).shape[0]
        if recurrent.shape != (n_out, n_out) or recurrent.dtype.kind not in "fiu":
            yield (
                f"the recurrent weights have shape {recurrent.shape} and dtype {recurrent.dtype}; give real "
                f"numbers ({n_out}, {n_out})."
            )
        elif not np.isfinite(recurrent).all():
            yield f"{int((~np.isfinite(recurrent)).sum())} recurrent weights are not finite; train again."
    if not _is_whole(layer.refractory_steps) or not 0 <= layer.refractory_steps <= MAX_REFRACTORY:
        yield f"refractory_steps = {layer.refractory_steps!r} is outside 0..{MAX_REFRACTORY}; choose in it."
    if not (np.isfinite(layer.reset_value) and (layer.reset_value < layer.threshold)):
        yield f"reset_value is {layer.reset_value}; it must be finite and below the threshold."
    elif layer.reset_value != 0 and layer.reset != "fixed":
        yield f"reset_value = {layer.reset_value} needs reset 'fixed', not {layer.reset!r}; change one."
