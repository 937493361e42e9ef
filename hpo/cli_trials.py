"""``spikefront trials``: everything that was tried, for other tools."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from hpo.cli_options import HomeOption, NameArgument, store_at
from spikefront.errors import ConflictError, InputError

app = typer.Typer()


@app.command()
def trials(
    name: NameArgument,
    *,
    as_format: Annotated[
        Literal["csv", "json", "optuna"],
        typer.Option("--format", help="A row per design, trials with designs, or an Optuna study."),
    ] = "csv",
    out: Annotated[
        str | None,
        typer.Option("--out", help="A new file [the terminal]; for Optuna a file or a URL."),
    ] = None,
    home: HomeOption = None,
) -> None:
    """Write every trial with its designs as CSV or JSON, or as a study for optuna-dashboard."""
    store = store_at(home)
    if as_format == "optuna":
        if out is None:
            raise InputError("an Optuna study needs a place: --out study.db, or a storage URL of Optuna's")
        from hpo.optuna_export import export_study

        print(f"wrote {export_study(store, name, out)} Optuna trials to the study {name} in {out}")
        return
    from hpo.trials_export import write_csv, write_json

    write = write_csv if as_format == "csv" else write_json
    if out is None:
        write(store, name, sys.stdout)
        return
    store.campaign(name)
    path = Path(out)
    try:
        file = path.open("x", encoding="utf-8", newline="")
    except FileExistsError:
        raise ConflictError(f"the file {path} exists already: name another one") from None
    try:
        with file:
            count = write(store, name, file)
    except BaseException:
        path.unlink()  # nothing half written stays
        raise
    print(f"wrote {out}: {count} {'rows' if as_format == 'csv' else 'trials'}")
