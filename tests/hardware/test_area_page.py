"""docs/area.md says what the recorded synthesis says."""

import json
from pathlib import Path

import pytest

from benchmarks.hardware.synthesis import DEVICES, FULL, network
from hardware.devices import area_on, device
from hardware.resources import resources

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "area.md").read_text()
RECORD = json.loads((ROOT / "benchmarks" / "hardware" / "synthesis.json").read_text())


def test_every_recorded_design_is_in_the_tables():
    assert RECORD["passed"]
    assert not RECORD["quick"]
    for row in RECORD["rows"]:
        numbers = [row[name] for pair in (("luts", "luts est."), ("ffs", "ffs est.")) for name in pair]
        assert f"| {row['design']} | {' | '.join(f'{n:g}' for n in numbers)} |" in PAGE


def test_the_worst_errors_are_stated():
    worst = RECORD["extra"]["worst error"]
    stated = ", ".join(
        f"{word} {100 * worst[name]:.0f} %"
        for name, word in (("luts", "LUT"), ("ffs", "FF"), ("bram36", "BRAM"), ("dsps", "DSP"))
    )
    assert stated in PAGE
    for row in RECORD["rows"]:
        for name, error in worst.items():
            assert abs(row[f"{name} error"] or 0) <= error


def test_the_recorded_estimates_are_those_of_today():
    """So that synthesis is recorded again when the estimate changes."""
    assert [row["design"] for row in RECORD["rows"]] == [case.name for case in FULL]
    for row, case in zip(RECORD["rows"], FULL, strict=True):
        found = area_on(device(DEVICES[case.fabric]), resources(network(case)))
        for name in ("luts", "ffs", "bram36", "dsps"):
            assert row[f"{name} est."] == pytest.approx(getattr(found, name), abs=1e-3), case.name
