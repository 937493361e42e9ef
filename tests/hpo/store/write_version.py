"""Writes a store as this version's code does, to be kept as test data for later versions.

``python -m tests.hpo.store.write_version URL HOME`` fills an empty database with one campaign that is
finished and narrowed, and one whose driver was killed in its seventh trial. Kept are the SQLite file (after
``PRAGMA journal_mode = DELETE``) as ``version-N.db``, and as ``version-N.sql`` what ``pg_dump --inserts
--no-owner --no-privileges`` makes of the same in PostgreSQL.
"""

import os
import sys
from pathlib import Path

from sqlalchemy import text

from hpo.control import narrow
from hpo.driver import Hooks, drive
from hpo.store.connect import connect_existing, writing
from models.records import EpochReport
from tests.hpo.toy import evaluate, open_toy
from workers.pool import SerialPool
from workers.progress import progress_of

BUDGET = {"trials": 8, "initial": 6}
KILLED_IN = 6
ROOT = str(Path(__file__).parents[3])
ANYWHERE = (
    ("UPDATE trials SET traceback = replace(traceback, :here, '/home/user/spikefront')", {"here": ROOT}),
    ("UPDATE campaigns SET lease_holder = 'elsewhere:1:x', lease_until = updated_at", {}),
)
"""Takes this machine out of what was written, and ends the killed driver's lease."""


def main(url: str, home: str) -> None:
    """Write both campaigns."""
    os.environ["SPIKEFRONT_STORE"] = url
    if os.fork() == 0:
        drive_until_killed(home)
    os.wait()
    whole = open_toy(home, name="whole", budget={"trials": 3, "initial": 3})
    drive(whole, SerialPool(evaluate), Hooks())
    narrow(whole.store, "whole", ["beta=0.6..0.9", "reset=zero"])
    whole.store.close()
    engine = connect_existing(url)
    with writing(engine).begin() as connection:
        for statement, values in ANYWHERE:
            connection.execute(text(statement), values)
    engine.dispose()


def drive_until_killed(home: str) -> None:
    """Drive the toy campaign into its seventh trial; this does not return."""
    toy = open_toy(home, budget=BUDGET)

    def killed(request, report):
        if request.number == KILLED_IN:
            report = EpochReport(1, 2.0, 0.25, 0.5, (30.0, 2.0), (0.25, 0.125), -0.1, 0.01, 1.5)
            toy.store.note_progress("toy", {KILLED_IN: progress_of((report,)).as_dict()})
            toy.store.set_test_measures("toy", toy.store.designs("toy")[0].name, {"accuracy": 0.5})
            os._exit(0)
        return evaluate(request)

    drive(toy, SerialPool(killed), Hooks())


if __name__ == "__main__":
    main(*sys.argv[1:])
