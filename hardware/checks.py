"""Whether a trained network is whole and an accelerator can be built: refusals name value and remedy."""

from collections.abc import Iterator
from typing import get_args

import numpy as np

from hardware.network import AcceleratorConfig, Convolution, Encoding, TrainedLayer, TrainedNetwork
from spikefront.errors import DesignError

MAX_REFRACTORY = 255

BOUNDS = {
    "weight_bits": (2, 16),
    "membrane_bits": (3, 32),
    "leak_bits": (1, 16),
    "input_bits": (1, 16),
    "chunk_bits": (1, 32),
}


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
