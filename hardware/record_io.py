"""A trained network with sample inputs and labels, to and from one ``.npz`` file (never pickled)."""

import io
import json
import os
import tempfile
import zipfile
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardware.checks import check_network
from hardware.network import Convolution, TrainedLayer, TrainedNetwork
from spikefront.errors import DataError, DesignError

FORMAT = "spikefront-network"
VERSION = 1
FOREIGN = (ValueError, KeyError, TypeError, AttributeError)  # not what the header or an array should be
DAMAGE = (OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error, *FOREIGN)


@dataclass(frozen=True, eq=False)
class NetworkRecord:
    """A trained network and the samples that travel with it.

    Attributes:
        network: the trained network.
        inputs: spikes uint8 (N, T, n_in), or currents float 0..1 (N, n_in) under direct encoding.
        labels: class of every sample, int64 (N,).
    """

    network: TrainedNetwork
    inputs: NDArray[Any]
    labels: NDArray[np.int64]


def save_record(path: Path, record: NetworkRecord) -> None:
    """Write ``record`` to ``path``, whole or not at all.

    Raises:
        DataError: where the file cannot be written.
    """
    _write(Path(path), to_bytes(record))


def to_bytes(record: NetworkRecord) -> bytes:
    """Return ``record`` as the content of an ``.npz`` file."""
    network = record.network
    header = {
        "format": FORMAT,
        "version": VERSION,
        "time_steps": int(network.time_steps),
        "encoding": network.encoding,
        "readout": network.readout,
        "population": int(network.population),
        "layers": [_layer_header(layer) for layer in network.layers],
    }
    arrays: dict[str, NDArray[Any]] = {
        f"weight{k}": np.asarray(layer.weight) for k, layer in enumerate(network.layers)
    }
    for k, layer in enumerate(network.layers):
        optional = {"bias": layer.bias, "recurrent": layer.recurrent}
        arrays |= {f"{name}{k}": np.asarray(array) for name, array in optional.items() if array is not None}
    arrays |= {"header": np.array(json.dumps(header)), "inputs": record.inputs, "labels": record.labels}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]  # numpy's stub reads ** as allow_pickle
    return buffer.getvalue()


def load_record(path: Path) -> NetworkRecord:
    """Read a record that ``save_record`` wrote.

    Raises:
        DataError: where the file is missing, damaged or of another format.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"There is no network record at {path}; check the path.") from None
    except OSError as error:
        raise DataError(f"The network record {path} cannot be read ({error}); check the path.") from error
    return from_bytes(content, str(path))


def from_bytes(content: bytes, name: str = "of this trial") -> NetworkRecord:
    """Read a record from what ``to_bytes`` returned; ``name`` is how errors call it.

    Raises:
        DataError: where it is damaged or of another format.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            record = _record(dict(file))
    except DAMAGE as error:
        raise DataError(f"The network record {name} is damaged ({error}); write it again.") from error
    except DesignError as error:
        raise DataError(f"The network record {name} holds no valid network: {error}") from error
    return record


def _layer_header(layer: TrainedLayer) -> dict[str, Any]:
    return {
        "beta": float(layer.beta),
        "threshold": float(layer.threshold),
        "reset": layer.reset,
        "blank_after_spike": bool(layer.blank_after_spike),
        "alpha": None if layer.alpha is None else float(layer.alpha),
        "refractory_steps": int(layer.refractory_steps),
        "reset_value": float(layer.reset_value),
        "convolution": None if layer.convolution is None else asdict(layer.convolution),
    }


def _write(path: Path, content: bytes) -> None:
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(temporary, path)
    except OSError as error:
        raise DataError(
            f"The network record {path} cannot be written ({error}); choose another path."
        ) from error


def _layer(arrays: dict[str, NDArray[Any]], index: int, layer: dict[str, Any]) -> TrainedLayer:
    """Read a layer; records of earlier versions lack all behind ``blank_after_spike``."""
    return TrainedLayer(
        weight=arrays[f"weight{index}"],
        beta=layer["beta"],
        threshold=layer["threshold"],
        reset=layer["reset"],
        blank_after_spike=layer["blank_after_spike"],
        alpha=layer.get("alpha"),
        bias=arrays.get(f"bias{index}"),
        refractory_steps=layer.get("refractory_steps", 0),
        reset_value=layer.get("reset_value", 0.0),
        recurrent=arrays.get(f"recurrent{index}"),
        convolution=_convolution(layer.get("convolution")),
    )


def _convolution(fields: dict[str, Any] | None) -> Convolution | None:
    return None if fields is None else Convolution(**{**fields, "in_shape": tuple(fields["in_shape"])})


def _record(arrays: dict[str, NDArray[Any]]) -> NetworkRecord:
    header = json.loads(str(arrays["header"]))
    if header["format"] != FORMAT or header["version"] != VERSION:
        raise ValueError(f"format {header['format']!r} version {header['version']!r} is unknown")
    layers = tuple(_layer(arrays, k, layer) for k, layer in enumerate(header["layers"]))
    network = TrainedNetwork(
        layers,
        header["time_steps"],
        header["encoding"],
        header.get("readout", "count"),
        header.get("population", 1),
    )
    check_network(network)
    inputs, labels = arrays["inputs"], arrays["labels"]
    if inputs.shape[:1] != labels.shape or inputs.shape[-1] != network.sizes[0]:
        raise ValueError(f"inputs {inputs.shape} and labels {labels.shape} do not fit the network")
    return NetworkRecord(network, inputs, labels)
