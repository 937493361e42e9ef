"""One thread per test process: two processes with a thread for each core would fight over the cores.

Set before numpy or torch is imported, and inherited by every program that a test starts.
"""

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
