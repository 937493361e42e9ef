"""A driver process to be killed: ``python -m benchmarks.reliability.toy_driver HOME serial|ray``.

Drives the tests' toy campaign, whose trials sleep a little, in this process or on two Ray workers, and prints
"driving" once it begins.
"""

import os
import sys
import time

from hpo.driver import Hooks, drive
from tests.hpo.toy import evaluate, open_toy
from workers.outcome import TrialOutcome, TrialRequest
from workers.pool import Pool, Resources, SerialPool
from workers.progress import Report

BUDGET = {"trials": 12, "initial": 6}
LEASE_S = 5.0


def work(request: TrialRequest, _report: Report) -> TrialOutcome:
    """The toy trial; it takes 0.3 to 0.9 s, the longer the higher its beta."""
    time.sleep(0.3 + (request.config["beta"] - 0.4))
    return evaluate(request)


def pool_named(name: str) -> Pool:
    """A serial pool, or one of two Ray workers."""
    if name == "serial":
        return SerialPool(work)
    from workers.ray_pool import RayPool

    return RayPool(work, Resources(workers=2))


def main(home: str, name: str) -> None:
    """Drive until the campaign's end, or until killed."""
    campaign = open_toy(home, budget=BUDGET)
    pool = pool_named(name)
    print("driving", flush=True)
    drive(campaign, pool, Hooks(), LEASE_S)
    os._exit(0)  # nothing is left to do but to take Ray down, which is not what is looked at here


if __name__ == "__main__":
    main(*sys.argv[1:])
