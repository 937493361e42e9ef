"""Our search against random search on the demo's space: real trainings, real designs, two Ray workers.

Both run ``examples/digits.toml`` through the same driver, with the same budget, reference point and seeds;
only the way of proposing differs. ``--quick`` shortens trainings and budget.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.common import Outcome, run_benchmark
from hpo import runs
from hpo.campaign import CampaignSpec
from hpo.driver import Hooks, drive
from hpo.home import Home
from hpo.queries import hypervolume_curve, status
from workers.pool import Pool

EXAMPLE = Path(__file__).parents[2] / "examples" / "digits.toml"
METHODS = ("bayesian", "random")


def campaign_spec(method: str, seed: int, quick: bool) -> CampaignSpec:
    """The demo's campaign with another seed and way of searching."""
    values = CampaignSpec.load(EXAMPLE).as_json()
    values |= {"name": f"{method}-{seed}", "seed": seed, "search": method}
    if quick:
        values["budget"] = {"trials": 14, "initial": 8}
        values["fixed"] |= {"epochs": 4}
    return CampaignSpec.from_mapping(values)


def one_campaign(spec: CampaignSpec, home: Home, pool: Pool) -> dict[str, Any]:
    """Drive one campaign to its end."""
    store = home.open()
    runs.create(store, spec, None)
    start = time.perf_counter()
    drive(runs.open_campaign(store, home, spec.name, None), pool, Hooks())
    found = status(store, spec.name)
    curve = hypervolume_curve(store, spec.name)
    return {
        "method": spec.search,
        "seed": spec.seed,
        "hypervolume": found.hypervolume,
        "at_half": curve[len(curve) // 2 - 1],
        "complete": found.counts["complete"],
        "silent": found.counts["silent"],
        "front": found.front_size,
        "seconds": time.perf_counter() - start,
    }


def body(quick: bool) -> Outcome:
    """A row per campaign; passed when our median hypervolume is above random search's."""
    seeds = [1] if quick else [1, 2, 3, 4, 5]
    pool = runs.make_pool(campaign_spec("random", 0, quick))
    try:
        with tempfile.TemporaryDirectory() as folder:
            home = Home(Path(folder))
            rows = [one_campaign(campaign_spec(m, s, quick), home, pool) for s in seeds for m in METHODS]
    finally:
        pool.close()
    medians = {m: statistics.median(r["hypervolume"] for r in rows if r["method"] == m) for m in METHODS}
    return rows, medians["bayesian"] > medians["random"], {"seeds": seeds, "median_hypervolume": medians}


if __name__ == "__main__":
    goal = "more median hypervolume than random search on the demo's space"
    sys.exit(run_benchmark("optimizer.digits", goal, body))
