"""The energy tables against published power, and docs/energy.md against both."""

import itertools
import re
from pathlib import Path

import numpy as np
import pytest

from benchmarks.hardware import sensitivity
from hardware.area import area
from hardware.assumed import assumed_resources
from hardware.coefficients import FPGA_7SERIES, TABLES
from hardware.energy import Activity, energy
from hardware.expected import expected, expected_scan
from hardware.network import AcceleratorConfig, TrainedLayer, TrainedNetwork
from hardware.quantize import quantize
from hardware.resources import Resources, resources
from hardware.shape import fully_connected

PAGE = (Path(__file__).parents[2] / "docs" / "energy.md").read_text(encoding="utf-8")
PUBLISHED = {1_623: 111, 7_612: 180, 10_124: 290, 18_268: 430}
"""Cells and mW: Flexi-NeurA (arXiv 2602.18140), Spiker+ on MNIST, AudioMNIST, SHD (arXiv 2401.01141)."""


def spiker(sizes, bits, membrane_bits, recurrent=False):
    """Return the resources of our design of one of Spiker+'s shapes."""
    rng = np.random.default_rng(0)
    layers = [
        TrainedLayer(rng.normal(0.05, 0.3, (n_out, n_in)), 0.9375, 1.0, "subtract")
        for n_in, n_out in itertools.pairwise(sizes)
    ]
    if recurrent:
        own = rng.normal(0.0, 0.3, (sizes[1], sizes[1]))
        layers[0] = TrainedLayer(layers[0].weight, 0.9375, 1.0, "subtract", recurrent=own)
    config = AcceleratorConfig(
        sizes[1:], weight_bits=bits, membrane_bits=membrane_bits, leak="shift", family="clock_driven"
    )
    return resources(quantize(TrainedNetwork(tuple(layers), 100, "rate"), config))


def power_mw(built: Resources) -> float:
    """Return the power of ``built`` under fpga_7series, from the energy of a second at 100 MHz."""
    layers = len(built.layers)
    spent = energy(built, Activity(np.zeros(layers), np.zeros(layers), np.asarray(1e8)), "fpga_7series")
    return float(spent.total_uj) / 1e3


def test_the_line_is_the_least_squares_fit_of_the_published_designs():
    cells, mw = np.array(list(PUBLISHED), dtype=float), np.array(list(PUBLISHED.values()), dtype=float)
    slope, constant = np.polyfit(cells, mw, 1)
    assert FPGA_7SERIES.value("constant_power") == pytest.approx(constant, rel=0.01)
    assert FPGA_7SERIES.value("cell_cycle") * 0.1 == pytest.approx(slope, rel=0.01)  # pJ at 100 MHz = 0.1 mW
    assert constant + slope * cells == pytest.approx(mw, rel=0.25)


@pytest.mark.parametrize(
    ("sizes", "bits", "membrane_bits", "recurrent", "published_mw"),
    [((784, 128, 10), 4, 6, False, 180), ((700, 200, 20), 6, 8, True, 430)],
)
def test_our_designs_of_spiker_plus_need_its_published_power(
    sizes, bits, membrane_bits, recurrent, published_mw
):
    built = spiker(sizes, bits, membrane_bits, recurrent)
    assert power_mw(built) == pytest.approx(published_mw, rel=0.25)
    row = next(line for line in PAGE.splitlines() if f"{published_mw} mW | " in line and "steps" in line)
    assert f"{area(built).luts:,}" in row
    assert f"{power_mw(built):.0f} mW" in row


def test_the_page_lists_every_coefficient():
    for table in TABLES.values():
        section = PAGE.split(f"\n## {table.name}\n")[1].split("\n## ")[0]
        rows = re.findall(r"^\| `(\w+)` \| ([\d.]+) \|.*\| (published|assumed) \|$", section, re.MULTILINE)
        stated = {name: (float(value), kind) for name, value, kind in rows}
        assert stated == {name: (c.value, c.kind) for name, c in table.coefficients.items()}


def test_the_worked_example_is_what_the_model_says():
    sizes, spikes = (784, 128, 10), np.array([2352.0, 192.0])
    stated = {}
    for family, lanes in (("event_driven", (16, 10)), ("clock_driven", (128, 10))):
        config = AcceleratorConfig(lanes, leak="shift", family=family)
        net = fully_connected(sizes, 25, "rate")
        cycles, scan = expected(net, spikes, config), expected_scan(net, spikes, config)
        built = assumed_resources(net, config)
        stated[family] = energy(built, Activity(spikes, scan, cycles))
    event, clock = stated["event_driven"], stated["clock_driven"]
    for figure in (f"**{float(event.total_uj):.2f} uJ**", f"**{float(clock.total_uj):.1f} uJ**"):
        assert figure in PAGE
    for part in ("weight memory", "state memory", "adders", "leakage", "registers", "input memory"):
        assert f"{float(event.parts_uj[part]):.3f} uJ" in PAGE


def test_the_order_of_designs_hardly_hangs_on_assumed_terms():
    rows, met, _ = sensitivity.body(True)
    assert met
    for row in rows:
        assert row["left a front"] == row["entered a front"] == 0
        if row["factor"] != 1.0:
            assert row["pairs swapped"] > 0
            assert f"{row['pairs swapped']} of {row['pairs']:,}" in PAGE
