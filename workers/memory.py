"""A bound on the main memory that a trial takes."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

GIB = 2**30


@contextmanager
def bounded_memory(gib: float | None) -> Iterator[None]:
    """Let this process take ``gib`` GiB more than it has now; beyond, allocations raise MemoryError.

    Bounded is what the process may write to (RLIMIT_DATA, Linux 4.7 and newer), touched or not, so that a
    trial that leaks fails by itself before the kernel picks a process to kill. PyTorch raises RuntimeError
    instead. A bound that stands already is only ever lowered.
    """
    if gib is None:
        yield
        return
    before, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = _data_bytes() + int(gib * GIB)
    known = [limit for limit in (before, hard) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_DATA, (min([wanted, *known]), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (before, hard))


def _data_bytes() -> int:
    """Writable private memory of this process."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[5])
    return pages * resource.getpagesize()
