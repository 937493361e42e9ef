"""The ``spikefront`` command. Heavy libraries are imported inside the commands that need them."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from hpo import cli_control, cli_db, cli_insight, cli_trials
from hpo.cli_options import HomeOption, NameArgument
from hpo.cli_options import console as _console
from hpo.cli_options import home_at as _home
from hpo.cli_options import store_at as _store
from spikefront import __version__
from spikefront.errors import InputError, SpikefrontError

app = typer.Typer(
    help="Search spiking networks and their accelerators for the best accuracy, latency and energy.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

app.add_typer(cli_control.app)
app.add_typer(cli_insight.app)
app.add_typer(cli_trials.app)
app.add_typer(cli_db.app, name="db")

LISTED_TRIALS = 1000
"""Of a campaign with more, ``show`` lists the newest so many."""
DataOption = Annotated[str | None, typer.Option("--data", help="Folder of the data sets [SPIKEFRONT_DATA].")]
FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="The campaign file, TOML or YAML.")]
SerialOption = Annotated[
    bool, typer.Option("--serial", help="One trial at a time in this process, without Ray.")
]
RayOption = Annotated[
    str | None, typer.Option("--ray", help="Address of a running Ray cluster [SPIKEFRONT_RAY].")
]


def main() -> None:
    """Run the command; an error of ours is one sentence and its exit code."""
    try:
        app()
    except SpikefrontError as error:
        print(f"spikefront: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except OSError as error:
        where = f" {error.filename}" if error.filename else ""
        print(
            f"spikefront: cannot use{where} ({error.strerror or error}): mend that and try again",
            file=sys.stderr,
        )
        sys.exit(1)
    except KeyboardInterrupt:
        print("spikefront: interrupted", file=sys.stderr)
        sys.exit(130)


def _version(asked: bool) -> None:
    if asked:
        print(f"spikefront {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and leave.")
    ] = False,
) -> None:
    """Shared options."""


@app.command()
def run(
    file: FileArgument,
    *,
    name: Annotated[str | None, typer.Option("--name", help="Another name than the file's.")] = None,
    home: HomeOption = None,
    data: DataOption = None,
    serial: SerialOption = False,
    ray: RayOption = None,
) -> None:
    """Run a campaign from its file, to its front."""
    spec = _load(file, name)
    from hpo import running

    raise typer.Exit(running.run(spec, _options(home, data, serial, ray), _console()))


@app.command()
def resume(
    name: NameArgument,
    home: HomeOption = None,
    data: DataOption = None,
    serial: SerialOption = False,
    ray: RayOption = None,
) -> None:
    """Continue a campaign that was stopped or killed."""
    from hpo import running

    raise typer.Exit(running.resume(name, _options(home, data, serial, ray), _console()))


@app.command()
def validate(file: FileArgument) -> None:
    """Check a campaign file without creating anything."""
    spec = _load(file, None)
    print(
        f"{file} is valid: campaign {spec.name}, {len(spec.space)} variables, {spec.budget.trials} trials, "
        f"objectives {', '.join(spec.objectives)}"
    )


@app.command("list")
def list_campaigns(
    home: HomeOption = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="The newest so many.")] = 100,
) -> None:
    """List the campaigns of the store, newest first."""
    from hpo.overview import statuses
    from hpo.show import campaign_table

    store = _store(home)
    found, total = statuses(store, limit), store.campaign_count()
    _console().print(campaign_table(found))
    if len(found) < total:
        print(f"the newest {len(found)} of {total} campaigns; more with --limit")


@app.command()
def status(
    name: NameArgument, home: HomeOption = None, as_json: Annotated[bool, typer.Option("--json")] = False
) -> None:
    """Show where a campaign stands."""
    from hpo.live import running_table
    from hpo.queries import status as status_of
    from hpo.show import campaign_notes, campaign_table

    found = status_of(_store(home), name)
    if as_json:
        _print_json(found.as_dict())
    else:
        console = _console()
        console.print(campaign_table([found]))
        for line in campaign_notes(found):
            console.print(line, soft_wrap=True, markup=False)
        if found.running:
            console.print(running_table(found.running))


@app.command()
def front(
    name: NameArgument,
    home: HomeOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Everything, as JSON.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Measures and parameters, as CSV.")] = False,
) -> None:
    """Show a campaign's Pareto front."""
    from hpo.queries import front as front_of
    from hpo.queries import spec_of
    from hpo.show import front_table
    from hpo.tables import front_csv

    store = _store(home)
    designs = front_of(store, name)
    if as_json:
        _print_json([found.as_dict() for found in designs])
    elif as_csv:
        print(front_csv(designs), end="")
    else:
        console = _console()
        console.print(front_table(designs, spec_of(store, name).objectives, console.width))


