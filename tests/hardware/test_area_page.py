"""docs/area.md says what the recorded synthesis says."""

import json
from pathlib import Path

import pytest

from benchmarks.hardware import synthesis_convolutions
from benchmarks.hardware.synthesis import DEVICES, FULL, network
from hardware.devices import area_on, device
from hardware.resources import resources

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "area.md").read_text()
RECORD = json.loads((ROOT / "benchmarks" / "hardware" / "synthesis.json").read_text())
CONVOLUTIONS = json.loads((ROOT / "benchmarks" / "hardware" / "synthesis_convolutions.json").read_text())
RECORDS = pytest.mark.parametrize(
    ("record", "designs"),
    [(RECORD, FULL), (CONVOLUTIONS, synthesis_convolutions.FULL)],
    ids=["fully connected", "convolutions"],
)


@RECORDS
def test_every_recorded_design_is_in_the_tables(record, designs):
    assert record["passed"]
    assert not record["quick"]
    assert len(record["rows"]) == len(designs)
    for row in record["rows"]:
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


def test_the_worst_errors_of_convolutions_are_stated_for_unseen_designs_too():
    for key, words in (("worst error", "all ten designs"), ("worst error unseen", "the five unseen ones")):
        worst = CONVOLUTIONS["extra"][key]
        assert f"LUT {100 * worst['luts']:.0f} %, FF {100 * worst['ffs']:.0f} % over {words}" in PAGE
        rows = [row for row in CONVOLUTIONS["rows"] if key == "worst error" or not row["seen"]]
        for name in ("luts", "ffs"):
            assert max(abs(row[f"{name} error"]) for row in rows) == worst[name]
    assert sum(row["seen"] for row in CONVOLUTIONS["rows"]) == 5


@RECORDS
def test_the_recorded_estimates_are_those_of_today(record, designs):
    """So that synthesis is recorded again when the estimate changes."""
    assert [row["design"] for row in record["rows"]] == [case.name for case in designs]
    for row, case in zip(record["rows"], designs, strict=True):
        found = area_on(device(DEVICES[case.fabric]), resources(network(case)))
        for name in ("luts", "ffs", "bram36", "dsps"):
            assert row[f"{name} est."] == pytest.approx(getattr(found, name), abs=1e-3), case.name
