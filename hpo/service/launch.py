"""Starting the driver of a campaign."""

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Protocol

from spikefront.errors import SpikefrontError


class Launcher(Protocol):
    """Starts the driver of a recorded campaign and returns without waiting for it."""

    def __call__(self, name: str) -> None:
        """Start the driver of campaign ``name``; SpikefrontError when it cannot be started."""


class SubprocessLauncher:
    """Drivers as processes of their own on this machine, each writing ``NAME/driver.log`` under the home.

    They outlive the service: a restart of the service stops no campaign.
    """

    def __init__(self, home: Path, data_root: str | None) -> None:
        self._home = home
        self._data_root = data_root

    def __call__(self, name: str) -> None:
        """See ``Launcher``."""
        data = ["--data", self._data_root] if self._data_root else []
        command = [sys.executable, "-m", "hpo", "resume", name, "--home", str(self._home), *data]
        environment = {key: value for key, value in os.environ.items() if key != "SPIKEFRONT_TOKEN"}
        try:
            folder = self._home / name
            folder.mkdir(parents=True, exist_ok=True)
            with (folder / "driver.log").open("ab") as log:
                driver = subprocess.Popen(  # noqa: S603 - no shell, and a name that was checked
                    command,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
        except OSError as error:
            msg = (
                f"Campaign {name!r} is recorded but its driver did not start ({error}); "
                f"mend that and use 'spikefront resume {name}'."
            )
            raise SpikefrontError(msg) from error
        # Somebody must take note when the driver ends, or it stays in the process table.
        threading.Thread(target=driver.wait, name=f"driver of {name}", daemon=True).start()
