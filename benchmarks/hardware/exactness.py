"""Does the RTL do what the integer reference and the cycle formula say?

Random small networks (``benchmarks.hardware.cases``) run in PyRTL's simulator, event-driven and, half as
many, clock-driven; a fifth as many (``benchmarks.hardware.row_cases``) with sweeps of touched rows. They run
several inferences each and no reset in between. Compared without tolerance: spikes of every layer, classes,
clock cycles; and all of these once more as torch tensors give them. Run it with
``python -m benchmarks.hardware.exactness [--quick] [--json PATH]``.
"""

import sys
import time

import numpy as np
import torch

from benchmarks.common import Outcome, Row, run_benchmark
from benchmarks.hardware.cases import Case, cases, clock_cases
from benchmarks.hardware.row_cases import row_cases
from hardware.arrays import host
from hardware.cycles import count
from hardware.network import IntArray
from hardware.reference import ReferenceRun, run
from hardware.simulate import simulate

SEED = 1
FULL, QUICK = 1000, 150


def body(quick: bool) -> Outcome:
    """Compare every case and sum up by kind of input."""
    start = time.perf_counter()
    networks = QUICK if quick else FULL
    chosen = {
        "event": cases(networks, SEED),
        "clock": clock_cases(networks // 2, SEED),
        "event, touched rows": row_cases(networks // 5, SEED),
    }
    rows = [
        {"family": family, "input": kind} | _compare([case for case in found if case.kind == kind])
        for family, found in chosen.items()
        for kind in dict.fromkeys(case.kind for case in found)
    ]
    total: Row = {"family": "all", "input": "all"}
    total |= {key: sum(row[key] for row in rows) for key in rows[0] if key not in total}
    rows.append(total)
    differences = sum(value for key, value in total.items() if key.endswith(" differ"))
    seconds = time.perf_counter() - start
    return rows, differences == 0, {"seed": SEED, "cycles_per_second": round(total["cycles"] / seconds)}


def _compare(chosen: list[Case]) -> Row:
    row: Row = {"networks": len(chosen), "direct": 0, "recurrent": 0, "convolutional": 0}
    row |= {"convolutional last": 0, "sequential": 0}
    row |= {"inferences": 0, "cycles": 0, "spike bits": 0, "spikes": 0}
    row |= {"spikes differ": 0, "classes differ": 0, "cycles differ": 0, "tensors differ": 0}
    for case in chosen:
        reference, rtl = run(case.net, case.inputs), simulate(case.net, case.inputs)
        total = count(case.net, reference, case.inputs).total
        row["direct"] += int(case.net.direct)
        row["recurrent"] += int(any(layer.recurrent is not None for layer in case.net.layers))
        row["convolutional"] += int(any(layer.convolution is not None for layer in case.net.layers))
        row["convolutional last"] += int(case.net.layers[-1].convolution is not None)
        row["sequential"] += int(case.net.config.schedule == "sequential")
        row["inferences"] += len(case.inputs)
        row["cycles"] += int(rtl.cycles.sum())
        for expected, found in zip(reference.spikes, rtl.spikes, strict=True):
            row["spike bits"] += found.size
            row["spikes"] += int(found.sum())
            row["spikes differ"] += int(np.count_nonzero(expected != found))
        row["classes differ"] += int(np.count_nonzero(reference.predicted != rtl.predicted))
        row["cycles differ"] += int(np.count_nonzero(total != rtl.cycles))
        row["tensors differ"] += _tensor_differences(case, reference, total)
    return row


def _tensor_differences(case: Case, expected: ReferenceRun, total: IntArray) -> int:
    """Count spikes, classes and cycles that torch tensors give otherwise than numpy arrays."""
    inputs = torch.from_numpy(case.inputs)
    found = run(case.net, inputs)
    arrays = [*expected.spikes, expected.predicted, total]
    tensors = [*found.spikes, found.predicted, count(case.net, found, inputs).total]
    return sum(int(np.count_nonzero(a != host(b))) for a, b in zip(arrays, tensors, strict=True))


if __name__ == "__main__":
    sys.exit(
        run_benchmark("hardware.exactness", "0 differences between RTL, reference and cycle formula", body)
    )
