"""``spikefront show TRIAL --plot``: how one trial learned, and what its network does, as one picture.

Spikes and membrane potentials are those of the integer network of one of the trial's designs, on validation
samples that were kept with it: what the hardware will do, not what the float network did.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hpo.exporting import stored_design
from hpo.home import Home
from hpo.store import Store, TrialRecord
from spikefront.errors import InputError

if TYPE_CHECKING:
    from hpo.exporting import StoredDesign

SAMPLES = 3
"""Samples in the raster."""
TRACES = 4
"""Neurons of the last layer whose membrane potential is drawn."""
MOST_NEURONS = 200
"""Neurons of a layer that a raster shows; of larger layers evenly spaced ones."""


@dataclass(frozen=True)
class Source:
    """Where the picture's data come from."""

    store: Store
    home: Home
    campaign: str


def draw_trial(source: Source, trial: TrialRecord, design: str | None, path: Path) -> None:
    """Draw learning curves, firing rates, confusion, a spike raster and membrane traces as a PNG.

    Args:
        source: store and home of the campaign.
        trial: the trial.
        design: name of one of its designs, or None where it has none; then only learning is shown.
        path: the picture, written whole or not at all.

    Raises:
        InputError: the trial finished no epoch, so that there is nothing to draw.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    if not trial.metrics.get("loss"):
        raise InputError(f"trial {trial.number} finished no epoch ({trial.state}): there is nothing to draw")
    rows = 1 if design is None else 2
    figure, axes = plt.subplots(rows, 3, figsize=(15, 4.2 * rows), squeeze=False, layout="constrained")
    _draw_learning(axes[0][0], trial.metrics)
    _draw_rates(axes[0][1], trial.metrics)
    _draw_confusion(axes[0][2], trial.metrics.get("confusion"))
    if design is not None:
        stored = stored_design(source.store, source.home, source.campaign, design, SAMPLES)
        _draw_network(axes[1], stored)
    figure.suptitle(f"trial {trial.number} of {source.campaign}: {trial.state}")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    figure.savefig(partial, dpi=120, format="png")
    plt.close(figure)
    partial.replace(path)


def _draw_learning(axis: Any, metrics: dict[str, Any]) -> None:
    epochs = range(1, len(metrics["loss"]) + 1)
    axis.plot(epochs, metrics["loss"], color="#888", label="training loss")
    axis.set_xlabel("epoch")
    axis.set_ylabel("loss")
    share = axis.twinx()
    for name, colour in (("train_accuracy", "#d9731a"), ("validation_accuracy", "#1f5fa8")):
        percent = [100 * value for value in metrics[name]]
        share.plot(epochs, percent, color=colour, label=name.replace("_accuracy", " accuracy"))
    share.set_ylabel("accuracy % (float network)")
    lines = [*axis.get_lines(), *share.get_lines()]
    axis.legend(lines, [line.get_label() for line in lines], loc="center right", frameon=False)
    axis.set_title("learning")


def _draw_rates(axis: Any, metrics: dict[str, Any]) -> None:
    """Firing rates where the trial recorded them, otherwise spikes per sample."""
    rates = metrics.get("firing_rates")
    for layer, values in enumerate(zip(*(rates or metrics["spikes_per_layer"]), strict=True)):
        axis.plot(range(1, len(values) + 1), values, label=f"layer {layer}")
    axis.set_xlabel("epoch")
    axis.set_ylabel("spikes per neuron and time step" if rates else "spikes per sample")
    axis.set_ylim(bottom=0)
    axis.legend(frameon=False)
    axis.set_title("firing rate by layer")


def _draw_confusion(axis: Any, confusion: Sequence[Sequence[int]] | None) -> None:
    if not confusion:
        axis.axis("off")
        axis.text(0.5, 0.5, "no confusion matrix was recorded", ha="center", transform=axis.transAxes)
        return
    counts = np.array(confusion)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axis.imshow(share, cmap="Blues", vmin=0, vmax=1)
    if len(counts) <= 12:
        for row, column in np.argwhere(counts):
            shade = "white" if share[row, column] > 0.5 else "black"
            axis.text(column, row, counts[row, column], ha="center", va="center", fontsize=7, color=shade)
    axis.set_xlabel("class found by the integer network")
    axis.set_ylabel("class (validation)")
    axis.set_title("confusion")


def _draw_network(axes: Sequence[Any], stored: "StoredDesign") -> None:
    from hardware.reference import membranes, run

    found = run(stored.net, stored.inputs)
    _draw_raster(axes[0], stored, found.spikes)
    last = len(stored.net.layers) - 1
    potentials = membranes(stored.net, stored.inputs[:1], last)[0]
    shown = np.argsort(-potentials.max(axis=0), kind="stable")[:TRACES]
    for neuron in sorted(shown.tolist()):
        axes[1].plot(potentials[:, neuron], label=f"neuron {neuron}", marker=".")
    axes[1].axhline(stored.net.layers[last].threshold, color="#888", linestyle="--", label="threshold")
    axes[1].set_xlabel("time step")
    axes[1].set_ylabel("membrane potential (LSB)")
    axes[1].legend(frameon=False, fontsize=8)
    axes[1].set_title(f"last layer, sample of class {stored.labels[0]}: highest potentials")
    _draw_counts(axes[2], stored, found.counts)


def _draw_raster(axis: Any, stored: "StoredDesign", spikes: Sequence[Any]) -> None:
    """Spikes of the samples one after the other, layers one above the other, the input lowest."""
    steps, offset, ticks = stored.net.time_steps, 0, []
    layers = [] if stored.net.direct else [("input", stored.inputs)]
    for name, events in [*layers, *((f"layer {k}", layer) for k, layer in enumerate(spikes))]:
        kept = np.linspace(0, events.shape[2] - 1, min(MOST_NEURONS, events.shape[2])).astype(int)
        sample, step, neuron = np.nonzero(events[:, :, kept])
        axis.plot(sample * (steps + 2) + step, neuron + offset, "|", markersize=3, color="#1f3a5f")
        ticks.append((offset + len(kept) / 2, name))
        offset += len(kept) + 5
        axis.axhline(offset - 3, color="#ddd", linewidth=0.8)
    axis.set_yticks([place for place, _ in ticks], [name for _, name in ticks])
    axis.set_xticks(
        [k * (steps + 2) + steps / 2 for k in range(len(stored.labels))],
        [f"class {label}" for label in stored.labels],
    )
    axis.set_title(f"spikes of {len(stored.labels)} samples, {steps} steps each")


def _draw_counts(axis: Any, stored: "StoredDesign", counts: Any) -> None:
    width = 0.8 / len(counts)
    for k, (label, row) in enumerate(zip(stored.labels, counts, strict=True)):
        axis.bar(
            np.arange(len(row)) + (k - len(counts) / 2 + 0.5) * width,
            row,
            width,
            label=f"sample of class {label}",
        )
    axis.set_xticks(range(counts.shape[1]))
    axis.set_xlabel("class")
    axis.set_ylabel("output spikes")
    axis.legend(frameon=False, fontsize=8)
    axis.set_title("output spikes by class")
