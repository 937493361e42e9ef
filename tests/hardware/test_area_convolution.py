import pytest

from benchmarks.hardware.cases import cases
from hardware.area import area
from hardware.area_convolution import address_luts, frame_luts, table_luts
from hardware.assumed import assumed_resources
from hardware.convolution import table_sizes
from hardware.network import AcceleratorConfig, Convolution
from hardware.rtl.accelerator import build
from hardware.rtl.shape import bits_for
from hardware.shape import LayerShape, NetworkShape

SAME = Convolution((1, 8, 8), 3, padding=1)
NONE = frozenset[str]()


def test_tables_by_hand():
    """8x8, one channel and group: the inputs' table is the address itself. Nine beats: 4 bits of offset and
    two pairs of tap bits; rows and columns: 3 bits and whether inside."""
    assert table_luts(SAME, 1, NONE) == 0 + (4 + 2 + 2) + (3 + 1) + (3 + 1)


def test_tables_in_block_ram_take_no_luts():
    names = frozenset(table_sizes(SAME, 1))
    assert table_luts(SAME, 1, names) == 0
    assert table_luts(SAME, 1, NONE) > table_luts(SAME, 1, frozenset({"beats"})) > 0


@pytest.mark.parametrize("geometry", [SAME, Convolution((3, 11, 9), 5, 2, 1), Convolution((2, 20, 20), 3)])
@pytest.mark.parametrize("groups", [1, 3])
def test_no_table_takes_more_than_a_lut_of_six_inputs_per_64_words(geometry, groups):
    most = sum(
        bits * 2 ** max(bits_for(words - 1) - 6, 0) for words, bits in table_sizes(geometry, groups).values()
    )
    assert 0 < table_luts(geometry, groups, NONE) <= most


def test_addresses_by_hand():
    """Row and column: 3 bits each; 9 weight rows: 4; the state word, 6 bits, has two sums and a choice."""
    assert address_luts(SAME, 1) == table_luts(SAME, 1, NONE) + 3 + 3 + 4 + 3 * 6


def test_spike_registers_by_hand():
    assert frame_luts(SAME, groups=2, channels=4) == 64 * 2
    pooled = Convolution((1, 8, 8), 3, padding=1, pool=2)
    assert frame_luts(pooled, groups=2, channels=4) == 16 * 2 * 4 + 16 * 4


def test_comparisons_are_those_of_the_rtl():
    found = 0
    for case in cases(60, seed=11):
        block = build(case.net)
        for k, layer in enumerate(case.net.layers):
            word = block.get_wirevector_by_name(f"layer{k}_word")
            if layer.convolution is None or word is None:
                continue
            compared = [net for net in block.logic_subset("=") if any(arg is word for arg in net.args)]
            geometry, groups = layer.convolution, case.net.groups[k]
            bits = layer.n_out if geometry.pool > 1 else 0
            assert len(compared) == frame_luts(geometry, groups, layer.channels) - bits, case.name
            found += 1
    assert found > 10


def test_a_frame_costs_less_behind_its_pooling_and_more_with_more_pixels():
    def luts(side, pool):
        geometry = Convolution((1, side, side), 3, padding=1, pool=pool)
        n = 4 * (side // pool) ** 2
        shape = NetworkShape((LayerShape(side * side, 4, geometry), LayerShape(n, 10)), 8, "rate")
        return area(assumed_resources(shape, AcceleratorConfig(lanes=(4, 5)))).luts

    assert luts(8, 1) < luts(12, 1) < luts(16, 1)
    assert luts(12, 2) < luts(12, 1)
