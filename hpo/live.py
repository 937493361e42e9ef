"""Running trials on a terminal: how far each is, and what it shows."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from hpo.queries import RunningTrial
from hpo.store import ProgressRecord
from hpo.tables import measure_text

MAX_SHOWN = 16
"""Rows of the table; more do not fit on a screen."""


def running_table(trials: Sequence[RunningTrial]) -> Table:
    """Running trials, one a row."""
    table = Table(title="running trials", title_justify="left", caption_justify="left")
    for heading in ("trial", "epoch", "loss", "validation %", "spikes by layer", "firing rates %"):
        table.add_column(heading, justify="right")
    for trial in trials[:MAX_SHOWN]:
        table.add_row(
            str(trial.trial),
            f"{trial.epoch}/{trial.epochs}",
            _number(trial.loss),
            _percent(trial.validation_accuracy),
            "/".join(f"{spikes:.1f}" for spikes in trial.spikes_per_layer),
            "/".join(f"{100 * rate:.1f}" for rate in trial.firing_rates),
        )
    if len(trials) > MAX_SHOWN:
        table.caption = f"and {len(trials) - MAX_SHOWN} more"
    return table


def curve_table(record: ProgressRecord) -> Table:
    """The learning curve of one running trial."""
    curve = record.detail["curve"]
    table = Table(title=f"so far, {record.at:%H:%M:%S} UTC", title_justify="left")
    for heading in ("epoch", "loss", "validation %"):
        table.add_column(heading, justify="right")
    for epoch, loss, accuracy in zip(*(curve[name] for name in curve), strict=True):
        table.add_row(str(epoch), _number(loss), _percent(accuracy))
    return table


def rates_line(record: ProgressRecord) -> Text:
    """What fires in a running trial."""
    rates = "/".join(f"{100 * rate:.1f}" for rate in record.detail["firing_rates"])
    spikes = "/".join(f"{count:.1f}" for count in record.detail["spikes_per_layer"])
    return Text(f"spikes per sample by layer {spikes}, firing rates {rates} %")


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _percent(value: float | None) -> str:
    return "-" if value is None else measure_text("accuracy", value)
