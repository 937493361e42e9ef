"""Pictures of a campaign: one PNG of the front (matplotlib), and figures for the report (plotly)."""

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from hpo.queries import FrontDesign, front, hypervolume_curve, spec_of
from hpo.store import PointRecord, Store
from hpo.tables import UNITS, parameter_text

GREY, BLUE, ORANGE = "#b4b9c2", "#1f5fa8", "#d9731a"
MAX_POINTS = 5000
"""Of more feasible designs the newest so many are drawn; the front is always whole."""
COST_MEASURES = ("latency_us", "energy_uj", "luts", "bram36", "spikes_per_inference", "ffs", "dsps")


def draw_front(store: Store, name: str, path: Path) -> None:
    """Draw accuracy against each cost objective, all feasible designs and the front, as a PNG."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    spec = spec_of(store, name)
    costs = [objective for objective in spec.objectives if objective in COST_MEASURES] or ["latency_us"]
    designs, chosen = store.points(name, newest=MAX_POINTS), front(store, name)
    floor = spec.objectives["accuracy"].reference if "accuracy" in spec.objectives else 0.0
    figure, axes = plt.subplots(
        1, len(costs), figsize=(5.6 * len(costs), 4.4), squeeze=False, layout="constrained"
    )
    if not designs:
        axes[0][0].text(0.5, 0.5, "no feasible design", ha="center", transform=axes[0][0].transAxes)
    for axis, cost in zip(axes[0], costs, strict=True):
        _draw_pair(axis, cost, designs, chosen, floor)
    if designs:
        axes[0][0].legend(loc="lower right", frameon=False)
    feasible = store.feasible_count(name)
    figure.suptitle(f"{name}: {len(chosen)} designs on the front of {feasible} feasible ones")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130, format="png")
    plt.close(figure)


def _draw_pair(
    axis: Any, cost: str, designs: Sequence[PointRecord], chosen: Sequence[FrontDesign], floor: float
) -> None:
    """One cost against accuracy above its reference; the line joins designs unbeaten in these two."""
    axis.scatter(*_pair(cost, [d.measures for d in designs]), s=14, color=GREY, label="feasible design")
    points = sorted(zip(*_pair(cost, [f.design.measures for f in chosen]), strict=True))
    axis.scatter(
        *zip(*points, strict=True), s=30, color=BLUE, zorder=3, label="on the front"
    ) if points else None
    steps = [p for k, p in enumerate(points) if all(p[1] > q[1] for q in points[:k])]
    if steps:
        axis.step(*zip(*steps, strict=True), where="post", color=BLUE, linewidth=1, alpha=0.6)
    if designs and min(d.measures[cost] for d in designs) > 0:
        axis.set_xscale("log")
    axis.set_xlabel(UNITS[cost][0])
    axis.set_ylabel(UNITS["accuracy"][0])
    if any(design.measures["accuracy"] > floor for design in designs):
        axis.set_ylim(bottom=max(axis.get_ylim()[0], floor * UNITS["accuracy"][1]))
    axis.grid(alpha=0.25, which="both")


def _pair(cost: str, measures: Sequence[dict[str, float]]) -> tuple[list[float], list[float]]:
    return [m[cost] * UNITS[cost][1] for m in measures], [
        m["accuracy"] * UNITS["accuracy"][1] for m in measures
    ]


def front_figure(store: Store, name: str) -> Any:
    """Accuracy against latency with energy as colour, every feasible design and the front (plotly)."""
    import plotly.graph_objects as go

    chosen = front(store, name)
    on_front = {found.name for found in chosen}
    others = [d for d in store.points(name, newest=MAX_POINTS) if d.name not in on_front]
    figure = go.Figure()
    x, y = _pair("latency_us", [d.measures for d in others])
    figure.add_scatter(
        x=x,
        y=y,
        mode="markers",
        name="feasible",
        marker={"color": GREY, "size": 6},
        text=[d.name for d in others],
    )
    x, y = _pair("latency_us", [f.design.measures for f in chosen])
    energies = [f.design.measures["energy_uj"] for f in chosen]
    figure.add_scatter(
        x=x,
        y=y,
        mode="markers",
        name="front",
        marker={
            "color": [math.log10(energy) for energy in energies],
            "size": 11,
            "colorscale": "Viridis",
            "colorbar": _energy_scale(energies),
            "line": {"width": 1, "color": "#333"},
        },
        text=[_hover(f) for f in chosen],
        hoverinfo="text",
    )
    figure.update_xaxes(title_text=UNITS["latency_us"][0], type="log")
    figure.update_yaxes(title_text=UNITS["accuracy"][0])
    return _styled(figure)


def _energy_scale(energies: Sequence[float]) -> dict[str, Any]:
    """A colour bar over decades, labelled in uJ at its ends and in the middle."""
    if not energies:
        return {}
    low, high = math.log10(min(energies)), math.log10(max(energies))
    ticks = [low, (low + high) / 2, high]
    return {
        "title": {"text": "energy uJ"},
        "tickvals": ticks,
        "ticktext": [f"{10**tick:.3g}" for tick in ticks],
    }


def _hover(found: FrontDesign) -> str:
    measures = [
        f"{UNITS[m][0]}: {v * UNITS[m][1]:.4g}" for m, v in found.design.measures.items() if m in UNITS
    ]
    settings = [f"{n}: {parameter_text(v)}" for n, v in {**found.config, **found.design.config}.items()]
    return "<br>".join([f"<b>design {found.name}</b>", *measures, *settings])


def hypervolume_figure(store: Store, name: str) -> Any:
    """Hypervolume of the front over finished trials (plotly): the steps at which it changes, and its end."""
    import plotly.graph_objects as go

    curve = hypervolume_curve(store, name)
    steps = [k for k, volume in enumerate(curve) if k in (0, len(curve) - 1) or volume != curve[k - 1]]
    figure = go.Figure()
    figure.add_scatter(
        x=[k + 1 for k in steps],
        y=[curve[k] for k in steps],
        mode="lines",
        line={"shape": "hv", "color": BLUE},
    )
    figure.update_xaxes(title_text="finished trials")
    figure.update_yaxes(title_text="hypervolume")
    return _styled(figure)


def breakdown_figure(
    designs: Sequence[FrontDesign], detail: str, unit: str, mode: Literal["stack", "group"] = "stack"
) -> Any:
    """Bars per design of a detail that is a list by layer or a mapping by part (plotly)."""
    import plotly.graph_objects as go

    figure = go.Figure()
    for part in dict.fromkeys(key for found in designs for key in _parts(found, detail)):
        values = [_parts(found, detail).get(part, 0.0) for found in designs]
        figure.add_bar(x=[found.name for found in designs], y=values, name=part)
    figure.update_layout(barmode=mode)
    figure.update_xaxes(title_text="design", type="category")
    figure.update_yaxes(title_text=unit)
    return _styled(figure)


def _parts(found: FrontDesign, detail: str) -> dict[str, float]:
    value = found.design.details[detail]
    if isinstance(value, dict):
        return {re.sub(r"^layer(\d)", r"layer \1", part.replace("_", " ")): v for part, v in value.items()}
    if detail == "spikes_per_layer":
        names = [*(f"into layer {number}" for number in range(len(value) - 1)), "output"]
        return dict(zip(names, value, strict=True))
    return {f"layer {number}": v for number, v in enumerate(value)}


def _styled(figure: Any) -> Any:
    figure.update_layout(
        template="plotly_white",
        height=420,
        margin={"l": 60, "r": 20, "t": 80, "b": 50},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
    )
    return figure
