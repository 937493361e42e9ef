"""What every benchmark shares: arguments, a table, the machine, the goal line and the exit code.

A benchmark is a module with a body and one call::

    def body(quick: bool) -> Outcome:
        rows = [{"case": "a", "seconds": 1.5}]
        return rows, rows[0]["seconds"] < 2.0, {"seeds": [0]}


    if __name__ == "__main__":
        sys.exit(run_benchmark("name", "under 2 s per case", body))

``--quick`` asks for a run of under a minute on two cores; ``--json PATH`` also writes the outcome there.
The exit code is 0 when the goal was met and 1 when it was missed.
"""

import argparse
import json
import os
import platform
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

Row = dict[str, Any]
Outcome = tuple[list[Row], bool, dict[str, Any]]

PACKAGES = ("numpy", "torch", "botorch", "snntorch", "pyrtl", "ray")


def run_benchmark(
    name: str, goal: str, body: Callable[[bool], Outcome], argv: Sequence[str] | None = None
) -> int:
    """Run ``body(quick)``, print its table and whether its goal was met, and return the exit code.

    Args:
        name: the benchmark's name, as printed and stored.
        goal: one line saying what counts as passed.
        body: called with ``quick``; returns (rows of the table, passed, further JSON-able values).
        argv: command line without the program's name; the process's own by default.
    """
    arguments = _parser(name, goal).parse_args(argv)
    start = time.perf_counter()
    rows, passed, extra = body(arguments.quick)
    seconds = time.perf_counter() - start
    print(table(rows))
    print(f"goal: {goal}: {'met' if passed else 'MISSED'} ({seconds:.1f} s{', quick' * arguments.quick})")
    record = {
        "name": name,
        "goal": goal,
        "passed": bool(passed),
        "quick": arguments.quick,
        "seconds": round(seconds, 2),
    }
    if arguments.json:
        text = json.dumps({**record, **environment(), "rows": rows, "extra": extra}, indent=2, default=_plain)
        arguments.json.write_text(text + "\n", encoding="utf-8")
    return 0 if passed else 1


def table(rows: Sequence[Row]) -> str:
    """Return ``rows`` as aligned text columns; the columns are the first row's keys, then any later ones."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    cells = [columns, *([_cell(row.get(column)) for column in columns] for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)) for line in cells
    )


def environment() -> dict[str, Any]:
    """Return date, machine kind and the versions that a stored result must name."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "versions": {package: _version(package) for package in PACKAGES},
    }


def _parser(name: str, goal: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=name, description=f"{name}: {goal}")
    parser.add_argument("--quick", action="store_true", help="a smaller run, under a minute on two cores")
    parser.add_argument("--json", type=Path, metavar="PATH", help="also write the outcome to this file")
    return parser


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _plain(value: Any) -> Any:
    """Turn what JSON cannot write (numpy scalars and arrays, paths) into what it can."""
    return value.tolist() if hasattr(value, "tolist") else str(value)
