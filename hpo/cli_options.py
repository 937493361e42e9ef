"""Options and helpers that the modules of the command share. Heavy libraries stay inside functions."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from hpo.home import Home
    from hpo.store import Store

HomeOption = Annotated[
    str | None,
    typer.Option("--home", help="Folder of the store and the results [SPIKEFRONT_HOME, spikefront-home]."),
]
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The campaign's name.")]


def home_at(path: str | None) -> "Home":
    """The home folder asked for, or the default."""
    from hpo.home import Home

    return Home.choose(path)


def store_at(path: str | None) -> "Store":
    """The store of a home folder that exists."""
    return home_at(path).open_existing()


def console() -> "Console":
    """The terminal; off one, tables keep their full width: a pipe has no edge to fold at."""
    from rich.console import Console

    return Console() if sys.stdout.isatty() else Console(width=220)
