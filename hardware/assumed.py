"""What an accelerator is made of before its network is trained: as counted, but for widths of weights' sums.

Accumulators are as wide as the greatest weights could need, a few bits more than trained ones do; biases are
as wide as weights; a multiply leak that is not known needs its multiplier. Spikes are watched for rows that
are due again where the decay is known to be none and the reset known to subtract.
"""

from hardware.network import AcceleratorConfig
from hardware.quantize import leak_of
from hardware.resources import NeuronWidths, Resources, count_resources
from hardware.rtl.shape import bits_for
from hardware.shape import LayerShape, NetworkShape


def assumed_resources(net: NetworkShape, config: AcceleratorConfig) -> Resources:
    """Count the resources of a network whose weights are not known yet."""
    neurons = [_neuron(layer, config, current=net.direct and k == 0) for k, layer in enumerate(net.layers)]
    return count_resources(net, config, neurons)


def _neuron(layer: LayerShape, config: AcceleratorConfig, *, current: bool) -> NeuronWidths:
    """Return the widths of a layer's neurons; ``current`` says whether they keep a constant one."""
    bits = state = _sum_bits(layer.fan_in, config)
    if current:
        bits = config.weight_bits + bits_for(layer.fan_in - layer.own - 1) + config.input_bits
        state = _sum_bits(layer.own, config) if layer.recurrent else config.membrane_bits
    synapse = config.membrane_bits * (len(layer.leaks) - 1)
    rest = layer.refractory_steps.bit_length()
    return NeuronWidths(
        accumulator_bits=bits,
        state_bits=state,
        word_bits=state + synapse + rest,
        decided_bits=config.membrane_bits + 1 + synapse + rest,
        multiplies=sum(_multiplies(decay, config) for decay in layer.leaks),
        subtracts=layer.subtracts,
        bias_bits=config.weight_bits * layer.bias,
        recurrent=layer.recurrent,
        channels=layer.channels,
        convolution=layer.convolution,
        watches=layer.subtracts and _holds_still(layer, config),
    )


def _sum_bits(weights: int, config: AcceleratorConfig) -> int:
    """Return the width that a membrane potential with so many weights on top could need."""
    return max(config.weight_bits + bits_for(weights - 1), config.membrane_bits) + 1


def _multiplies(decay: float | None, config: AcceleratorConfig) -> bool:
    """Return whether a leak needs a multiplier: its factor is not known, or no power of two."""
    if config.leak == "shift":
        return False
    factor = None if decay is None else leak_of(decay, config)[0]
    return factor is None or factor & (factor - 1) != 0


def _holds_still(layer: LayerShape, config: AcceleratorConfig) -> bool:
    """Return whether neurons are known to stay as they are without input (``hardware.rows``)."""
    if len(layer.leaks) > 1 or layer.leaks[0] is None or layer.refractory_steps:
        return False
    return leak_of(layer.leaks[0], config)[1] == 1
