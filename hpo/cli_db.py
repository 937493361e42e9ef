"""``spikefront db``: the store's version, its upgrade, its backup, campaigns as files."""

from pathlib import Path
from typing import Annotated

import typer

from hpo.cli_options import HomeOption, NameArgument, home_at

app = typer.Typer(
    help="The store itself: its version, its upgrade, its backup; campaigns as files.", no_args_is_help=True
)


@app.command()
def version(home: HomeOption = None) -> None:
    """Say which version the store's tables have, and which one this Spikefront needs."""
    from hpo.store.tables import SCHEMA_VERSION
    from hpo.store.upgrade import found_version

    found = found_version(home_at(home).store_url)
    then = "" if found == SCHEMA_VERSION else f", this Spikefront needs version {SCHEMA_VERSION}"
    print(f"the store has tables {'without a version' if found is None else f'of version {found}'}{then}")


@app.command()
def upgrade(home: HomeOption = None) -> None:
    """Bring an older store to this Spikefront's version; make a backup first."""
    from hpo.store.tables import SCHEMA_VERSION
    from hpo.store.upgrade import upgrade as bring

    before = bring(home_at(home).store_url)
    if before == SCHEMA_VERSION:
        print(f"the store has version {SCHEMA_VERSION} already")
    else:
        print(f"upgraded the store from version {before} to version {SCHEMA_VERSION}")


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The copy, a file that does not exist yet.")],
    home: HomeOption = None,
) -> None:
    """Copy the store into a file while campaigns go on; a PostgreSQL store is copied with pg_dump."""
    from hpo.store.backup import backup as copy

    copy(home_at(home).store_url, file)
    print(f"wrote {file}")


@app.command("export")
def export_campaign(
    name: NameArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that does not exist yet.")],
    *,
    networks: Annotated[
        bool, typer.Option("--networks/--no-networks", help="With the trained networks.")
    ] = True,
    home: HomeOption = None,
) -> None:
    """Write a whole campaign as one file, for another store to import; its driver may go on meanwhile."""
    from hpo.bundle import write_bundle

    home_at(home).open_existing().close()
    done = write_bundle(home_at(home), name, file, networks)
    missing = f"; {done.missing} that trials name are not in it" if done.missing else ""
    print(f"wrote {file}: {_said(done.rows)}, {done.networks} networks{missing}")


@app.command("import")
def import_campaign(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What db export wrote.")],
    *,
    name: Annotated[str | None, typer.Option("--as", help="Another name than the campaign's own.")] = None,
    home: HomeOption = None,
) -> None:
    """Take a campaign from a file into the store, after checking all of it; nothing there is overwritten."""
    from hpo.bundle_read import read_bundle

    done = read_bundle(home_at(home), file, name)
    missing = f"; {done.missing} that its trials name were not in the file" if done.missing else ""
    print(f"campaign {done.campaign} is in the store: {_said(done.rows)}, {done.networks} networks{missing}")


def _said(rows: dict[str, int]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in rows.items())


@app.command()
def collect(
    home: HomeOption = None,
    sole: Annotated[
        bool, typer.Option("--sole", help="No other store keeps networks at SPIKEFRONT_ARTIFACTS.")
    ] = False,
) -> None:
    """Remove trained networks that no trial names, older than an hour; no driver may be at work."""
    from hpo.collecting import collect as remove

    done = remove(home_at(home), sole)
    missing = f"; {done.missing} that trials name are missing" if done.missing else ""
    print(f"removed {done.removed} files of {done.removed_bytes / 1e6:.1f} MB, kept {done.kept}{missing}")
