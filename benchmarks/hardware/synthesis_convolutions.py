"""Yosys against our area estimate, on exported designs with convolutions.

What a convolution adds to the estimate is counted, not fitted (``hardware.area_convolution``); the designs
marked ``seen`` were looked at while the counting was written, the others were synthesised afterwards.
Run it with ``python -m benchmarks.hardware.synthesis_convolutions [--quick] [--json PATH]``.
"""

import shutil
import sys
from typing import Any

from benchmarks.common import Outcome, Row, run_benchmark
from benchmarks.hardware.synthesis import GOAL, RESOURCES, Case, compared, worst_error
from hardware.network import Convolution

STEPS = 16
SLIM: dict[str, Any] = {"membrane_bits": 12, "weight_bits": 6, "leak": "shift"}
CLOCK: dict[str, Any] = {"family": "clock_driven"}


def _case(convolutions: list[tuple[int, Convolution]], lanes: tuple[int, ...], **more: Any) -> Case:
    """Put ten neurons behind ``convolutions``."""
    channels, last = convolutions[-1]
    n_in = channels * last.out_pixels
    config = {**SLIM, "lanes": lanes, **more}
    return Case((n_in, 10), time_steps=STEPS, config=config, convolutions=tuple(convolutions))


SEEN = (
    _case([(4, Convolution((1, 8, 8), 3, padding=1, pool=2))], (4, 5)),
    _case([(4, Convolution((1, 12, 12), 3, padding=1))], (2, 5)),
    _case([(8, Convolution((2, 10, 10), 5, 2, 2))], (4, 10)),
    _case([(4, Convolution((1, 16, 16), 5, pool=2))], (4, 10)),
    _case([(8, Convolution((1, 12, 12), 3, 2))], (8, 10), **CLOCK),
)
UNSEEN = (
    _case([(8, Convolution((1, 16, 16), 3, 2, 1))], (8, 10)),
    _case([(4, Convolution((1, 16, 16), 3, padding=1, pool=2))], (2, 5)),
    _case([(1, Convolution((2, 8, 8), 3))], (1, 5)),
    _case(
        [(4, Convolution((1, 14, 14), 3, padding=1, pool=2)), (8, Convolution((4, 7, 7), 3, 2))], (4, 8, 5)
    ),
    _case([(4, Convolution((1, 12, 12), 5, pool=2))], (2, 10), **CLOCK),
)
FULL = (*SEEN, *UNSEEN)


def body(quick: bool) -> Outcome:
    """Synthesise every case, one after another."""
    if not shutil.which("yosys"):
        print("yosys is not installed (Debian: yosys): nothing to compare with")
        return [], False, {}
    rows: list[Row] = [compared(case) | {"seen": case in SEEN} for case in (FULL[:1] if quick else FULL)]
    unseen = [row for row in rows if not row["seen"]]
    errors = {name: worst_error(rows, name) for name in RESOURCES}
    fresh = {name: worst_error(unseen, name) for name in RESOURCES}
    passed = all(error is None or error <= GOAL for error in (*errors.values(), *fresh.values()))
    return rows, passed, {"worst error": errors, "worst error unseen": fresh, "weights": "normal, seed 1"}


if __name__ == "__main__":
    goal = "LUT, FF, BRAM, DSP of designs with convolutions within 25 % of Yosys"
    sys.exit(run_benchmark("hardware.synthesis_convolutions", goal, body))
