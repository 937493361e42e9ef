"""Campaigns that are remembered, a line of JSON each: a comparison can be stopped and continued."""

import argparse
import json
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import torch

from benchmarks.optimizer.methods import make_method
from benchmarks.optimizer.problems import make
from benchmarks.optimizer.simulate import simulate

CPU_LIMIT_S = 480.0


class Key(NamedTuple):
    """What makes two campaigns the same one."""

    problem: str
    method: str
    seed: int
    evaluations: int


def read(work: Path) -> list[dict[str, Any]]:
    """Every campaign of a work file; of repeated ones the last."""
    lines = work.read_text(encoding="utf-8").splitlines() if work.exists() else []
    return list({_key(row): row for row in map(json.loads, lines)}.values())


def fill(work: Path, keys: Iterable[Key], cpu_limit: float = CPU_LIMIT_S, again: bool = False) -> None:
    """Run every campaign that the work file lacks (``again``: every one), and append each when it ends."""
    known = set() if again else {_key(row) for row in read(work)}
    for key in keys:
        if key not in known:
            line = json.dumps(campaign(key, cpu_limit))
            with work.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
                file.flush()
                os.fsync(file.fileno())


def campaign(key: Key, cpu_limit: float = CPU_LIMIT_S) -> dict[str, Any]:
    """Run one campaign on one thread; its key and what ``simulate`` gave, to six digits."""
    torch.set_num_threads(1)
    box = make(key.problem, key.seed)
    run = asdict(simulate(box, make_method(key.method, box.problem), key.evaluations, cpu_limit))
    for name in ("volumes", "times", "seconds"):
        run[name] = [float(f"{value:.6g}") for value in run[name]]
    run["feasible"] = "".join("1" if yes else "0" for yes in run["feasible"])
    print(*key, f"hypervolume {run['volumes'][-1]:.5g}, {sum(run['seconds']):.0f} s", flush=True)
    return {**key._asdict(), **run}


def options(argv: Sequence[str], parser: argparse.ArgumentParser) -> tuple[argparse.Namespace, list[str]]:
    """What every comparison is told on its command line, and what is left of it."""
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2, 3, 4])
    parser.add_argument("--evaluations", type=int, default=100)
    parser.add_argument("--work", type=Path, help="JSON-lines file of finished campaigns")
    parser.add_argument("--again", action="store_true", help="run what the work file has once more")
    parser.add_argument("--cpu-limit", type=float, default=CPU_LIMIT_S, help="processor seconds per campaign")
    if {"-h", "--help"} & set(argv):
        parser.print_help()
        sys.exit(0)
    return parser.parse_known_args(argv)


def _key(row: dict[str, Any]) -> Key:
    return Key(row["problem"], row["method"], row["seed"], row["evaluations"])
