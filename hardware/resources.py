"""What an accelerator is made of, counted from its shape: memories, lanes and flip-flops.

Energy and area both start from these counts; the flip-flops equal the RTL's registers bit for bit.
"""

from dataclasses import dataclass
from typing import Literal

from hardware.integer import IntegerNetwork, built_lanes
from hardware.network import AcceleratorConfig, Encoding
from hardware.rtl.shape import CYCLE_BITS, bits_for


@dataclass(frozen=True)
class Memory:
    """A memory of ``words`` words of ``bits`` bits; ``registers`` if it is flip-flops instead of a RAM."""

    words: int
    bits: int
    registers: bool = False

    @property
    def kilobytes(self) -> float:
        """Capacity in kB of 1024 bytes."""
        return self.words * self.bits / 8192


@dataclass(frozen=True)
class LayerResources:
    """One layer's core.

    Attributes:
        n_in, n_out: inputs and neurons.
        lanes, groups: neuron cores P, and groups of P neurons G.
        weights: weight memory, a word per input and group.
        state: accumulators or membrane potentials, a word per group.
        current: kept currents, a word per group; only the first layer under direct encoding.
        sum_bits: width of an accumulation.
        multiplies: whether the leak needs a multiplier per lane.
        subtracts: whether a spike subtracts the threshold.
        flip_flops: registers of the core, its scanner and its spike buffer.
    """

    n_in: int
    n_out: int
    lanes: int
    groups: int
    weights: Memory
    state: Memory
    current: Memory | None
    sum_bits: int
    multiplies: bool
    subtracts: bool
    flip_flops: int


@dataclass(frozen=True)
class Resources:
    """A whole accelerator; ``flip_flops`` are those outside the layers (input port, readout, counters)."""

    layers: tuple[LayerResources, ...]
    input_memory: Memory
    flip_flops: int
    time_steps: int
    config: AcceleratorConfig

    @property
    def total_flip_flops(self) -> int:
        """Flip-flops of the whole accelerator."""
        return self.flip_flops + sum(layer.flip_flops for layer in self.layers)

    @property
    def memories(self) -> tuple[Memory, ...]:
        """Every memory that is no register."""
        found = [self.input_memory]
        for layer in self.layers:
            found += [m for m in (layer.weights, layer.state, layer.current) if m and not m.registers]
        return tuple(found)


Feed = Literal["steps", "planes", "buffer"]  # input memory of steps, of bit planes, or a spike buffer


@dataclass(frozen=True)
class _Neuron:
    """What a layer's weights decide about its lanes."""

    accumulator_bits: int
    flag_bits: int
    multiplies: bool
    subtracts: bool


def resources(net: IntegerNetwork) -> Resources:
    """Count the resources of ``net``'s accelerator."""
    neurons = [
        _Neuron(
            layer.accumulator_bits,
            int(layer.blank_after_spike),
            net.config.leak == "multiply" and layer.leak & (layer.leak - 1) != 0,
            layer.reset == "subtract",
        )
        for layer in net.layers
    ]
    return _resources(net.sizes, net.time_steps, net.encoding, net.config, neurons)


def assumed_resources(
    sizes: tuple[int, ...], time_steps: int, encoding: Encoding, config: AcceleratorConfig
) -> Resources:
    """Count the resources of a network whose weights are not known yet.

    Accumulators are as wide as the greatest weights could need, a few bits more than trained ones do; a
    multiply leak needs its multiplier; resets subtract; no neuron is blanked after a spike.
    """
    neurons = []
    for k, n_in in enumerate(sizes[:-1]):
        direct = encoding == "direct" and k == 0
        width = config.weight_bits + bits_for(n_in - 1) + (config.input_bits if direct else 0)
        bits = width if direct else max(width, config.membrane_bits) + 1
        neurons.append(_Neuron(bits, 0, config.leak == "multiply", True))
    return _resources(sizes, time_steps, encoding, config, neurons)


def _resources(
    sizes: tuple[int, ...],
    time_steps: int,
    encoding: Encoding,
    config: AcceleratorConfig,
    neurons: list[_Neuron],
) -> Resources:
    lanes = built_lanes(sizes, config)
    layers = []
    for k, neuron in enumerate(neurons):
        feed: Feed = "buffer" if k else "planes" if encoding == "direct" else "steps"
        layers.append(_layer((sizes[k], sizes[k + 1], lanes[k]), time_steps, config, neuron, feed))
    vectors = config.input_bits if encoding == "direct" else time_steps
    words = vectors * -(-sizes[0] // config.chunk_bits)
    shared = bits_for(words - 1) + 1 + _readout_flip_flops(sizes[-1], time_steps) + CYCLE_BITS + 2
    return Resources(tuple(layers), Memory(words, config.chunk_bits), shared, time_steps, config)


def _layer(
    shape: tuple[int, int, int],
    time_steps: int,
    config: AcceleratorConfig,
    neuron: _Neuron,
    feed: Feed,
) -> LayerResources:
    direct = feed == "planes"
    n_in, n_out, lanes = shape
    groups = -(-n_out // lanes)
    state_bits = (config.membrane_bits if direct else neuron.accumulator_bits) + neuron.flag_bits
    state = Memory(groups, lanes * state_bits, registers=groups == 1)
    current = Memory(groups, lanes * neuron.accumulator_bits, registers=groups == 1) if direct else None
    held = 0 if feed != "buffer" else _source_flip_flops(n_in, config.chunk_bits)
    kept = sum(m.bits for m in (state, current) if m and m.registers)
    flip_flops = held + kept + _core_flip_flops((n_in, n_out, lanes), time_steps, config, direct)
    return LayerResources(
        n_in=n_in,
        n_out=n_out,
        lanes=lanes,
        groups=groups,
        weights=Memory(groups * n_in, lanes * config.weight_bits),
        state=state,
        current=current,
        sum_bits=neuron.accumulator_bits,
        multiplies=neuron.multiplies,
        subtracts=neuron.subtracts,
        flip_flops=flip_flops,
    )


def _counter_bits(count: int) -> int:
    return bits_for(count - 1) if count > 1 else 0


def _source_flip_flops(n_in: int, chunk_bits: int) -> int:
    chunks = -(-n_in // chunk_bits)
    return chunks * chunk_bits + bits_for(chunks)


def _core_flip_flops(
    shape: tuple[int, int, int], time_steps: int, config: AcceleratorConfig, direct: bool
) -> int:
    """Count scanner, control, pipeline and spike buffer (``hardware.rtl.control`` and ``.core``)."""
    n_in, n_out, lanes = shape
    groups, chunks = -(-n_out // lanes), -(-n_in // config.chunk_bits)
    row = bits_for(groups * n_in - 1)
    scanner = 4 * config.chunk_bits + 1 + row * ((chunks > 1) + (groups > 1))
    planes = 1 + 2 * _counter_bits(config.input_bits) if direct else 0
    control = 3 + _counter_bits(time_steps) + planes
    pipeline = 4 + row + 2 + 3 * _counter_bits(groups) + lanes * (config.membrane_bits + 1)
    return scanner + control + pipeline + n_out + 2


def _readout_flip_flops(classes: int, time_steps: int) -> int:
    count, index = bits_for(time_steps), bits_for(classes - 1)
    return bits_for(time_steps - 1) + 1 + 2 * index + (classes + 1) * count
