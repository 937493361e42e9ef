"""Area of an accelerator on a Lattice iCE40, estimated from counted resources.

``luts`` are logic cells after packing, each a LUT of 4 inputs and a flip-flop: what a device runs out of
first. Their coefficients are fitted to nextpnr 0.4 after Yosys 0.23 (``synth_ice40``) on twelve exported
designs of 2 and 3 layers, from 32-24-16-5 to 196-32-10, with 1 to 16 lanes, both leaks, spikes and currents:
the residuals are -14 to +13 %, and -21 to +19 % where the design is left out of the fit. Flip-flops came out
9 % too low to 1 % too high, block RAM right in all twelve.

There is no distributed RAM and no multiplier: small memories are flip-flops, leaks that multiply are logic.
"""

import math
from functools import lru_cache

from hardware.area import Area, rom_in_blocks
from hardware.resources import LayerResources, Memory, Resources

CELLS_PER_SUM_BIT = 8.28  # accumulate, clip, compare, select, leak by shift, per lane
CELLS_PER_PRODUCT_BIT = 0.66  # potential bits times factor bits, per lane
CELLS_PER_SCAN_BIT = 10.58  # isolate, prefetch, hold
CELLS_PER_MEMORY_FLIP_FLOP = 1.13  # memories of a few words, and what selects among them
CELLS_PER_WATCHED_BIT = 1 / 3  # touched rows: an OR of spikes by LUTs of four; counted, not fitted
CELLS_PER_ROM_64 = 8.76  # weight memories too small for block RAM, per 64 bits

BLOCK_BITS = 4096
BLOCK_SHAPES = ((256, 16), (512, 8), (1024, 4), (2048, 2))
"""(words, bits) of a block of 4 kbit (Lattice FPGA-DS-02029)."""
ROM_BITS_PER_BLOCK = 1024
RAM_WORDS_IN_FLIP_FLOPS = 4


def ice40_area(built: Resources) -> Area:
    """Return the estimated area of ``built``: an estimate, not a synthesis result."""
    layers = tuple(round(_layer_cells(built, k)) for k in range(len(built.layers)))
    blocks = _blocks(built.input_memory) + sum(_layer_blocks(layer) for layer in built.layers)
    return Area(
        luts=sum(layers),
        ffs=built.total_flip_flops + sum(_memory_flip_flops(layer) for layer in built.layers),
        bram36=blocks * BLOCK_BITS / (36 * 1024),
        dsps=0,
        layer_luts=layers,
        shared_luts=0,
    )


def _layer_cells(built: Resources, index: int) -> float:
    layer, config = built.layers[index], built.config
    held = -(-layer.n_in // config.chunk_bits) * config.chunk_bits if index else 0
    cells = CELLS_PER_SUM_BIT * layer.lanes * layer.sum_bits
    cells += CELLS_PER_PRODUCT_BIT * layer.multiplies * layer.lanes * config.membrane_bits * config.leak_bits
    cells += CELLS_PER_WATCHED_BIT * layer.watched
    cells += CELLS_PER_SCAN_BIT * (config.chunk_bits + held)
    cells += CELLS_PER_MEMORY_FLIP_FLOP * sum(m.words * m.bits for m in layer.rams if not _in_blocks(m))
    roms = [m for m in layer.roms if not _rom_in_blocks(m)]
    return cells + CELLS_PER_ROM_64 * sum(m.words * m.bits for m in roms) / 64


def _memory_flip_flops(layer: LayerResources) -> int:
    """Flip-flops of small memories; one in block RAM needs a word more, to read what is being written."""
    return sum(m.bits if _in_blocks(m) else m.words * m.bits for m in layer.rams)


def _layer_blocks(layer: LayerResources) -> int:
    found = [m for m in layer.rams if _in_blocks(m)] + [m for m in layer.roms if _rom_in_blocks(m)]
    return sum(_blocks(memory) for memory in found)


def _in_blocks(memory: Memory) -> bool:
    return memory.words > RAM_WORDS_IN_FLIP_FLOPS


def _rom_in_blocks(memory: Memory) -> bool:
    return rom_in_blocks(memory) or memory.words * memory.bits >= ROM_BITS_PER_BLOCK * _blocks(memory)


@lru_cache(maxsize=4096)
def _blocks(memory: Memory) -> int:
    """Return the fewest blocks over all shapes of a block."""
    return min(math.ceil(memory.words / w) * math.ceil(memory.bits / b) for w, b in BLOCK_SHAPES)
