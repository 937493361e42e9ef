"""What a user sees while a campaign runs: a live view on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from hpo.live import running_table
from hpo.queries import CampaignStatus
from hpo.tables import UNITS, measure_text

Show = Callable[[CampaignStatus], None]
SHOWN_STATES = ("running", "complete", "silent", "pruned", "failed")


@contextmanager
def progress_view(console: Console | None = None) -> Iterator[Show]:
    """A function that shows a status; on a terminal it redraws in place."""
    console = console or Console()
    clock = _Clock()
    if not console.is_terminal:
        yield _plain(clock)
        return
    with Live(console=console, refresh_per_second=4, transient=True) as live:
        yield lambda status: live.update(_panel(status, clock.left(status)))


class _Clock:
    """Estimates the time left from the trials that ended since the view opened."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._ended_before: int | None = None

    def left(self, status: CampaignStatus) -> str:
        if self._ended_before is None:
            self._ended_before = status.ended
        done = status.ended - self._ended_before
        remaining = status.trials_total - status.ended
        if done == 0 or remaining <= 0:
            return "-"
        seconds = (time.monotonic() - self._started) / done * remaining
        return f"about {seconds / 60:.0f} min" if seconds >= 90 else f"about {seconds:.0f} s"


def _plain(clock: _Clock) -> Show:
    """One line whenever a trial has ended."""
    last = -1

    def show(status: CampaignStatus) -> None:
        nonlocal last
        if status.ended == last:
            return
        last = status.ended
        counts = ", ".join(f"{status.counts.get(state, 0)} {state}" for state in SHOWN_STATES)
        print(
            f"{status.name}: {status.ended}/{status.trials_total} trials ({counts}), "
            f"hypervolume {status.hypervolume:.4f}, {_best_line(status)}left {clock.left(status)}",
            flush=True,
            file=sys.stdout,
        )

    return show


def _best_line(status: CampaignStatus) -> str:
    parts = [f"{UNITS[m][0]} {measure_text(m, f.design.measures[m])}" for m, f in status.best.items()]
    return f"best {', '.join(parts)}, " if parts else ""


def _panel(status: CampaignStatus, left: str) -> Group:
    head = Text.assemble((status.name, "bold"), f"  {status.state}  ", (f"time left {left}", "dim"))
    bar = Table.grid()
    bar.add_row(ProgressBar(total=status.trials_total, completed=status.ended, width=60))
    counts = Table.grid(padding=(0, 3))
    counts.add_row(*(f"{status.counts.get(state, 0)} {state}" for state in SHOWN_STATES))
    counts.add_row(f"{status.ended}/{status.trials_total} ended", f"hypervolume {status.hypervolume:.4f}",
                   f"{status.front_size} designs on the front")  # fmt: skip
    running = [running_table(status.running)] if status.running else []
    return Group(head, bar, counts, _best_table(status), *running)


def _best_table(status: CampaignStatus) -> Table:
    """The best design for each objective, with all objectives of each."""
    table = Table(title="best designs so far", title_justify="left")
    table.add_column("for")
    table.add_column("design")
    names = list(status.best)
    for name in names:
        table.add_column(UNITS[name][0], justify="right")
    for name, found in status.best.items():
        values = [measure_text(other, found.design.measures[other]) for other in names]
        table.add_row(name, found.name, *values)
    return table
