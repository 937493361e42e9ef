"""Median hypervolume with quartiles of every method, against evaluations and against simulated time."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

from benchmarks.optimizer.problems import best_known
from benchmarks.optimizer.summary import LAST, longest, volume_at

mpl.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

Campaign = Mapping[str, Any]
COLOURS = {
    "ours": "#c1121f",
    "tpe": "#1f77b4",
    "nsga2": "#2ca02c",
    "pymoo": "#17becf",
    "sobol": "#7f7f7f",
    "random": "#bcbd22",
    "gpsampler": "#9467bd",
    "ax": "#ff7f0e",
    "qlognehvi": "#8c564b",
    "scbo": "#e377c2",
}


def draw(campaigns: Sequence[Campaign], folder: Path) -> list[Path]:
    """Write ``optimizer-evaluations.png`` and ``optimizer-time.png``: a panel per problem."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / "optimizer-evaluations.png", folder / "optimizer-time.png"]
    for path, over_time in zip(paths, (False, True), strict=True):
        _figure(campaigns, path, over_time)
    return paths


def _figure(campaigns: Sequence[Campaign], path: Path, over_time: bool) -> None:
    groups = longest(campaigns)
    problems = list(dict.fromkeys(problem for problem, _ in groups))
    columns = min(4, len(problems))
    rows = -(-len(problems) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(3.2 * columns, 2.5 * rows), squeeze=False)
    for axis, problem in zip(axes.flat, problems, strict=False):
        methods = [method for method in COLOURS if (problem, method) in groups]
        for method in methods:
            _curve(axis, method, list(groups[problem, method].values()), over_time)
        best = best_known().get(problem)
        axis.set_title(problem if best is None else f"{problem} (best known {best:.4g})", fontsize=9)
        axis.tick_params(labelsize=7)
        axis.set_xlabel("simulated time" if over_time else "evaluations", fontsize=8)
    for axis in axes.flat[len(problems) :]:
        axis.axis("off")
    shown = {line.get_label(): line for axis in axes.flat for line in axis.get_lines()}
    figure.legend(shown.values(), shown.keys(), loc="lower center", ncols=min(10, len(shown)), fontsize=8)
    figure.tight_layout(rect=(0, 0.06, 1, 1))
    figure.savefig(path, dpi=90)
    plt.close(figure)


def _curve(axis: Axes, method: str, campaigns: Sequence[Campaign], over_time: bool) -> None:
    """Median line and quartile band of one method."""
    if over_time:
        ends = [c["times"][min(LAST, len(c["times"])) - 1] for c in campaigns]
        places = np.linspace(0.0, float(np.median(ends)), 100)
        table = [[_by_time(c, place) for place in places] for c in campaigns]
    else:
        places = np.arange(1, LAST + 1)
        table = [[volume_at(c, n) for n in places] for c in campaigns]
    low, middle, high = np.quantile(np.array(table), [0.25, 0.5, 0.75], axis=0)
    width = 2.0 if method == "ours" else 1.1
    axis.plot(places, middle, color=COLOURS[method], linewidth=width, label=method)
    axis.fill_between(places, low, high, color=COLOURS[method], alpha=0.12, linewidth=0)


def _by_time(campaign: Campaign, moment: float) -> float:
    """Hypervolume at a simulated moment."""
    ended = int(np.searchsorted(campaign["times"], moment, side="right"))
    return volume_at(campaign, ended) if ended else 0.0
