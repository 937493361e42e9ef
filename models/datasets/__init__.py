"""Image data sets: loading, checking and splitting. No torch here, and scikit-learn only for the digits."""

from models.datasets.registry import DATASETS, load
from models.datasets.splits import Dataset, Part, Raw, Splits

__all__ = ["DATASETS", "Dataset", "Part", "Raw", "Splits", "load"]
