import gzip
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from idx_files import idx_bytes

from models.datasets.idx import parse_idx

SHAPES = st.one_of(st.tuples(st.integers(0, 9)), hnp.array_shapes(min_dims=3, max_dims=3))
IMAGES = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)


@settings(max_examples=60, deadline=None)
@given(
    array=hnp.arrays(
        np.uint8, st.one_of(st.tuples(st.integers(0, 9)), hnp.array_shapes(min_dims=3, max_dims=3))
    ),
    compress=st.booleans(),
)
def test_returns_what_was_written(array, compress):
    content = idx_bytes(array)
    parsed = parse_idx(gzip.compress(content) if compress else content, array.ndim)
    assert parsed.shape == array.shape
    assert np.array_equal(parsed, array)


@pytest.mark.parametrize("length", [0, 3, 15])
def test_a_file_shorter_than_its_header(length):
    with pytest.raises(ValueError, match=f"has {length} bytes, fewer than the 16"):
        parse_idx(idx_bytes(IMAGES)[:length], 3)


@pytest.mark.parametrize(("change", "found"), [(b"", 23), (b"ab", 25)])
def test_truncated_and_oversized_files(change, found):
    with pytest.raises(ValueError, match=f"holds {found} bytes of data where its header announces 24"):
        parse_idx(idx_bytes(IMAGES)[:-1] + change, 3)


def test_labels_in_the_place_of_images():
    with pytest.raises(ValueError, match="starts with 0x00000801 instead of 0x00000803"):
        parse_idx(idx_bytes(np.zeros(40)), 3)


def test_an_enormous_announced_size_is_refused_without_allocating_it():
    with pytest.raises(ValueError, match="announces 79228162458924105385300197375"):
        parse_idx(struct.pack(">4I", 0x803, *[2**32 - 1] * 3), 3)


@pytest.mark.parametrize("damage", ["cut", "flip"])
def test_a_damaged_archive(damage):
    archive = bytearray(gzip.compress(idx_bytes(IMAGES)))
    if damage == "cut":
        del archive[-9:]
    else:
        archive[-6] ^= 0xFF
    with pytest.raises(ValueError, match="is a damaged gzip archive"):
        parse_idx(bytes(archive), 3)
