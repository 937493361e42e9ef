"""Small IDX files and the description of a data set made of them."""

import gzip
import hashlib
import struct

import numpy as np

from models.datasets.mnist import IdxFile, IdxSource

NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def idx_bytes(array):
    """An IDX file holding the array, uncompressed."""
    head = struct.pack(">I", 0x0800 | array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.astype(np.uint8).tobytes()


def small_arrays(train_count=50, test_count=20, seed=0):
    """Train images, train labels, test images, test labels of a 4x3 data set."""
    rng = np.random.default_rng(seed)
    arrays = []
    for count in (train_count, test_count):
        arrays.append(rng.integers(0, 256, (count, 4, 3)))
        arrays.append(np.arange(count) % 10)
    return arrays


def write_source(folder, arrays, compressed=True):
    """Write the four files and return the source that describes them."""
    folder.mkdir(parents=True)
    files = []
    for name, array in zip(NAMES, arrays, strict=True):
        content = gzip.compress(idx_bytes(array), mtime=0)
        files.append(
            IdxFile(name, array.ndim, hashlib.md5(content).hexdigest(), hashlib.sha256(content).hexdigest())
        )
        if compressed:
            (folder / f"{name}.gz").write_bytes(content)
        else:
            (folder / name).write_bytes(idx_bytes(array))
    return IdxSource("Small", "example.org/small", tuple(files), len(arrays[0]), len(arrays[2]))
