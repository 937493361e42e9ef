"""Area of an accelerator on a Xilinx 7-series FPGA, estimated from counted resources.

LUTs are a sum of counted bits with coefficients fitted to Yosys 0.23 (``synth_xilinx -family xc7
-flatten``) on ten exported designs of 1 to 3 layers, from 64-32-10 to 784-128-10, with 4 to 64 lanes,
both leaks, spikes and currents. How far estimates of them and of other designs are off is in
``docs/area.md``. Placement and timing are not known here.

What convolutions add is counted (``hardware.area_convolution``), not fitted.

Clock-driven designs have two coefficients of their own, fitted on seven designs from 64-32-10 to 784-128-10
and 700-200-20: the LUTs' residuals are -5 to +5 %, but -17 % in the one with few lanes per layer.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

from hardware.area_convolution import address_luts, frame_luts
from hardware.convolution import table_sizes
from hardware.resources import LayerResources, Memory, Resources

LUTS_PER_SUM_BIT = 3.52  # accumulate, clip, compare, select, per lane
LUTS_PER_WALK_SUM_BIT = 3.16  # the same where inputs are walked: no address to add up
LUTS_PER_WALK_INPUT = 1.0  # copy, shift, test for any spike
LUTS_PER_RESET_BIT = 0.64  # subtract the threshold
LUTS_PER_SHIFT_BIT = 1.16  # subtract the shifted potential
LUTS_PER_CURRENT_BIT = 1.74  # shift a weight to its plane and add it
LUTS_PER_OWN_BIT = 3.0  # beside a current, add own spikes to the state, and hold them: one design, 64-32-10
LUTS_PER_SCAN_BIT = 4.17  # isolate, prefetch, hold
LUTS_PER_HELD_BIT = 1.0  # behind a convolution, beyond a chunk: load or shift; counted, not fitted
LUTS_PER_ROM_64 = 4.42  # weight memories too small for block RAM, per 64 bits
LUTS_PER_WATCHED_BIT = 0.2  # touched rows: an OR of spikes by LUTs of six; counted, not fitted
LUTS_PER_OUTPUT_BIT = 0.54  # spike buffers and the readout's counters

ROM_BLOCK_BITS = 4096
RAM_BLOCK_BITS = 2048
BLOCK_SHAPES = (
    (0.5, 512, 36),
    (0.5, 1024, 18),
    (0.5, 2048, 9),
    (0.5, 4096, 4),
    (0.5, 8192, 2),
    (0.5, 16384, 1),
    (1.0, 512, 72),
    (1.0, 1024, 36),
    (1.0, 2048, 18),
    (1.0, 4096, 9),
    (1.0, 8192, 4),
    (1.0, 16384, 2),
    (1.0, 32768, 1),
)  # (units of 36 kbit, words, bits): UG473, simple dual port


@dataclass(frozen=True)
class Area:
    """Estimated FPGA resources.

    Attributes:
        luts: lookup tables, those used as memory included.
        ffs: flip-flops of the RTL, less those that become registers of DSP blocks.
        bram36: block RAM in units of 36 kbit (a half is one 18 kbit block).
        dsps: DSP blocks: one per lane and leak that multiplies.
        layer_luts: LUTs of every layer.
        shared_luts: LUTs of the input memory, the readout and the counters.
    """

    luts: int
    ffs: int
    bram36: float
    dsps: int
    layer_luts: tuple[int, ...]
    shared_luts: int


def area(built: Resources) -> Area:
    """Return the estimated area of ``built``: an estimate, not a synthesis result."""
    layers = tuple(round(_layer_luts(built, k)) for k in range(len(built.layers)))
    classes = built.layers[-1].n_out
    shared = round(
        LUTS_PER_OUTPUT_BIT * classes * built.time_steps.bit_length() + _ram_luts(built.input_memory)
    )
    return Area(
        luts=sum(layers) + shared,
        ffs=built.total_flip_flops - _registers_in_dsps(built),
        bram36=_block_rams(built),
        dsps=sum(layer.lanes * layer.multiplies for layer in built.layers),
        layer_luts=layers,
        shared_luts=shared,
    )


def _registers_in_dsps(built: Resources) -> int:
    """Count the flip-flops in front of multipliers: a potential's bits but one, by Yosys, per DSP block."""
    return (built.config.membrane_bits - 1) * sum(layer.lanes * layer.multiplies for layer in built.layers)


