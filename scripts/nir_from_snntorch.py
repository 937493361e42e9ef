"""Write the graphs in tests/hardware/nir_snntorch, by snnTorch's exporter, with the spikes snnTorch computes.

    pip install nirtorch==2.6
    python scripts/nir_from_snntorch.py tests/hardware/nir_snntorch

nirtorch is needed here alone. Neurons get one beta and threshold each, because the exporter of snnTorch 1.0.0
fails on scalars.
"""

import sys
from pathlib import Path

import nir
import numpy as np
import snntorch as snn
import torch
from snntorch.export_nir import export_to_nir
from torch import nn

STEPS = 30


def leaky(size: int | tuple[int, ...], reset: str) -> nn.Module:
    """LIF neurons of snnTorch with one beta and threshold each."""
    return snn.Leaky(
        beta=torch.full(_shape(size), 0.9),
        threshold=torch.ones(_shape(size)),
        reset_mechanism=reset,
        init_hidden=True,
    )


def synaptic(size: int, reset: str) -> nn.Module:
    """Neurons with a synaptic current."""
    return snn.Synaptic(
        alpha=torch.full((size,), 0.7),
        beta=torch.full((size,), 0.8),
        threshold=torch.ones(size),
        reset_mechanism=reset,
        init_hidden=True,
    )


def recurrent(size: int, reset: str) -> nn.Module:
    """Neurons that feed themselves back through a dense layer."""
    return snn.RLeaky(
        beta=torch.full((size,), 0.9),
        threshold=1.0,
        linear_features=size,
        reset_mechanism=reset,
        init_hidden=True,
    )


def networks() -> dict[str, tuple[nn.Sequential, tuple[int, ...]]]:
    """Networks by name, with the shape of an input."""
    return {
        "leaky_subtract": (
            nn.Sequential(nn.Linear(12, 9), leaky(9, "subtract"), nn.Linear(9, 4), leaky(4, "subtract")),
            (12,),
        ),
        "leaky_zero": (
            nn.Sequential(nn.Linear(12, 9, bias=False), leaky(9, "zero"), nn.Linear(9, 4), leaky(4, "zero")),
            (12,),
        ),
        "synaptic": (
            nn.Sequential(nn.Linear(12, 9), synaptic(9, "subtract"), nn.Linear(9, 4), leaky(4, "subtract")),
            (12,),
        ),
        "recurrent": (
            nn.Sequential(nn.Linear(12, 9), recurrent(9, "subtract"), nn.Linear(9, 4), leaky(4, "subtract")),
            (12,),
        ),
        "convolutional": (
            nn.Sequential(
                nn.Conv2d(2, 4, 3, padding=1),
                leaky((4, 8, 8), "subtract"),
                nn.AvgPool2d(2),
                nn.Conv2d(4, 3, 3, padding=1),
                leaky((3, 4, 4), "subtract"),
                nn.AvgPool2d(2),
                nn.Flatten(),
                nn.Linear(12, 4),
                leaky(4, "subtract"),
            ),
            (2, 8, 8),
        ),
    }


def spikes_of(network: nn.Sequential, inputs: torch.Tensor) -> np.ndarray:
    """Spikes (T, n) of the last layer, step by step in single precision."""
    for module in network:
        if hasattr(module, "reset_mem"):
            module.reset_mem()
    out = []
    with torch.no_grad():
        for given in inputs:
            result = network(given[None])
            out.append(result[0] if isinstance(result, tuple) else result)
    return torch.cat(out).numpy()


def _shape(size: int | tuple[int, ...]) -> tuple[int, ...]:
    return (size,) if isinstance(size, int) else size


def main(folder: Path) -> None:
    """Write a graph and its spikes per network."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (network, shape) in networks().items():
        torch.manual_seed(3)
        for parameter in network.parameters():
            torch.nn.init.normal_(parameter, 0.12, 0.35)
        graph = export_to_nir(network, torch.rand(1, *shape), ignore_dims=[0])
        nir.write(folder / f"{name}.nir", graph, compression=None)
        inputs = (torch.rand(STEPS, *shape) < 0.3).float()
        spikes = spikes_of(network, inputs)
        print(name, [type(n).__name__ for n in graph.nodes.values()], spikes.mean())
        np.savez_compressed(
            folder / f"{name}.npz", inputs=inputs.numpy().astype(np.uint8), spikes=spikes.astype(np.uint8)
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
