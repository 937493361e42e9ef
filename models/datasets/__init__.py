"""Data sets: loading, checking and splitting. No torch here; heavy libraries only when a set is read."""

from models.datasets.download import download
from models.datasets.events import Events
from models.datasets.options import Options
from models.datasets.registry import DATASETS, find, load, names
from models.datasets.samples import Dataset, Kind, Part, Raw, Splits

__all__ = [
    "DATASETS",
    "Dataset",
    "Events",
    "Kind",
    "Options",
    "Part",
    "Raw",
    "Splits",
    "download",
    "find",
    "load",
    "names",
]
