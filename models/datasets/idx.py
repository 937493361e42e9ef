"""The IDX file format of MNIST: a magic number, the sizes as big-endian 32-bit numbers, then the bytes."""

import gzip
import math
import struct
import zlib

import numpy as np
from numpy.typing import NDArray

_UNSIGNED_BYTE = 0x08


def parse_idx(content: bytes, dimensions: int) -> NDArray[np.uint8]:
    """Parse an IDX file of unsigned bytes, plain or gzip-compressed.

    Args:
        content: the whole file.
        dimensions: expected number of dimensions (3 for images, 1 for labels).

    Raises:
        ValueError: not such a file, with the reason as a phrase that fits behind "the file".
    """
    data = _unpack(content)
    head = 4 + 4 * dimensions
    if len(data) < head:
        raise ValueError(f"has {len(data)} bytes, fewer than the {head} of its header")
    magic = struct.unpack_from(">I", data)[0]
    expected = _UNSIGNED_BYTE << 8 | dimensions
    if magic != expected:
        raise ValueError(f"starts with 0x{magic:08x} instead of 0x{expected:08x}")
    shape = struct.unpack_from(f">{dimensions}I", data, 4)
    if len(data) - head != math.prod(shape):
        raise ValueError(
            f"holds {len(data) - head} bytes of data where its header announces {math.prod(shape)}"
        )
    return np.frombuffer(data, dtype=np.uint8, offset=head).reshape(shape)


def _unpack(content: bytes) -> bytes:
    """Undo gzip when its magic number is there."""
    if not content.startswith(b"\x1f\x8b"):
        return content
    try:
        return gzip.decompress(content)
    except (EOFError, OSError, zlib.error) as error:
        raise ValueError(f"is a damaged gzip archive ({error})") from error
