"""The driver that ``benchmarks.reliability.faults`` kills: ``python -m ... FOLDER``."""

import sys

from benchmarks.reliability.fault_cases import Bench

if __name__ == "__main__":
    Bench("driver killed", sys.argv[1]).drive()
