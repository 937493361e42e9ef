"""What an accelerator is made of, counted from its shape: memories, lanes and flip-flops.

Energy and area both start from these counts; the flip-flops equal the RTL's registers bit for bit.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from hardware import resources_clock
from hardware.convolution import table_sizes
from hardware.integer import IntegerLayer, IntegerNetwork
from hardware.network import AcceleratorConfig, Convolution, Readout
from hardware.rows import by_rows, holds_still, rests_after_spike
from hardware.rtl.shape import CYCLE_BITS, bits_for, counter_bits, decided_bits, word_bits
from hardware.shape import NetworkShape, shape_of


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
        weights: weight memory, a word per input (and neuron, if recurrent) and group.
        state: what neurons keep between steps (``hardware.rtl.neuron.word_bits``), a word per group.
        current: kept currents, a word per group; only the first layer under direct encoding.
        sum_bits: width of an accumulation of inputs.
        state_bits: the same of own spikes, which differs beside a kept current.
        multiplies: multipliers per lane, for the leaks: 0, 1 or 2.
        subtracts: whether a spike subtracts the threshold.
        flip_flops: registers of the core, its scanner and its spike buffer.
        tables: address tables of a convolution (``hardware.convolution.tables``), all read-only.
        bias: bias memory, a word per group; None without biases, or where one group makes them constants.
        watched: spikes looked at for rows that are due again (``hardware.rows``); 0 where none are.
        convolution: geometry of a convolution.
    """

    n_in: int
    n_out: int
    lanes: int
    groups: int
    weights: Memory
    state: Memory
    current: Memory | None
    sum_bits: int
    state_bits: int
    multiplies: int
    subtracts: bool
    flip_flops: int
    bias: Memory | None = None
    tables: tuple[Memory, ...] = ()
    watched: int = 0
    convolution: Convolution | None = None

    @property
    def rams(self) -> tuple[Memory, ...]:
        """Memories that are written and are no registers."""
        return tuple(m for m in (self.state, self.current) if m and not m.registers)

    @property
    def roms(self) -> tuple[Memory, ...]:
        """Memories that are only read."""
        return tuple(m for m in (self.weights, self.bias, *self.tables) if m)


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
        return (self.input_memory, *(m for layer in self.layers for m in (*layer.roms, *layer.rams)))


Feed = Literal["steps", "planes", "buffer"]  # input memory of steps, of bit planes, or a spike buffer


@dataclass(frozen=True)
class NeuronWidths:
    """What a layer's weights decide about its lanes.

    Attributes:
        accumulator_bits: width of a sum of inputs.
        state_bits: width of the state that takes the inputs, or only own spikes beside a kept current.
        word_bits: what a neuron keeps between steps.
        decided_bits: what a lane holds between deciding and writing.
        multiplies: multipliers per lane.
        subtracts: whether a spike subtracts the threshold.
        bias_bits: width of a bias, 0 without.
        recurrent: whether its own spikes come back.
        channels: neurons with weights of their own, where fewer than outputs.
        convolution: geometry of a convolutional layer.
        by_rows: whether only touched rows of its frame fire.
        watches: whether rows that fired are due again.
    """

    accumulator_bits: int
    state_bits: int
    word_bits: int
    decided_bits: int
    multiplies: int
    subtracts: bool
    bias_bits: int = 0
    recurrent: bool = False
    channels: int | None = None
    convolution: Convolution | None = None
    by_rows: bool = False
    watches: bool = False


def resources(net: IntegerNetwork) -> Resources:
    """Count the resources of ``net``'s accelerator."""
    return count_resources(shape_of(net), net.config, [_neuron(layer, net.config) for layer in net.layers])


def _neuron(layer: IntegerLayer, config: AcceleratorConfig) -> NeuronWidths:
    factors = [layer.leak] if layer.synapse_leak is None else [layer.leak, layer.synapse_leak]
    return NeuronWidths(
        layer.accumulator_bits,
        layer.state_bits,
        word_bits(layer, config),
        decided_bits(layer, config),
        sum(config.leak == "multiply" and b & (b - 1) != 0 for b in factors),
        layer.reset == "subtract",
        layer.bias_bits,
        layer.recurrent is not None,
        layer.channels,
        layer.convolution,
        watches=holds_still(layer, config) and not rests_after_spike(layer),
    )


