"""The verbs that explain a search: why a trial was tried, how good predictions were, what matters."""

import json
from pathlib import Path
from typing import Annotated

import typer

from hpo.cli_options import HomeOption, NameArgument, console, home_at, store_at
from spikefront.errors import InputError

app = typer.Typer()

JsonOption = Annotated[bool, typer.Option("--json", help="Everything, as JSON.")]


@app.command()
def why(
    name: NameArgument,
    trial: Annotated[int, typer.Argument(metavar="TRIAL", min=0, help="The trial's number.")],
    *,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Say why a trial was tried: what proposed it, what was predicted, what came out."""
    from hpo.why import lines
    from hpo.why import why as explain

    found = explain(store_at(home), name, trial)
    print(json.dumps(found.as_dict(), indent=2) if as_json else "\n".join(lines(found)))


@app.command()
def calibration(
    name: NameArgument,
    *,
    as_json: JsonOption = False,
    plot: Annotated[bool, typer.Option("--plot", help="Draw it too.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", help="The picture's path [calibration.png]; implies --plot.")
    ] = None,
    home: HomeOption = None,
) -> None:
    """Hold every prediction of a campaign against what came out."""
    from hpo.calibration import calibration as measure
    from hpo.calibration import lines

    if out is not None and out.suffix != ".png":
        raise InputError(f"the picture's path {out} does not end in .png: name it so")
    found = measure(store_at(home), name)
    print(json.dumps(found.as_dict(), indent=2) if as_json else "\n".join(lines(found)))
    if plot or out:
        from hpo.calibration_plot import draw_calibration

        path = out or home_at(home).campaign_folder(name) / "calibration.png"
        draw_calibration(found, f"{name}: predictions and outcomes", path)
        typer.echo(f"wrote {path}", err=as_json)


@app.command()
def importance(name: NameArgument, *, as_json: JsonOption = False, home: HomeOption = None) -> None:
    """Rank the hyperparameters by what they change, for every objective and for silence."""
    from hpo.importance import importance as rank
    from hpo.importance import notes, table

    rankings = rank(store_at(home), name)
    if as_json:
        print(json.dumps([ranking.as_dict() for ranking in rankings], indent=2))
        return
    from rich.table import Table

    columns, rows = table(rankings)
    shown = Table()
    for column in columns:
        shown.add_column(column, justify="left" if column == "variable" else "right")
    for row in rows:
        shown.add_row(*row)
    console().print(shown)
    print("\n".join(notes(rankings)))
