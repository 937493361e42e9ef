"""What Yosys, nextpnr and icetime say of a Verilog module."""

import json
import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LUTS = {"RAM32M": 4, "RAM64M": 4, "RAM32X1D": 2, "RAM64X1D": 2, "RAM128X1D": 4, "SRL16E": 1, "SRLC32E": 1}
SCRIPTS = {
    "xc7": "synth_xilinx -family xc7 -flatten -top {name}",
    "ice40": "synth_ice40 -top {name} -json {name}.json",
}
BLOCKS = {"RAMB36E1": 1.0, "RAMB18E1": 0.5, "SB_RAM40_4K": 4 / 36}


@dataclass(frozen=True)
class Counts:
    """Cells of a synthesised module; ``blocks`` are the names of its block RAMs."""

    luts: int
    ffs: int
    bram36: float
    dsps: int
    blocks: tuple[str, ...]
    seconds: float


def run_yosys(folder: Path, name: str, fabric: str) -> Counts:
    """Synthesise ``name``.v in ``folder``; LUTs used as memory count, block RAM is in units of 36 kbit."""
    script = (
        f"read_verilog {name}.v; {SCRIPTS[fabric].format(name=name)}; tee -o stat.json stat -json; "
        "tee -o blocks.txt select -list t:RAMB* t:SB_RAM40_4K"
    )
    start = time.perf_counter()
    subprocess.run(["yosys", "-q", "-p", script], cwd=folder, check=True, capture_output=True)
    seconds = round(time.perf_counter() - start, 1)
    cells = _cells((folder / "stat.json").read_text())
    blocks = tuple((folder / "blocks.txt").read_text().split())
    return Counts(
        luts=sum(n * _luts(cell) for cell, n in cells.items()),
        ffs=sum(n for cell, n in cells.items() if re.match(r"FD[RSCP]E|SB_DFF", cell)),
        bram36=round(sum(n * BLOCKS.get(cell, 0.0) for cell, n in cells.items()), 3),
        dsps=cells.get("DSP48E1", 0),
        blocks=blocks,
        seconds=seconds,
    )


def clock_of(folder: Path, name: str) -> dict[str, Any]:
    """Place and route ``name``.json for HX8K: logic cells, and the clock in MHz by nextpnr and by icetime."""
    if not shutil.which("nextpnr-ice40"):
        print("nextpnr-ice40 is not installed (Debian: nextpnr-ice40): no clock frequency")
        return {}
    route = [
        "nextpnr-ice40",
        "--hx8k",
        "--package",
        "ct256",
        "--json",
        f"{name}.json",
        "--asc",
        f"{name}.asc",
    ]
    done = subprocess.run(
        [*route, "--freq", "50", "--seed", "1"], cwd=folder, check=True, capture_output=True, text=True
    )
    cells = re.findall(r"ICESTORM_LC:\s*(\d+)/", done.stderr)
    found = re.findall(r"Max frequency for clock .*?: ([\d.]+) MHz", done.stderr)
    result: dict[str, Any] = {"logic cells": int(cells[-1]), "nextpnr MHz": float(found[-1])}
    return result | _icetime(folder, name)


def _icetime(folder: Path, name: str) -> dict[str, Any]:
    if not shutil.which("icetime"):
        print("icetime is not installed (Debian: fpga-icestorm): only nextpnr's clock frequency")
        return {}
    command = ["icetime", "-d", "hx8k", "-t", f"{name}.asc"]
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    found = re.search(r"\(([\d.]+) MHz\)", done.stdout)
    if found is None:
        print(f"icetime gives no clock ({(done.stderr or done.stdout).strip()[:120]})")
        return {}
    return {"icetime MHz": float(found[1])}


def _cells(text: str) -> dict[str, int]:
    # Yosys 0.23 prints further lines around the object.
    statistics = json.loads(text[text.index("{") : text.rindex("}") + 1])
    return dict(statistics["design"]["num_cells_by_type"])


def _luts(cell: str) -> int:
    if cell == "SB_LUT4" or re.fullmatch(r"LUT[1-6]", cell):
        return 1
    return LUTS.get(cell, 0)