def count_resources(
    net: NetworkShape, config: AcceleratorConfig, neurons: Sequence[NeuronWidths]
) -> Resources:
    """Count the resources of a network of that shape whose layers have these ``neurons``."""
    sizes, time_steps, encoding, lanes = net.sizes, net.time_steps, net.encoding, net.lanes(config)
    readout = _readout_flip_flops(net.readout, time_steps, net.classes, net.population, config.membrane_bits)
    layers = []
    for k, widths in enumerate(neurons):
        neuron = replace(widths, by_rows=by_rows(net, config, k))
        feed: Feed = "buffer" if k else "planes" if encoding == "direct" else "steps"
        build = _layer if neuron.convolution is None else _convolution
        layers.append(build((sizes[k], sizes[k + 1], lanes[k]), time_steps, config, neuron, feed))
    vectors = config.input_bits if encoding == "direct" else time_steps
    words = vectors * -(-sizes[0] // config.chunk_bits)
    shared = (
        bits_for(words - 1)
        + 1
        + (config.schedule == "sequential" and config.family == "event_driven")
        + readout
        + CYCLE_BITS
        + 2
    )
    if config.family == "clock_driven":
        steps = time_steps + (vectors if encoding == "direct" else 0)
        shared += resources_clock.shared_flip_flops(words // vectors, steps, config)
    return Resources(tuple(layers), Memory(words, config.chunk_bits), shared, time_steps, config)


def _layer(
    shape: tuple[int, int, int],
    time_steps: int,
    config: AcceleratorConfig,
    neuron: NeuronWidths,
    feed: Feed,
) -> LayerResources:
    direct = feed == "planes"
    n_in, n_out, lanes = shape
    groups = -(-n_out // lanes)
    state = Memory(groups, lanes * neuron.word_bits, registers=groups == 1)
    bias = Memory(groups, lanes * neuron.bias_bits) if neuron.bias_bits and groups > 1 else None
    current = Memory(groups, lanes * neuron.accumulator_bits, registers=groups == 1) if direct else None
    held = 0 if feed != "buffer" else _source_flip_flops(n_in, config.chunk_bits)
    kept = sum(m.bits for m in (state, current) if m and m.registers)
    if feed == "steps" and (neuron.recurrent or config.schedule == "sequential"):
        held = counter_bits(-(-n_in // config.chunk_bits))
    rows = n_in + n_out * neuron.recurrent
    flip_flops = held + kept + lanes * neuron.decided_bits
    flip_flops += _core_flip_flops((n_in, n_out, lanes, rows), time_steps, config, direct)
    if config.family == "clock_driven":
        flip_flops = kept + lanes * neuron.decided_bits
        flip_flops += resources_clock.core_flip_flops((n_in, n_out, lanes, rows), config, direct)
    return LayerResources(
        n_in=n_in,
        n_out=n_out,
        lanes=lanes,
        groups=groups,
        weights=Memory(groups * rows, lanes * config.weight_bits),
        state=state,
        current=current,
        sum_bits=neuron.accumulator_bits,
        state_bits=neuron.state_bits,
        multiplies=neuron.multiplies,
        subtracts=neuron.subtracts,
        flip_flops=flip_flops,
        bias=bias,
    )


def _convolution(
    shape: tuple[int, int, int], time_steps: int, config: AcceleratorConfig, neuron: NeuronWidths, feed: Feed
) -> LayerResources:
    """Count a convolutional core: a state word per pixel and group, and addresses from tables."""
    geometry, (n_in, n_out, lanes), direct = neuron.convolution, shape, feed == "planes"
    if geometry is None or neuron.channels is None:
        raise AssertionError("no convolution")
    lanes = min(lanes, neuron.channels)
    groups = -(-neuron.channels // lanes)
    words = groups * geometry.pixels
    rows = groups * geometry.in_shape[0] * geometry.taps
    core = _layer((n_in, neuron.channels, lanes), time_steps, config, neuron, feed)
    state = Memory(words, lanes * neuron.word_bits, registers=words == 1)
    current = Memory(words, lanes * neuron.accumulator_bits, registers=words == 1) if direct else None
    held = 0 if feed != "buffer" else _source_flip_flops(n_in, config.chunk_bits)
    if feed == "steps" and config.schedule == "sequential":
        held = counter_bits(-(-n_in // config.chunk_bits))
    rows_swept, beats = geometry.frame[0] * neuron.by_rows, groups * geometry.taps
    counter = counter_bits(max(words // max(rows_swept, 1), beats))
    issued = max(counter, bits_for(words - 1)) if rows_swept else counter
    scanner = 4 * config.chunk_bits + 1 + bits_for(n_in - 1) * (1 + (n_in > config.chunk_bits))
    planes = 1 + 3 * counter_bits(config.input_bits) if direct else 0
    control = 3 + counter_bits(time_steps) + planes + counter + issued
    control += 2 * rows_swept + 1 if rows_swept else 0
    pipeline = 4 + 4 + 2 + bits_for(rows - 1) + 2 * bits_for(words - 1)
    moved = held + scanner + control + pipeline + 1
    if config.family == "clock_driven":
        sizes = (n_in, max(words, beats), words, rows)
        moved = resources_clock.convolution_flip_flops(sizes, config, direct)
    channels = counter_bits(groups) if neuron.bias_bits and words > groups else 0
    kept = sum(m.bits for m in (state, current) if m and m.registers) + channels
    return replace(
        core,
        n_out=n_out,
        weights=Memory(rows, lanes * config.weight_bits),
        state=state,
        current=current,
        flip_flops=moved + kept + lanes * neuron.decided_bits + n_out + 1,
        tables=tuple(Memory(*size) for size in table_sizes(geometry, groups).values()),
        watched=n_out if rows_swept and neuron.watches else 0,
        convolution=geometry,
    )


def _source_flip_flops(n_in: int, chunk_bits: int) -> int:
    chunks = -(-n_in // chunk_bits)
    return chunks * chunk_bits + bits_for(chunks)


def _core_flip_flops(
    shape: tuple[int, int, int, int], time_steps: int, config: AcceleratorConfig, direct: bool
) -> int:
    """Count scanner, control, pipeline and spike buffer (``hardware.rtl.control`` and ``.core``)."""
    n_in, n_out, lanes, rows = shape
    groups, chunks, echoes = -(-n_out // lanes), -(-n_in // config.chunk_bits), 0
    if rows > n_in:
        echoes = -(-n_out // config.chunk_bits)
    row = bits_for(groups * rows - 1)
    scanner = 4 * config.chunk_bits + 1 + row * ((chunks + echoes > 1) + (groups > 1))
    scanner += echoes * config.chunk_bits + bits_for(echoes) + 2 if echoes else 0
    planes = 1 + 2 * counter_bits(config.input_bits + (echoes > 0)) if direct else 0
    control = 3 + counter_bits(time_steps) + planes
    pipeline = 4 + row + 2 + 3 * counter_bits(groups)
    return scanner + control + pipeline + n_out + 2


def _readout_flip_flops(
    kind: Readout, time_steps: int, classes: int, members: int, membrane_bits: int
) -> int:
    """Count ``hardware.rtl.readout``, with ``members`` output neurons per class."""
    step, index = bits_for(time_steps - 1), bits_for(classes - 1)
    if kind == "first_spike":
        return step + 1 + index
    if kind == "count":
        return step + 1 + counter_bits(classes) + index + (classes + 1) * bits_for(time_steps * members)
    counters = counter_bits(classes) + counter_bits(members)
    return step + 1 + counters + index + (classes * members + 1) * membrane_bits
