"""Flip-flops of the clock-driven family, counted from its shape; equal to the RTL's registers bit for bit."""

from hardware.network import AcceleratorConfig
from hardware.rtl.shape import bits_for, counter_bits


def core_flip_flops(shape: tuple[int, int, int, int], config: AcceleratorConfig, direct: bool) -> int:
    """Count the registers of ``hardware.rtl.clock_core`` beside its lanes and states.

    Args:
        shape: (inputs, neurons, lanes, rows): inputs, and own spikes of a recurrent layer.
        config: the accelerator.
        direct: whether the layer takes a constant current.
    """
    n_in, n_out, lanes, rows = shape
    groups = -(-n_out // lanes)
    row = bits_for(groups * rows - 1) if groups > 1 else 0
    walk = rows + counter_bits(rows) + counter_bits(groups) + row
    control = 5 + (rows > n_in) + (counter_bits(config.input_bits) if direct else 0)
    pipeline = 2 + counter_bits(groups)
    return walk + control + pipeline + n_out + 1


def convolution_flip_flops(shape: tuple[int, int, int, int], config: AcceleratorConfig, direct: bool) -> int:
    """Count the same of a convolutional core, beside its lanes, states, spike buffer and strobe.

    Args:
        shape: (inputs, cycles, words, rows): greatest count of cycles of an input or of words that fire,
            state words, weight words.
        config: the accelerator.
        direct: whether the layer takes a constant current.
    """
    n_in, cycles, words, rows = shape
    plane = counter_bits(config.input_bits) if direct else 0
    walk = n_in + counter_bits(n_in) + counter_bits(cycles)
    landing = 4 + bits_for(words - 1) + bits_for(rows - 1) + plane
    return walk + 5 + plane + landing + 2 + bits_for(words - 1)


def shared_flip_flops(chunks: int, steps: int, config: AcceleratorConfig) -> int:
    """Count what ``hardware.rtl.clock_accelerator`` has beside what both families have.

    Args:
        chunks: chunks per input vector.
        steps: network steps that the first layer begins: time steps, and bit planes under direct encoding.
        config: the accelerator.
    """
    fetch = chunks * config.chunk_bits + counter_bits(chunks) + 1
    return fetch + 1 + counter_bits(steps)