@app.command()
def show(
    name: NameArgument,
    trial: Annotated[
        str | None,
        typer.Argument(metavar="[TRIAL]", help="A trial's number, or a design's name such as 12-0."),
    ] = None,
    plot: Annotated[
        bool, typer.Option("--plot", help="Draw the trial: learning, firing rates, spikes, confusion.")
    ] = False,
    home: HomeOption = None,
) -> None:
    """Show one trial: how it ended, its designs, and why each costs what it costs; or list all trials."""
    from hpo.show import trial_table, trial_view

    store = _store(home)
    if trial is None:
        if plot:
            raise InputError("--plot draws one trial: name it, as in spikefront show NAME 12 --plot")
        first = max(0, store.trial_count(name) - LISTED_TRIALS)
        _console().print(trial_table(store.trials(name, after=first - 1)))
        if first:
            print(f"trials from {first} on; show NAME TRIAL shows any other")
        return
    if not trial.replace("-", "").isdigit():
        raise InputError(f"there is no trial {trial!r}: give a number, or a design's name such as 12-0")
    found = store.trial(name, int(trial.split("-")[0]))
    designs = [store.design(name, trial)] if "-" in trial else store.designs(name, trial=found.number)
    if not plot:
        _console().print(trial_view(found, designs, store.progress(name)))
        return
    from hpo.trial_plot import Source, draw_trial

    path = _home(home).campaign_folder(name) / f"trial-{trial}.png"
    draw_trial(Source(store, _home(home), name), found, designs[0].name if designs else None, path)
    print(f"wrote {path}")


@app.command()
def plot(
    name: NameArgument,
    out: Annotated[Path | None, typer.Option("--out", help="The picture's path [front.png].")] = None,
    home: HomeOption = None,
) -> None:
    """Draw a campaign's front as a picture."""
    from hpo.plots import draw_front

    if out is not None and out.suffix != ".png":
        raise InputError(f"the picture's path {out} does not end in .png: name it so")
    store = _store(home)
    store.campaign(name)
    path = out or _home(home).campaign_folder(name) / "front.png"
    draw_front(store, name, path)
    print(f"wrote {path}")


@app.command()
def report(name: NameArgument, home: HomeOption = None, data: DataOption = None) -> None:
    """Write a campaign's report; looks once at the test data, for the designs of the front."""
    from hpo.home import data_root
    from hpo.report import write_report

    where = _home(home)
    store = _store(home)
    store.campaign(name)
    for path in write_report(store, where, name, where.campaign_folder(name), data_root(data)):
        print(f"wrote {path}")


@app.command()
def export(  # noqa: PLR0913  # one per option
    name: NameArgument,
    design: Annotated[str, typer.Argument(metavar="DESIGN", help="The design's name, such as 12-0.")],
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="A folder, or for NIR a file, that does not exist yet.")
    ],
    *,
    as_format: Annotated[
        Literal["verilog", "nir"],
        typer.Option("--format", help="Verilog of the design, or NIR of its trained network."),
    ] = "verilog",
    home: HomeOption = None,
    samples: Annotated[
        int | None,
        typer.Option("--samples", min=1, max=64, help="Verilog: golden samples in the test bench [4]."),
    ] = None,
    device: Annotated[
        str | None, typer.Option("--device", help="Verilog: write constraints for this board.")
    ] = None,
    dt: Annotated[
        float | None, typer.Option("--dt", help="NIR: step in seconds that time constants are for [1e-4].")
    ] = None,
) -> None:
    """Write a design as Verilog with a test bench, after checking it in simulation, or its network as NIR."""
    from hpo.exporting import export_design, export_nir

    others = (dt,) if as_format == "verilog" else (samples, device)
    if any(value is not None for value in others):
        raise InputError(
            f"--format {as_format} takes no {'--dt' if dt else '--samples or --device'}: drop it"
        )
    where = _home(home)
    store = _store(home)
    if as_format == "nir":
        lines = export_nir(store, where, name, design, path, dt_s=dt)
    else:
        lines = export_design(store, where, name, design, path, samples=samples or 4, device=device)
    print("\n".join(lines))


