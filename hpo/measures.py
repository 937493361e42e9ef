"""What a design is measured by, and which way each measure is better."""

from typing import Literal

Direction = Literal["max", "min"]

MEASURES: dict[str, Direction] = {
    "accuracy": "max",
    "latency_us": "min",
    "energy_uj": "min",
    "spikes_per_inference": "min",
    "luts": "min",
    "ffs": "min",
    "bram36": "min",
    "dsps": "min",
}
"""Every measure of a design that can be an objective or a constraint, and its better direction."""
