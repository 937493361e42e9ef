"""The report of a campaign: ``front.png`` and one self-contained HTML page.

Here, and only here, the test split is looked at, once per design of the front; what was measured is stored.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hpo import plots
from hpo.calibration import Calibration, calibration, lines
from hpo.calibration_plot import calibration_picture
from hpo.home import Home
from hpo.importance import importance, notes, table
from hpo.queries import FrontDesign, front, spec_of, status
from hpo.remarks import remarks
from hpo.store import Store, TrialState
from hpo.tables import front_columns, front_row
from spikefront.errors import InputError

STOPPED: tuple[TrialState, ...] = ("silent", "failed", "pruned")
MAX_STOPPED = 500
"""Of more trials without a design the page lists the first so many."""
TEMPLATES = Path(__file__).parent / "templates"


def write_report(store: Store, home: Home, name: str, folder: Path, data_root: str | None) -> list[Path]:
    """Write picture and page; a finished campaign's front is measured on the test split first, once.

    While a campaign may still change its front, nobody looks at the test data.

    Returns:
        The files written.

    Raises:
        DataError: the test split cannot be loaded.
    """
    if store.campaign(name).state == "finished":
        measure_test(store, home, name, data_root)
    picture, page = folder / "front.png", folder / "report.html"
    plots.draw_front(store, name, picture)
    page.write_text(render(store, name), encoding="utf-8")
    return [picture, page]


def measure_test(store: Store, home: Home, name: str, data_root: str | None) -> None:
    """Price every design of the front on the test split, unless that was done before."""
    untested = [found for found in front(store, name) if found.design.test_measures is None]
    if not untested:
        return
    from hardware.record_io import from_bytes
    from workers.parameters import TrialParameters
    from workers.trial import measure_on_test

    spec = spec_of(store, name)
    data = spec.campaign_data(data_root)
    for found in untested:
        artifact = store.trial(name, found.design.trial).artifact
        record = from_bytes(home.artifacts.get(str(artifact)))
        parameters = TrialParameters.model_validate({**found.config, **_accelerator(found)})
        measures = measure_on_test(record.network, parameters, data, spec.energy_model)
        store.set_test_measures(name, found.name, measures)


def _accelerator(found: FrontDesign) -> dict[str, Any]:
    from workers.parameters import ACCELERATOR_NAMES

    return {key: value for key, value in found.design.config.items() if key in ACCELERATOR_NAMES}


def render(store: Store, name: str) -> str:
    """The page as text; everything from users is escaped."""
    from jinja2 import Environment, FileSystemLoader
    from plotly.offline import get_plotlyjs

    page = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True).get_template("report.html")
    designs = front(store, name)
    columns = front_columns(designs, spec_of(store, name).objectives)
    predictions = calibration(store, name)
    record, found = store.campaign(name), status(store, name)
    return page.render(
        name=name,
        status=found,
        remarks=remarks(store, name),
        columns=columns,
        rows=[front_row(found, columns) for found in designs],
        tested=any(found.design.test_measures for found in designs),
        figures=_figures(store, name, designs),
        predictions=_predictions(predictions),
        prediction_lines=lines(predictions),
        ranking=_ranking(store, name),
        energy_model=record.spec.get("energy_model", ""),
        assumed_share=_assumed_share(designs),
        reference=record.reference,
        stopped=store.trials(name, STOPPED, limit=MAX_STOPPED),
        stopped_total=sum(found.counts[state] for state in STOPPED),
        versions=record.versions,
        seed=record.seed,
        spec=json.dumps(record.spec, indent=2),
        plotly_js=get_plotlyjs(),
    )


def _figures(store: Store, name: str, designs: Sequence[FrontDesign]) -> dict[str, str]:
    if not designs:
        return {}
    figures = {
        "front": plots.front_figure(store, name),
        "hypervolume": plots.hypervolume_figure(store, name),
        "cycles": plots.breakdown_figure(designs, "cycles_per_layer", "busy cycles", "group"),
        "spikes": plots.breakdown_figure(designs, "spikes_per_layer", "spikes per inference"),
        "energy": plots.breakdown_figure(designs, "energy_by_part_uj", "energy uJ"),
        "energy_layers": plots.breakdown_figure(designs, "energy_by_place_uj", "energy uJ"),
    }
    options = {"responsive": True, "displayModeBar": False}
    return {
        key: figure.to_html(full_html=False, include_plotlyjs=False, config=options)
        for key, figure in figures.items()
    }


def _predictions(found: Calibration) -> str:
    """The picture of the calibration as SVG; empty while there is nothing to hold against predictions."""
    if not found.bands:
        return ""
    text = calibration_picture(found, "", "svg").decode("utf-8")
    # Matplotlib's note on itself has addresses, and the page names none.
    return re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)


def _ranking(store: Store, name: str) -> dict[str, Any] | None:
    """Columns, rows and notes of the importance; None while trials are too few."""
    try:
        rankings = importance(store, name)
    except InputError:
        return None
    columns, rows = table(rankings)
    return {"columns": columns, "rows": rows, "notes": notes(rankings)}


def _assumed_share(designs: Sequence[FrontDesign]) -> str:
    shares = [found.design.details["energy_assumed_share"] for found in designs]
    if not shares:
        return "an unknown share"
    return f"{100 * min(shares):.0f} to {100 * max(shares):.0f} %"
