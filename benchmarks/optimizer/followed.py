"""Campaigns of ours that keep what was expected and what was found, a line of JSON each, to be continued."""

import heapq
import json
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.optimizer.box import Box
from benchmarks.optimizer.simulate import WORKERS, Curve
from hpo.optimizer import Observation, Proposal
from hpo.optimizer.propose import propose

Row = dict[str, Any]


def follow(box: Box, evaluations: int) -> tuple[list[Observation], Row]:
    """A simulated campaign: its trials in the order of ending, and "volumes" and "gains" in that order.

    Durations and noise are those of ``benchmarks.optimizer.simulate``. A gain is the hypervolume that the
    trial was expected to add when it was proposed; None where no model was asked.
    """
    torch.set_num_threads(1)
    seed, curve = box.problem.seed, Curve(box)
    running: list[tuple[float, int, Proposal]] = []
    told: list[Observation] = []
    row: Row = {"volumes": [], "gains": []}
    clock = 0.0
    for index in range(evaluations + WORKERS):
        if len(running) == WORKERS or index >= evaluations:
            clock, number, done = heapq.heappop(running)
            told.append(box.evaluate(done, np.random.default_rng([seed, number, 8])))
            row["volumes"].append(float(f"{curve.add(told[-1]):.6g}"))
            row["gains"].append(done.explanation.get("gain"))
        if index < evaluations:
            proposal = propose(box.problem, told, [p.config for _, _, p in running], index)
            assert isinstance(proposal, Proposal)
            end = clock + float(np.random.default_rng([seed, index, 7]).lognormal(0.0, 0.5))
            heapq.heappush(running, (end, index, proposal))
    return told, row


def remembered(
    work: Path, keys: Iterable[Sequence[Any]], run: Callable[..., Row]
) -> dict[tuple[Any, ...], Row]:
    """The row of every key, from the work file or, where it lacks one, from ``run(*key)``."""
    lines = work.read_text(encoding="utf-8").splitlines() if work.exists() else []
    known = {tuple(row["key"]): row for row in map(json.loads, lines)}
    wanted = [tuple(key) for key in keys]
    for key in wanted:
        if key not in known:
            known[key] = {"key": list(key), **run(*key)}
            with work.open("a", encoding="utf-8") as file:
                file.write(json.dumps(known[key]) + "\n")
                file.flush()
                os.fsync(file.fileno())
            print(*key, f"hypervolume {known[key]['volumes'][-1]:.5g}", flush=True)
    return {key: known[key] for key in wanted}


def plain(told: Sequence[Observation]) -> list[Row]:
    """Trials as JSON; ``Observation(**row)`` of each restores them."""
    return [asdict(observation) for observation in told]
