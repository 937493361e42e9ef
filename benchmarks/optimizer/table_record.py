"""Record the table: real trainings of configurations drawn from ``table.toml``'s space, each once.

``python -m benchmarks.optimizer.table_record WORK.jsonl --draws 768 --minutes 9`` appends finished trainings
to a work file and goes on behind them when called again. Widths of weights are priced on every trained
network, as ``[designs]`` of a campaign would; lanes and family need no training at all. ``--repeats 20`` then
trains some again with other seeds, to know the noise of one training, and ``--pack FILE.json.gz`` writes what
is committed. Run with OMP_NUM_THREADS=1.
"""

import argparse
import gzip
import json
import time
from pathlib import Path
from typing import Any

from scipy.stats import qmc

from benchmarks.common import environment
from hpo.campaign import CampaignSpec
from hpo.home import data_root
from hpo.space import Space
from workers.guard import guarded
from workers.outcome import DesignOutcome, TrialRequest
from workers.trial import evaluate

SPEC = Path(__file__).with_name("table.toml")
HARDWARE = ("weight_bits", "lanes", "family")
"""Searched variables that no training depends on."""
BITS = [2, 3, 4, 5, 6, 7, 8]
CURVES = ("loss", "train_accuracy", "validation_accuracy", "spikes_per_layer", "best_epoch", "samples_seen")
DIGITS = 5
SEED_STEP = 100_000


def trained_space(spec: CampaignSpec) -> Space:
    """The searched variables that a training depends on."""
    return Space({name: v for name, v in spec.space.items() if name not in HARDWARE})


def draws(spec: CampaignSpec, count: int) -> list[dict[str, Any]]:
    """The first ``count`` configurations of a scrambled Sobol sequence over what a training depends on."""
    space = trained_space(spec)
    exponent = max(count - 1, 1).bit_length()
    rows = qmc.Sobol(space.cube_dimension, seed=spec.seed).random_base2(exponent)[:count]
    return [space.from_cube(row) for row in rows]


def train_one(spec: CampaignSpec, number: int, config: dict[str, Any], seed: int) -> dict[str, Any]:
    """One training's record: how it ended, its curves, and what each width of weights gave."""
    request = TrialRequest(
        number=number,
        seed=seed,
        config={**spec.complete(config), "lanes": 16},
        designs={"weight_bits": BITS},
        data=spec.data.model_dump(),
        silence=spec.silence.model_dump(),
        split_seed=spec.seed,
        data_root=str(data_root() or "") or None,
        energy_model=spec.energy_model,
    )
    start = time.process_time()
    outcome = guarded(evaluate, request)
    seconds = time.process_time() - start
    return {
        "number": number,
        "config": config,
        "state": outcome.state,
        "reason": outcome.reason or "",
        "silence": outcome.constraints.get("silence"),
        "seconds": round(seconds - outcome.timings.get("load_s", 0.0), 3),
        "train_s": outcome.timings.get("train_s"),
        "float_accuracy": outcome.metrics.get("float_accuracy"),
        "audited": outcome.metrics.get("audit"),
        "curves": {name: outcome.metrics[name] for name in CURVES if name in outcome.metrics},
        "designs": [_design(design) for design in outcome.designs],
        "impossible": outcome.metrics.get("impossible_designs", []),
    }


def _design(design: DesignOutcome) -> dict[str, Any]:
    return {
        "weight_bits": design.config["weight_bits"],
        "accuracy": design.measures["accuracy"],
        "spikes": design.details["spikes_per_layer"],
    }


def repeats(rows: list[dict[str, Any]], count: int) -> list[tuple[int, dict[str, Any]]]:
    """Number and configuration of ``count`` feasible trainings, evenly spaced over their accuracies."""
    kept = [row for row in rows if row["silence"] is not None and row["silence"] <= 0 and row["designs"]]
    kept = sorted((row for row in kept if "repeat_of" not in row), key=lambda row: row["float_accuracy"])
    chosen = [kept[k * len(kept) // count] for k in range(min(count, len(kept)))]
    return [(row["number"], row["config"]) for row in chosen]


def record(spec: CampaignSpec, work: Path, count: int, minutes: float) -> int:
    """Train what the work file lacks, until done or out of time; how many it then holds."""
    done = len(work.read_text().splitlines()) if work.exists() else 0
    end = time.monotonic() + 60 * minutes
    with work.open("a", encoding="utf-8") as file:
        for number, config in enumerate(draws(spec, count)[done:], done):
            if time.monotonic() > end:
                return number
            file.write(json.dumps(_rounded(train_one(spec, number, config, number + 1))) + "\n")
            file.flush()
    return max(count, done)


def record_repeats(spec: CampaignSpec, work: Path, count: int) -> None:
    """Train ``count`` recorded configurations twice more, with other seeds."""
    rows = [json.loads(line) for line in work.read_text(encoding="utf-8").splitlines()]
    with work.open("a", encoding="utf-8") as file:
        for number, config in repeats(rows, count):
            for turn in (1, 2):
                row = train_one(spec, number, config, number + 1 + turn * SEED_STEP)
                file.write(json.dumps(_rounded({**row, "repeat_of": number})) + "\n")
                file.flush()


def pack(spec: CampaignSpec, work: Path, target: Path) -> None:
    """Write the work file with specification, date and versions as compressed JSON."""
    rows = [json.loads(line) for line in work.read_text(encoding="utf-8").splitlines()]
    text = json.dumps(
        {**environment(), "spec": spec.as_json(), "trainings": _rounded(rows)}, separators=(",", ":")
    )
    target.write_bytes(gzip.compress(text.encode(), mtime=0))


def _rounded(value: Any) -> Any:
    """Floats to five significant digits, which is more than they mean."""
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    return [_rounded(each) for each in value] if isinstance(value, list | tuple) else value


def main() -> None:
    """Record or pack, as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path)
    parser.add_argument("--spec", type=Path, default=SPEC)
    parser.add_argument("--draws", type=int, default=1024)
    parser.add_argument("--minutes", type=float, default=9.0)
    parser.add_argument("--repeats", type=int, default=0, help="train so many again, twice each")
    parser.add_argument("--pack", type=Path, metavar="FILE.json.gz")
    arguments = parser.parse_args()
    spec = CampaignSpec.load(arguments.spec)
    if arguments.repeats:
        record_repeats(spec, arguments.work, arguments.repeats)
    elif arguments.pack:
        pack(spec, arguments.work, arguments.pack)
    else:
        print(record(spec, arguments.work, arguments.draws, arguments.minutes), "trainings recorded")


if __name__ == "__main__":
    main()
