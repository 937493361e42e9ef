"""Keeping memory that was freed, for the arrays of the next training step."""

import ctypes
import functools
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # names of glibc's mallopt
_MOST_KEPT = 1 << 30
_LARGEST = 1 << 28


@functools.cache
def keep_freed_memory() -> bool:
    """Tell the C library's allocator not to give memory back to the system; True where it does as told.

    glibc returns large arrays to the system when they are freed, and every training step then has the system
    clear new pages for them, which takes longer than the arithmetic on them. It is a setting of the whole
    process, so it is left to those who own one, as workers do: up to a GiB stays with the process.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is None:
        return False
    return bool(mallopt(_MMAP_THRESHOLD, _LARGEST)) and bool(mallopt(_TRIM_THRESHOLD, _MOST_KEPT))