def _layer_luts(built: Resources, index: int) -> float:
    layer, config = built.layers[index], built.config
    membranes = layer.lanes * config.membrane_bits
    walks = config.family == "clock_driven"
    luts = (LUTS_PER_WALK_SUM_BIT if walks else LUTS_PER_SUM_BIT) * layer.lanes * layer.sum_bits
    luts += LUTS_PER_RESET_BIT * membranes * layer.subtracts
    luts += LUTS_PER_SHIFT_BIT * membranes * (config.leak == "shift")
    if layer.current:
        luts += LUTS_PER_CURRENT_BIT * layer.lanes * layer.sum_bits
        luts += LUTS_PER_OWN_BIT * layer.lanes * layer.state_bits * (layer.state_bits > config.membrane_bits)
    if walks:
        walked = layer.n_in if layer.tables else layer.weights.words / layer.groups
        luts += LUTS_PER_WALK_INPUT * walked
    else:
        luts += LUTS_PER_SCAN_BIT * config.chunk_bits + _held_luts(built, index)
    luts += LUTS_PER_WATCHED_BIT * layer.watched + _output_luts(layer)
    contents = (layer.weights, layer.bias)
    roms = [memory for memory in contents if memory and not rom_in_blocks(memory)]
    luts += sum(LUTS_PER_ROM_64 * memory.words * memory.bits / 64 for memory in roms)
    return luts + sum(_ram_luts(memory) for memory in layer.rams)


def _held_luts(built: Resources, index: int) -> float:
    """Return the LUTs of the copied spike vector that the scanner shifts, chunk by chunk.

    The fitted coefficient holds what comes with a scanner, on vectors of up to 128 bits. A frame's is wider:
    every bit beyond a chunk is only loaded or shifted.
    """
    if index == 0:
        return 0.0
    width = built.config.chunk_bits
    held = -(-built.layers[index].n_in // width) * width
    if built.layers[index - 1].convolution is None:
        return LUTS_PER_SCAN_BIT * held
    return LUTS_PER_SCAN_BIT * width + LUTS_PER_HELD_BIT * (held - width)


def _output_luts(layer: LayerResources) -> float:
    """Return the LUTs of the spike buffer, and of a convolution's addresses."""
    geometry = layer.convolution
    if geometry is None:
        return LUTS_PER_OUTPUT_BIT * layer.n_out
    channels = layer.n_out // geometry.out_pixels
    sizes = table_sizes(geometry, layer.groups)
    blocks = frozenset(name for name, size in sizes.items() if rom_in_blocks(Memory(*size)))
    return frame_luts(geometry, layer.groups, channels) + address_luts(geometry, layer.groups, blocks)


def rom_in_blocks(memory: Memory) -> bool:
    """Return whether a weight memory is large enough for block RAM."""
    return memory.words * memory.bits >= ROM_BLOCK_BITS


def _ram_in_blocks(memory: Memory) -> bool:
    return memory.words > 64 and memory.words * memory.bits >= RAM_BLOCK_BITS


def _ram_luts(memory: Memory) -> int:
    """Return the LUTs of a small memory: four hold 32 words of 6 bits, or 64 words of 3 bits (UG474)."""
    if _ram_in_blocks(memory):
        return 0
    if memory.words <= 32:
        return 4 * math.ceil(memory.bits / 6)
    return 4 * math.ceil(memory.bits / 3) * math.ceil(memory.words / 64)


def _block_rams(built: Resources) -> float:
    rams = [built.input_memory, *(memory for layer in built.layers for memory in layer.rams)]
    blocks = [memory for memory in rams if _ram_in_blocks(memory)]
    blocks += [memory for layer in built.layers for memory in layer.roms if rom_in_blocks(memory)]
    return sum(_blocks(memory) for memory in blocks)


@lru_cache(maxsize=4096)
def _blocks(memory: Memory) -> float:
    """Return the least block RAM over all shapes of a block."""
    return min(
        units * math.ceil(memory.words / words) * math.ceil(memory.bits / bits)
        for units, words, bits in BLOCK_SHAPES
    )
