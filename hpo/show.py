"""Rendering of fronts, trials and campaigns for the terminal."""

from collections.abc import Iterable, Sequence

from rich.console import Group
from rich.table import Table
from rich.text import Text

from hpo.live import curve_table, rates_line
from hpo.narrowing import shown
from hpo.queries import CampaignStatus, FrontDesign
from hpo.store import DesignRecord, ProgressRecord, TrialRecord
from hpo.tables import UNITS, front_columns, front_row, measure_text, parameter_text


def front_table(designs: Sequence[FrontDesign], objectives: Iterable[str], width: int) -> Table | Text:
    """The front, one design a row; hyperparameters that do not fit ``width`` are left to ``front --csv``."""
    if not designs:
        return Text("the front is empty: no trial gave a feasible design")
    columns = front_columns(designs, objectives)
    rows = [front_row(found, columns) for found in designs]
    widths = [max(len(cell) for cell in cells) + 3 for cells in zip(columns, *rows, strict=True)]
    shown = [k for k in range(len(columns)) if sum(widths[: k + 1]) < width]
    table = Table(title=f"front: {len(designs)} designs", title_justify="left", caption_justify="left")
    if len(shown) < len(columns):
        table.caption = f"not shown: {', '.join(columns[len(shown) :])} (see front --csv)"
    for k in shown:
        table.add_column(columns[k], justify="left" if k == 0 else "right", no_wrap=True)
    for row in rows:
        table.add_row(*(row[k] for k in shown))
    return table


def campaign_table(statuses: Sequence[CampaignStatus]) -> Table:
    """Every campaign, one a row."""
    table = Table()
    for heading in ("campaign", "state", "ended", "complete", "silent", "failed", "front", "hypervolume"):
        table.add_column(heading, justify="left" if heading in ("campaign", "state") else "right")
    for found in statuses:
        counts = [str(found.counts.get(state, 0)) for state in ("complete", "silent", "failed")]
        ended = f"{found.ended}/{found.trials_total}"
        asked = f", asked to {found.request}" if found.request else ""
        state = "stopped: resume it" if found.is_abandoned else found.state + asked
        table.add_row(found.name, state, ended, *counts, str(found.front_size), f"{found.hypervolume:.4f}")
    return table


def campaign_notes(found: CampaignStatus) -> list[str]:
    """What else to know of where a campaign stands, as sentences."""
    notes = []
    if found.stop_reason:
        notes.append(f"stopped early: {found.stop_reason}; 'spikefront extend {found.name}' goes on")
    if found.narrowed:
        notes.append(f"proposals are narrowed to {shown(found.narrowed)}")
    return notes


def trial_table(trials: Sequence[TrialRecord]) -> Table:
    """Every trial of a campaign, one a row."""
    table = Table()
    for heading in ("trial", "state", "accuracy %", "proposed by", "reason"):
        table.add_column(heading, justify="right" if heading in ("trial", "accuracy %") else "left")
    for trial in trials:
        accuracy = trial.metrics.get("accuracy")
        text = "" if accuracy is None else measure_text("accuracy", accuracy)
        source = str(trial.proposal.get("source", ""))
        table.add_row(str(trial.number), trial.state, text, source, trial.reason)
    return table


def trial_view(
    trial: TrialRecord, designs: Sequence[DesignRecord], progress: Sequence[ProgressRecord] = ()
) -> Group:
    """One trial: how it ended, or how far it is; its configuration; what its designs cost and why."""
    head = Text.assemble((f"trial {trial.number}", "bold"), f" of {trial.campaign}: {trial.state}")
    reason = [Text(trial.reason, style="yellow")] if trial.reason else []
    facts = Table(show_header=False, box=None)
    for name, value in trial.config.items():
        facts.add_row(name, parameter_text(value))
    for name, seconds in trial.timings.items():
        facts.add_row(f"{name}", f"{seconds:.2f}")
    if "accuracy" in trial.metrics:
        facts.add_row("accuracy, integer network", measure_text("accuracy", trial.metrics["accuracy"]) + " %")
        facts.add_row(
            "accuracy, float network", measure_text("accuracy", trial.metrics["float_accuracy"]) + " %"
        )
    spikes = [
        Text(
            "spikes per inference, inputs first: "
            + parameter_text([round(s, 1) for s in trial.spikes_per_layer])
        )
    ]
    noted = [record for record in progress if record.trial == trial.number]
    live = [part for record in noted for part in (rates_line(record), curve_table(record))]
    trace = [Text(trial.traceback, style="dim")] if trial.traceback else []
    return Group(
        *(head, *reason, facts, *live),
        *(spikes if trial.spikes_per_layer else []),
        *map(design_view, designs),
        *trace,
    )


def design_view(design: DesignRecord) -> Group:
    """One design: its measures, and where its cycles and its energy go."""
    head = f"design {design.name}, lanes {parameter_text(design.config['lanes'])}"
    if not design.feasible:
        head += " (breaks a constraint)"
    measures = Table(show_header=False, box=None)
    for name, value in design.measures.items():
        if name in UNITS:
            measures.add_row(UNITS[name][0], measure_text(name, value))
    return Group(Text(head, style="bold"), measures, _layers(design), _energy(design))


def _layers(design: DesignRecord) -> Table:
    """Spikes, cycles and energy of each layer; layers of a pipeline overlap in time."""
    table = Table(title=f"by layer (latency: {design.details['cycles']:.1f} cycles)", title_justify="left")
    for heading in ("layer", "spikes in", "busy cycles", "energy uJ"):
        table.add_column(heading, justify="right")
    details = design.details
    places = details["energy_by_place_uj"]
    rows = zip(details["spikes_per_layer"], details["cycles_per_layer"], strict=False)
    for number, (spikes, cycles) in enumerate(rows):
        table.add_row(str(number), f"{spikes:.1f}", f"{cycles:.1f}", f"{places[f'layer{number}']:.5f}")
    for place in (p for p in places if not p.startswith("layer")):
        table.add_row(place, "", "", f"{places[place]:.5f}")
    return table


def _energy(design: DesignRecord) -> Table:
    table = Table(title=f"energy by part, model {design.details['energy_model']}", title_justify="left")
    table.add_column("part")
    table.add_column("uJ", justify="right")
    table.add_column("share", justify="right")
    total = sum(design.details["energy_by_part_uj"].values())
    for part, value in design.details["energy_by_part_uj"].items():
        table.add_row(
            part.replace("_", " "), f"{value:.5f}", f"{100 * value / total:.1f} %" if total else "-"
        )
    return table
