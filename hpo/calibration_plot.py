"""The picture of a campaign's calibration: predictions against outcomes, bins, and stated chances."""

import io
from pathlib import Path
from typing import Any

from hpo.calibration import EXPECTED, Calibration, ObjectiveCalibration, Share
from hpo.plots import BLUE, GREY, ORANGE
from hpo.tables import UNITS

BIN_NAMES = ("<5", "5-25", "25-50", "50-75", "75-95", ">95")


def draw_calibration(found: Calibration, title: str, path: Path) -> None:
    """Draw it as a PNG, written whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(calibration_picture(found, title, "png"))
    partial.replace(path)


def calibration_picture(found: Calibration, title: str, form: str) -> bytes:
    """The picture as "png" or "svg"."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    columns = len(found.objectives) + 1
    figure, axes = plt.subplots(2, columns, figsize=(4.3 * columns, 7.4), squeeze=False, layout="constrained")
    for column, one in enumerate(found.objectives):
        _draw_pairs(axes[0][column], one)
        _draw_bins(axes[1][column], one)
    _draw_chances(axes[0][-1], found)
    axes[1][-1].axis("off")
    axes[1][-1].text(0.0, 0.98, _legend(), va="top", fontsize=9, transform=axes[1][-1].transAxes)
    figure.suptitle(title)
    out = io.BytesIO()
    figure.savefig(out, dpi=120, format=form, metadata={"Date": None} if form == "svg" else None)
    plt.close(figure)
    return out.getvalue()


def _legend() -> str:
    return "\n".join(
        [
            "Top: each trial's prediction (mean and",
            "90 % interval) against what came out;",
            "orange where it came out outside.",
            "",
            "Bottom: in which part of its predicted",
            "distribution each outcome fell. Right",
            "predictions give the grey bars; outer",
            "bars too high: intervals too narrow.",
            "",
            "Vertical lines at the bars' tops and at the",
            "chances are 95 % intervals for what many",
            "more trials would show.",
        ]
    )


def _draw_pairs(axis: Any, one: ObjectiveCalibration) -> None:
    name, factor, _ = UNITS[one.objective]
    axis.set_title(f"{name}: {one.ninety.count} predictions")
    axis.set_xlabel("measured")
    axis.set_ylabel("predicted")
    if not one.pairs:
        return
    for inside, colour in ((True, BLUE), (False, ORANGE)):
        held = [h for _, h in one.pairs if h.inside is inside]
        x = [factor * (h.measured or 0.0) for h in held]
        low, mean, high = ([factor * h.predicted[key] for h in held] for key in ("low", "mean", "high"))
        axis.vlines(x, low, high, color=colour, linewidth=0.8, alpha=0.5)
        axis.plot(x, mean, "o", markersize=3, color=colour)
    measured = [factor * (h.measured or 0.0) for _, h in one.pairs]
    axis.plot([min(measured), max(measured)], [min(measured), max(measured)], color=GREY, zorder=0)
    if one.objective != "accuracy" and min(measured) > 0:
        for scale, ruler in ((axis.set_xscale, axis.xaxis), (axis.set_yscale, axis.yaxis)):
            scale("log")
            ruler.set_major_formatter(_plain)
            ruler.set_minor_formatter(_plain if max(measured) < 10 * min(measured) else _nothing)


def _plain(value: float, _place: object = None) -> str:
    return f"{value:.3g}"


def _nothing(_value: float, _place: object = None) -> str:
    return ""


def _draw_bins(axis: Any, one: ObjectiveCalibration) -> None:
    axis.bar(range(6), [100 * share for share in EXPECTED], width=0.85, color="#e4e8ee", label="expected")
    shares = [Share(count, max(sum(one.bins), 1)) for count in one.bins]
    values = [100 * share.value for share in shares]
    axis.bar(range(6), values, width=0.5, color=BLUE, label="seen")
    if one.ninety.count:
        ends = [share.interval for share in shares]
        axis.vlines(range(6), [100 * e[0] for e in ends], [100 * e[1] for e in ends], color="#1c2430", lw=1)
    axis.set_xticks(range(6), BIN_NAMES)
    axis.set_xlabel("quantile of the prediction, %")
    axis.set_ylabel("outcomes, %")
    axis.legend(frameon=False, fontsize=8)
    count = one.ninety.count
    axis.set_title(f"inside 90 %: {one.ninety.hits} of {count}, 50 %: {one.half.hits} of {count}")


def _draw_chances(axis: Any, found: Calibration) -> None:
    axis.plot([0, 100], [0, 100], color=GREY, zorder=0)
    for band in found.bands:
        low, high = band.held.interval
        axis.vlines(100 * band.stated, 100 * low, 100 * high, color=BLUE, linewidth=1)
        axis.plot(100 * band.stated, 100 * band.held.value, "o", color=BLUE)
        axis.annotate(
            f"{band.held.count}",
            (100 * band.stated, 100 * band.held.value),
            xytext=(5, -9),
            textcoords="offset points",
            fontsize=8,
        )
    axis.set_xlim(-3, 103)
    axis.set_ylim(-3, 103)
    axis.set_xlabel("stated chance that constraints hold, %")
    axis.set_ylabel("held, % (figures: trials)")
    axis.set_title("feasibility")
