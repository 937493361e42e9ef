"""Driving a campaign from the terminal: signals, the live view, and what is shown and written at the end."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from rich.console import Console

from hpo import runs
from hpo.campaign import CampaignSpec
from hpo.control import check_resumable
from hpo.driver import Campaign, Hooks, drive
from hpo.home import Home
from hpo.progress import Show, progress_view
from hpo.queries import front, spec_of, status
from hpo.remarks import remarks
from hpo.report import write_report
from hpo.show import front_table
from hpo.store import CampaignState, Store
from hpo.store.patient import PATIENCE_S
from models.datasets import Splits
from spikefront.errors import ConflictError, NotFoundError, StoreAwayError
from workers.data import Brought


@dataclass(frozen=True)
class Options:
    """Where and how to run."""

    home: Home
    data_root: str | None
    serial: bool = False
    ray_address: str | None = None


def run(spec: CampaignSpec, options: Options, console: Console) -> int:
    """Create the campaign unless it exists with the same specification, then drive it; the exit code.

    Raises:
        ConflictError: another campaign has that name.
        DataError: the data set cannot be loaded; nothing is created.
    """
    store = options.home.open()
    try:
        known, splits = store.campaign(spec.name).spec, None
    except NotFoundError:
        known, splits = spec.as_json(), runs.create(store, spec, options.data_root)
    # Compared as read: what an older Spikefront stored lacks the keys that came since.
    if CampaignSpec.from_mapping(known) != spec:
        raise ConflictError(
            f"there is a campaign {spec.name!r} with another specification: give this one a new name with "
            f"--name, or continue that one with 'spikefront resume {spec.name}'"
        )
    return _continue(store, spec.name, options, console, splits)


def resume(name: str, options: Options, console: Console) -> int:
    """Drive a stored campaign to its end, Ctrl-C or a request; the exit code (130 when interrupted)."""
    return _continue(options.home.open_existing(), name, options, console)


def _continue(
    store: Store, name: str, options: Options, console: Console, splits: Splits | None = None
) -> int:
    """Drive a stored campaign, with its data where they were read before."""
    record = store.campaign(name)
    if record.state == "finished":
        console.print(
            f"campaign {name} is finished already; give it more trials with 'spikefront extend {name}', or "
            "run it afresh under a new name with --name"
        )
        return conclude(store, options, name, console)
    check_resumable(store, name)
    splits = splits or runs.read_data(store, name, options.data_root)
    campaign = runs.open_campaign(store, options.home, name, options.data_root, splits)
    brought = Brought(campaign.spec.campaign_data(options.data_root), splits)
    state, interrupted = _drive(campaign, brought, options, console)
    if state == "paused":
        console.print(f"paused; nothing is lost: continue with 'spikefront resume {name}'")
        return 130 if interrupted else 0
    if state == "cancelled":
        console.print(f"cancelled on request; see what was found with 'spikefront front {name}'")
        return 0
    return conclude(store, options, name, console)


def _drive(
    campaign: Campaign, brought: Brought, options: Options, console: Console
) -> tuple[CampaignState, bool]:
    """The state that the campaign was left in, and whether a signal asked for that."""
    before = status(campaign.store, campaign.name)
    at = f", continuing at {before.ended}" if before.ended else ""
    console.print(f"campaign {campaign.name}: {before.trials_total} trials{at}, starting workers")
    pool = runs.make_pool(campaign.spec, options.serial, options.ray_address, brought)
    try:
        # After the pool: Ray sets signal handlers of its own when it starts.
        with _interruptible(console) as stopped, progress_view(console) as show:
            hooks = Hooks(_throttled(campaign, show), stopped.is_set, _outage(console))
            state = drive(campaign, pool, hooks)
            show(status(campaign.store, campaign.name))
            return state, stopped.is_set()
    finally:
        pool.close()


def _throttled(campaign: Campaign, show: Show) -> Callable[[], None]:
    """Show the campaign's status after a change, but spend little of the driver's time on it."""
    shown, cost = 0.0, 0.0

    def changed() -> None:
        nonlocal shown, cost
        started = time.monotonic()
        if started - shown < 10 * cost:
            return
        with suppress(StoreAwayError):
            show(status(campaign.store, campaign.name))
        shown = time.monotonic()
        cost = shown - started

    return changed


def _outage(console: Console) -> Callable[[Exception], None]:
    """Tell once a minute that the driver waits."""
    told = -60.0

    def waits(error: Exception) -> None:
        nonlocal told
        if time.monotonic() - told >= 60.0:
            told = time.monotonic()
            console.print(f"waiting, for {PATIENCE_S:g} s at most: {error}", soft_wrap=True)

    return waits


@contextmanager
def _interruptible(console: Console) -> Iterator[threading.Event]:
    """An event that SIGINT or SIGTERM sets; a second signal interrupts at once."""
    stopped = threading.Event()

    def ask(_number: int, _frame: object) -> None:
        if stopped.is_set():
            raise KeyboardInterrupt
        stopped.set()
        console.print("stopping: running trials go back to the queue")

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def conclude(store: Store, options: Options, name: str, console: Console) -> int:
    """Show the front with what to know about it, write its picture and report; 1 when there is no front."""
    folder = options.home.campaign_folder(name)
    written = write_report(store, options.home, name, folder, options.data_root)
    designs = front(store, name)
    console.print(front_table(designs, spec_of(store, name).objectives, console.width))
    for line in (*remarks(store, name), *(f"wrote {path}" for path in written)):
        console.print(line, soft_wrap=True)
    return 0 if designs else 1
