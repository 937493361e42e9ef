"""The verbs that act on a campaign from another process than its driver's, and its history."""

import json
from typing import Annotated

import typer

from hpo.cli_options import HomeOption, NameArgument, store_at

app = typer.Typer()

NowOption = Annotated[
    bool, typer.Option("--now", help="Stop running trials, instead of letting them end and count.")
]


@app.command()
def pause(name: NameArgument, now: NowOption = False, home: HomeOption = None) -> None:
    """Pause a running campaign, whichever process drives it; resume continues it."""
    from hpo.control import ask

    print(ask(store_at(home), name, "pause", now))


@app.command()
def cancel(name: NameArgument, now: NowOption = False, home: HomeOption = None) -> None:
    """End a campaign for good; what its trials found stays."""
    from hpo.control import ask

    print(ask(store_at(home), name, "cancel", now))


@app.command()
def extend(
    name: NameArgument,
    trials: Annotated[int, typer.Option("--trials", min=1, help="Trials beyond its present budget.")],
    home: HomeOption = None,
) -> None:
    """Give a campaign more trials; a finished one can then be resumed."""
    from hpo.control import extend as grant

    print(grant(store_at(home), name, trials))


@app.command()
def narrow(
    name: NameArgument,
    kept: Annotated[
        list[str] | None,
        typer.Argument(metavar="[VARIABLE=LOW..HIGH | VARIABLE=VALUE|VALUE]...", help="What is kept."),
    ] = None,
    *,
    reset: Annotated[bool, typer.Option("--reset", help="Forget what was narrowed before.")] = False,
    home: HomeOption = None,
) -> None:
    """Keep variables to part of their values from the next proposal on, while the campaign runs."""
    from hpo.control import narrow as keep

    print(keep(store_at(home), name, kept or (), reset))


@app.command()
def log(
    name: NameArgument,
    *,
    trial: Annotated[int | None, typer.Option("--trial", min=0, help="Only this trial's events.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Everything, as JSON.")] = False,
    home: HomeOption = None,
) -> None:
    """Show what happened to a campaign, oldest first: when, what, and which driver did it."""
    from hpo.log import as_dict, line

    store = store_at(home)
    if trial is not None:
        store.trial(name, trial)
    events = [event for event in store.events(name) if trial in (None, event.trial)]
    print(json.dumps([as_dict(e) for e in events], indent=2) if as_json else "\n".join(map(line, events)))
