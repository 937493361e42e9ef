import platform
import subprocess
import sys

import pytest

from models.memory import keep_freed_memory

_COUNT = """
import resource
from models.memory import keep_freed_memory
assert keep_freed_memory()
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
def work():
    return [b"x" * (1 << 20) for _ in range(8)]
work()
before = faults()
for _ in range(10):
    work()
print(faults() - before, 8 * (1 << 20) // resource.getpagesize())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="it is a setting of glibc's allocator")
def test_memory_that_was_freed_is_used_again_without_clearing_new_pages():
    """Counted in a process of its own, for the setting is the process's."""
    done = subprocess.run([sys.executable, "-c", _COUNT], capture_output=True, text=True, check=True)
    faults, pages_of_one_round = map(int, done.stdout.split())
    assert faults < pages_of_one_round


def test_says_whether_it_took_effect():
    assert keep_freed_memory() is keep_freed_memory()
