"""From a trained network to integers: symmetric weights, one scale per layer, threshold in the same unit.

A spike is 0 or 1 whatever the scale of the layer that sent it, so every layer has its own scale and no
rescaling is needed between layers.
"""

import numpy as np
from numpy.typing import NDArray

from hardware.checks import check_config, check_network
from hardware.integer import IntegerLayer, IntegerNetwork, membrane_range, signed_bits
from hardware.network import (
    AcceleratorConfig,
    FloatArray,
    IntArray,
    TrainedLayer,
    TrainedNetwork,
)
from spikefront.errors import DesignError, InputError

MAX_ACCUMULATOR_BITS = 48


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
    leak, beta = leak_of(layer.beta, config)
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
        synapse_leak=None if layer.alpha is None else leak_of(layer.alpha, config)[0],
        bias=bias,
        state_bits=_echo_bits(recurrent, config) if current else bits,
        recurrent=recurrent,
        convolution=layer.convolution,
    )


def _rounded(values: FloatArray, scale: float) -> IntArray:
    return np.rint(np.asarray(values, dtype=np.float64) / scale).astype(np.int64)


def _scale(layer: TrainedLayer, config: AcceleratorConfig) -> float:
    largest = max(float(np.abs(w).max()) for w in (layer.weight, layer.recurrent) if w is not None)
    for_weights = largest / (2 ** (config.weight_bits - 1) - 1)
    held = max(layer.threshold, abs(layer.reset_value))
    for_threshold = held / (2 ** (config.membrane_bits - 1) - 2)
    return float(max(for_weights, for_threshold))


def leak_of(beta: float, config: AcceleratorConfig) -> tuple[int, float]:
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
