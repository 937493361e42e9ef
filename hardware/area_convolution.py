"""LUTs of what only a convolutional core has, counted from its geometry for FPGAs with LUTs of six inputs.

Nothing here is fitted: a function of up to six address bits is a LUT and every bit more doubles it, an adder
takes a LUT per bit, and a comparison one for what its neighbours do not share.
"""

from functools import lru_cache

import numpy as np

from hardware.convolution import Table, table_sizes, tables
from hardware.network import Convolution
from hardware.rtl.shape import bits_for

LUT_INPUTS = 6


def address_luts(geometry: Convolution, groups: int, in_blocks: frozenset[str] = frozenset()) -> int:
    """Return the LUTs of a core that find out where a tap lands.

    Args:
        geometry: the frame and its kernel.
        groups: groups of output channels.
        in_blocks: names of the tables that are block RAM.

    Returns:
        those of the address tables, and of the adders behind them: row and column of the input plus the
        tap's, the weight address, the state address of three parts, and the choice between it and the word
        that fires.
    """
    (_, height, width), rows = geometry.in_shape, groups * geometry.in_shape[0] * geometry.taps
    words = groups * geometry.pixels
    word, tap = bits_for(words - 1), bits_for(geometry.kernel - 1)
    sums = max(bits_for(height - 1), tap) + max(bits_for(width - 1), tap) + bits_for(rows - 1) + 2 * word
    return table_luts(geometry, groups, in_blocks) + sums + word


@lru_cache(maxsize=4096)
def table_luts(geometry: Convolution, groups: int, in_blocks: frozenset[str]) -> int:
    """Return the LUTs of the address tables that are not in block RAM, by what their bits depend on."""
    if in_blocks >= table_sizes(geometry, groups).keys():
        return 0
    found = tables(geometry, groups)
    return sum(_logic(table) for name, table in found.items() if name not in in_blocks)


def _logic(table: Table) -> int:
    """Return the LUTs of a table's bits: none where a bit is constant or an address bit."""
    depth = bits_for(len(table.words) - 1)
    words = np.zeros(1 << depth, dtype=np.int64)
    words[: len(table.words)] = table.words
    return sum(_function((words >> bit & 1).reshape((2,) * depth)) for bit in range(table.bits))


def _function(values: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> int:
    """Return the LUTs of a function of address bits, ``values`` having an axis of two for each."""
    needs = sum(bool(np.any(np.diff(values, axis=axis))) for axis in range(values.ndim))
    return 0 if needs < 2 else 1 << max(needs - LUT_INPUTS, 0)


def frame_luts(geometry: Convolution, groups: int, channels: int) -> int:
    """Return the LUTs of the spike registers in front of their data: who is written, and the OR of a window.

    Every word of a window of a pixel and group is compared with the word that fires. A pooled bit is new or
    or-ed with what was there; one that is not pooled goes straight into its register.
    """
    pixels = geometry.out_pixels
    pooled = pixels * channels if geometry.pool > 1 else 0
    return pixels * groups * geometry.pool**2 + pooled
