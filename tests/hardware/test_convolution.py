import numpy as np
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hardware.convolution import drive, pooled, table_sizes, tables, taps
from hardware.network import Convolution


@st.composite
def geometries(draw):
    kernel = draw(st.integers(1, 4))
    padding = draw(st.integers(0, kernel - 1))
    size = st.integers(max(1, kernel - 2 * padding), 7)
    frame = (draw(st.integers(1, 3)), draw(size), draw(size))
    shape = Convolution(frame, kernel, draw(st.integers(1, 3)), padding, draw(st.sampled_from((1, 2))))
    assume(min(shape.out_frame) >= 1)
    return shape


@given(geometries(), st.integers(1, 3), st.integers(0, 2**16))
@settings(deadline=None)
def test_sums_and_frames_are_those_of_torch(shape, channels, seed):
    rng = np.random.default_rng(seed)
    weight = rng.integers(-9, 10, (channels, shape.in_shape[0], shape.kernel, shape.kernel))
    inputs = rng.integers(0, 2, (2, 3, shape.n_in)).astype(np.uint8)
    frames = torch.tensor(inputs).reshape(6, *shape.in_shape).double()
    expected = torch.nn.functional.conv2d(
        frames, torch.tensor(weight).double(), stride=shape.stride, padding=shape.padding
    )
    assert tuple(expected.shape[2:]) == shape.frame
    found = drive(inputs, weight, shape, np.float32)
    assert np.array_equal(found, expected.reshape(2, 3, -1).numpy())
    spikes = (expected > 0).float()
    windows = torch.nn.functional.max_pool2d(spikes, shape.pool)
    assert tuple(windows.shape[2:]) == shape.out_frame
    flat = spikes.reshape(2, 3, -1).numpy().astype(np.uint8)
    assert np.array_equal(pooled(flat, shape), windows.reshape(2, 3, -1).numpy())


@given(geometries())
@settings(deadline=None)
def test_taps_inside_the_frame_are_what_an_input_of_ones_meets(shape):
    """An input reaches as many neurons as a kernel of ones makes of it alone."""
    kernel = np.ones((1, shape.in_shape[0], shape.kernel, shape.kernel), dtype=np.int64)
    alone = np.eye(shape.n_in, dtype=np.uint8)
    assert taps(shape).tolist() == drive(alone, kernel, shape, np.int64).sum(axis=1).tolist()


@given(geometries(), st.integers(1, 5))
@settings(deadline=None)
def test_table_sizes_are_those_of_the_tables(shape, groups):
    sizes = {name: (len(table.words), table.bits) for name, table in tables(shape, groups).items()}
    assert table_sizes(shape, groups) == sizes


def test_the_address_tables_hold_a_word_per_input_tap_row_and_column():
    shape = Convolution((2, 4, 5), 3, padding=1)
    found = tables(shape, groups=2)
    assert {name: len(table.words) for name, table in found.items()} == {
        "inputs": 2 * 4 * 5,
        "beats": 9 * 2,
        "rows": 4 + 3 - 1,
        "columns": 5 + 3 - 1,
    }
    assert all(0 <= word < 2**table.bits for table in found.values() for word in table.words)
