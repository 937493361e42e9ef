"""Energy coefficients per technology: every number with its unit, its source and whether it is published.

"published" numbers follow from a published table or measurement; "assumed" ones are ours, without a
source. Every reported energy names its table and the share of its assumed terms. Tables of different
technologies must not be compared with each other.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from spikefront.errors import InputError

Kind = Literal["published", "assumed"]


@dataclass(frozen=True)
class Coefficient:
    """One number of an energy table."""

    value: float
    unit: str
    source: str
    kind: Kind


@dataclass(frozen=True)
class EnergyTable:
    """A named energy model: what it counts, how far to trust it, and its coefficients."""

    name: str
    version: int
    scope: str
    uncertainty: str
    coefficients: Mapping[str, Coefficient]

    def value(self, name: str) -> float:
        """Return the value of one coefficient."""
        return self.coefficients[name].value


HOROWITZ = "Horowitz, Computing's energy problem, ISSCC 2014, 45 nm, 0.9 V"

ASIC_45NM = EnergyTable(
    name="asic_45nm",
    version=1,
    scope="accesses of weight, bias, state and input memories and of address tables; adders and multipliers; "
    "scanner; clocking of flip-flops; leakage. Not counted: host, pads, clock tree beyond the flip-flops, "
    "wires between blocks.",
    uncertainty="a factor of about 2; ratios between designs of this family are better than absolute ones.",
    coefficients=MappingProxyType(
        {
            "memory_access": Coefficient(
                10.0,
                "pJ per 64-bit access of 8 kB, scaled by bits/64 and by sqrt(max(size, 1 kB)/8 kB)",
                f"{HOROWITZ}: 8 kB 10 pJ, 32 kB 20 pJ, 1 MB 100 pJ; the square root fits the three",
                "published",
            ),
            "add_bit": Coefficient(
                0.0032, "pJ per bit", f"{HOROWITZ}: integer add of 8/16/32 bit 0.03/0.05/0.1 pJ", "published"
            ),
            "multiply_bit2": Coefficient(
                0.0031,
                "pJ per bit x bit",
                f"{HOROWITZ}: integer multiply of 8/32 bit 0.2/3.1 pJ",
                "published",
            ),
            "register_bit": Coefficient(0.01, "pJ per bit read or written", "no source", "assumed"),
            "flip_flop_cycle": Coefficient(0.002, "pJ per flip-flop and clock cycle", "no source", "assumed"),
            "scan_bit": Coefficient(0.0005, "pJ per chunk bit and scan cycle", "no source", "assumed"),
            "memory_leakage": Coefficient(5.0, "uW per kB", "no source", "assumed"),
            "flip_flop_leakage": Coefficient(0.005, "uW per flip-flop", "no source", "assumed"),
        }
    ),
)

FPGA_FIT = (
    "least squares through four published (cells, mW) pairs at 100 MHz: 1,623/111, 7,612/180, 10,124/290 and "
    "18,268/430 (Spiker+, arXiv 2401.01141; Flexi-NeurA, arXiv 2602.18140); residuals 2 to 37 mW, 0 to 21 %"
)

FPGA_7SERIES = EnergyTable(
    name="fpga_7series",
    version=1,
    scope="board-level power of published designs: a constant, and a term per logic cell and clock cycle. "
    "Activity, block RAM and spikes are not in it, so for one design it only follows latency.",
    uncertainty="order of magnitude only: four points of different authors, LUT and cell counts mixed; a "
    "point that is left out of the fit is missed by 2 to 35 %.",
    coefficients=MappingProxyType(
        {
            "constant_power": Coefficient(66.0, "mW", FPGA_FIT, "published"),
            "cell_cycle": Coefficient(0.198, "pJ per logic cell and clock cycle", FPGA_FIT, "published"),
        }
    ),
)

TABLES: Mapping[str, EnergyTable] = MappingProxyType({t.name: t for t in (ASIC_45NM, FPGA_7SERIES)})
ENERGY_MODEL = "asic_45nm"
"""The table that is used unless another is asked for."""


def energy_table(name: str) -> EnergyTable:
    """Return the table called ``name``.

    Raises:
        InputError: where there is none.
    """
    if name not in TABLES:
        raise InputError(f"The energy model {name!r} is unknown; use one of {', '.join(TABLES)}.")
    return TABLES[name]
