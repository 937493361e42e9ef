"""The user's page on training lists what the code has; its remarks on snnTorch hold."""

from pathlib import Path

import pytest
import snntorch
import torch

import models
from models.neurons import NEURONS
from models.scan import RESETS
from models.surrogates import SURROGATES

PAGE = (Path(models.__file__).parents[1] / "docs" / "training.md").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def forget_neurons():
    yield
    snntorch.SpikingNeuron.instances.clear()


@pytest.mark.parametrize("name", [*NEURONS, *RESETS, *SURROGATES, "all", "vote"])
def test_every_name_has_a_row(name):
    assert f"\n| `{name}` |" in PAGE


def test_the_example_of_plasticity_runs(capsys):
    example = PAGE.split("```python\n")[1].split("```")[0]
    exec(compile(example, "docs/training.md", "exec"), {})
    state, accuracy = capsys.readouterr().out.split()
    assert state == "complete"
    assert float(accuracy) > 0.7


def test_snntorch_keeps_every_neuron_alive():
    before = len(snntorch.SpikingNeuron.instances)
    snntorch.Leaky(0.9)
    assert len(snntorch.SpikingNeuron.instances) == before + 1


def test_snntorch_cannot_learn_the_alpha_of_an_alpha_neuron():
    with pytest.raises(TypeError, match="cannot assign"):
        snntorch.Alpha(0.9, 0.8, learn_alpha=True)


def test_snntorch_cannot_go_backwards_twice_through_a_learnt_lapicque():
    layer = snntorch.Lapicque(beta=0.8, learn_beta=True)
    layer(torch.ones(1), torch.zeros(1))[1].sum().backward()
    with pytest.raises(RuntimeError, match="second time"):
        layer(torch.ones(1), torch.zeros(1))[1].sum().backward()


def test_snntorchs_lapicque_decays_by_one_plus_the_logarithm_of_beta():
    layer = snntorch.Lapicque(beta=0.5)
    assert layer(torch.zeros(1), torch.ones(1) * 0.5)[1].item() == pytest.approx(0.5 * 0.307, rel=1e-3)