@app.command()
def verify(
    name: NameArgument,
    design: Annotated[str, typer.Argument(metavar="DESIGN", help="The design's name, such as 12-0.")],
    *,
    home: HomeOption = None,
    samples: Annotated[int, typer.Option("--samples", min=1, max=64, help="Validation samples.")] = 4,
    tool: Annotated[
        list[str] | None,
        typer.Option("--tool", help="pyrtl, icarus or verilator; repeatable [all that are installed]."),
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--folder", help="An exported folder to check for changes first.")
    ] = None,
) -> None:
    """Compare a design's integer reference with its RTL and Verilog: every spike, every cycle."""
    from hpo.exporting import Verification, verify_design

    asked = Verification(samples, tool or (), folder)
    for line in verify_design(_store(home), _home(home), name, design, asked):
        print(line, flush=True)


@app.command()
def cost(  # noqa: PLR0913  # one per option
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A network as a NIR graph.")],
    *,
    device: Annotated[str, typer.Option("--device", help="The FPGA to fit.")] = "pynq-z2",
    steps: Annotated[
        int | None, typer.Option("--steps", min=1, max=65536, help="Time steps [the graph's, or 25].")
    ] = None,
    rate: Annotated[float, typer.Option("--rate", help="Input spikes per input and step.")] = 0.1,
    inputs: Annotated[
        Path | None, typer.Option("--inputs", help="A .npz file with spikes 'inputs' (N, T, n_in) instead.")
    ] = None,
    dt: Annotated[float | None, typer.Option("--dt", help="Step in seconds [the graph's, or 1e-4].")] = None,
    decay: Annotated[
        Literal["euler", "exp"], typer.Option("--decay", help="Decay per step: 1 - dt/tau or exp(-dt/tau).")
    ] = "euler",
    reset: Annotated[
        Literal["subtract"] | None,
        typer.Option("--reset", help="Its tool resets by subtraction [what the graph says]."),
    ] = None,
    weight_bits: Annotated[
        int | None, typer.Option("--weight-bits", help="Signed weight width [as exported, or 8].")
    ] = None,
    energy_model: Annotated[str, typer.Option("--energy-model", help="Coefficient table.")] = "asic_45nm",
    as_json: Annotated[bool, typer.Option("--json", help="Everything, as JSON.")] = False,
) -> None:
    """Price a network that was trained elsewhere: latency, energy and area on a device."""
    from hardware.nir_read import Reading
    from hpo.nir_cost import CostRequest, as_dict, lines, nir_cost

    reading = Reading(steps, dt, decay, reset)
    found = nir_cost(file, CostRequest(device, reading, rate, inputs, weight_bits, energy_model))
    if as_json:
        _print_json(as_dict(found))
    else:
        print("\n".join(lines(found)))


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(metavar="SET", help="A data set with a public address.")],
    data: DataOption = None,
) -> None:
    """Fetch a data set's files into the data folder, checked; an interrupted fetch goes on where it was."""
    from hpo.home import data_root
    from models.datasets import download

    root = data_root(data)
    if root is None:
        raise InputError("no data folder was named: give --data FOLDER, or set SPIKEFRONT_DATA")
    for path in download(name, root):
        print(f"{path} is there")


@app.command()
def doctor(home: HomeOption = None, data: DataOption = None) -> None:
    """Say what is installed, which devices there are, and what is missing."""
    from hpo.doctor import findings
    from hpo.home import data_root

    missing = False
    for finding in findings(_home(home), data_root(data)):
        missing = missing or (finding.needed and not finding.found)
        mark = "ok     " if finding.found else "MISSING" if finding.needed else "absent "
        print(f"{mark} {finding.what}: {finding.detail}")
    raise typer.Exit(1 if missing else 0)


@app.command()
def serve(
    home: HomeOption = None,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535)] = 8000,
    data: DataOption = None,
) -> None:
    """Serve the HTTP interface and the web page."""
    try:
        from hpo.service import serve as start
    except ImportError as error:
        raise InputError(
            f"the service is not installed ({error}): pip install 'spikefront[service]'"
        ) from None
    start(_home(home), host, port, data)


def _load(file: Path, name: str | None) -> Any:
    from hpo.campaign import CampaignSpec

    spec = CampaignSpec.load(file)
    return spec if name is None else CampaignSpec.from_mapping({**spec.as_json(), "name": name})


def _options(home: str | None, data: str | None, serial: bool, ray: str | None) -> Any:
    from hpo.home import data_root
    from hpo.running import Options

    address = ray or os.environ.get("SPIKEFRONT_RAY") or None
    return Options(_home(home), data_root(data), serial, address)


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=2))
