"""The record that leaves training computes what the network computed."""

import numpy as np
import pytest
import torch
from trained_simulation import simulate

from models.batches import encode_splits, epoch_batches
from models.datasets import load
from models.folding import plain_stages, training_stages
from models.learner import Learner
from models.network import Pass, run
from models.records import TrainingSettings
from models.specification import NetworkSpec, NeuronSpec
from models.trained import in_double, trained_weights

STEPS = 6


@pytest.fixture(scope="module")
def digits():
    return load("digits", seed=0)


def learned(digits, spec, batches=12):
    """A network after some steps on the real digits, and encoded samples."""
    train = (digits.train.images, digits.train.labels)
    data = encode_splits(train, (digits.validation.images, digits.validation.labels), spec.code, 1)
    learner = Learner(spec, TrainingSettings(learning_rate=0.02), 20)
    for _, batch in zip(range(batches), epoch_batches(data, 64, 0, 0), strict=False):
        learner.step(batch)
    return learner.network, data.validation.batch(slice(0, 60))


def spec_of(neuron=None, **changes):
    values = {"layout": "24-10", "input_shape": (8, 8), "time_steps": STEPS, **changes}
    return NetworkSpec(**values, neuron=NeuronSpec(**({"threshold": 0.5} | (neuron or {}))))


CASES = {
    "plain": spec_of(),
    "direct": spec_of(encoding="direct", bias=True),
    "lapicque": spec_of({"model": "lapicque", "reset": "zero"}),
    "exact lapicque": spec_of({"model": "lapicque_exact", "reset": "none"}, bias=True),
    "zero": spec_of({"reset": "zero"}),
    "synaptic": spec_of({"model": "synaptic", "alpha": 0.6, "reset": "zero"}),
    "refractory": spec_of({"refractory_steps": 2, "threshold": 0.2}),
    "recurrent": spec_of(layout="24r-10", bias=True),
    "recurrent with norm": spec_of({"model": "synaptic"}, layout="24r-10", batch_norm=True),
    "norm": spec_of(batch_norm=True, dropout=0.3),
    "direct norm": spec_of(layout="4c3-p2-16-10", batch_norm=True, encoding="direct"),
    "convolutions": spec_of({"threshold": 0.2}, layout="4c3-p2-6c3s2v-10", bias=True),
    "everything": spec_of(
        {
            "learn_threshold": "neuron",
            "learn_beta": "layer",
            "model": "lapicque",
            "threshold": (0.3, 0.4, 0.5),
        },
        layout="4c3-p2-16r-10",
        batch_norm=True,
        bias=True,
        population=2,
    ),
    "thresholds": spec_of({"learn_threshold": "neuron", "reset": "zero"}, layout="24r-10"),
    "betas": spec_of({"learn_beta": "neuron", "model": "lapicque"}),
}


def flat(spikes):
    """(T, B, ...) as (B, T, n), frames in the order (channel, row, column)."""
    moved = spikes if spikes.ndim == 3 else spikes.permute(0, 1, 4, 2, 3).flatten(2)
    return moved.transpose(0, 1).numpy()


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_step_by_step_run_of_the_record_gives_the_same_spikes(digits, name):
    network, inputs = learned(digits, CASES[name])
    spec = network.spec
    with torch.no_grad():
        stages = plain_stages(in_double(network))
        activity = run(stages, torch.from_numpy(inputs).double(), Pass(STEPS, spec.population))
    samples = inputs if inputs.ndim == 2 else inputs.transpose(1, 0, 2)
    spikes, membranes = simulate(trained_weights(network), samples)
    for ours, theirs in zip(activity.spikes, spikes, strict=True):
        assert np.array_equal(flat(ours), theirs)
    np.testing.assert_allclose(flat(activity.output.membrane), membranes, rtol=1e-9, atol=1e-9)
    assert spikes[0].mean() > 0.01


@pytest.mark.parametrize("name", [name for name in sorted(CASES) if not CASES[name].batch_norm])
def test_folding_leaves_the_spikes_as_they_were_learned(digits, name):
    """Without normalisation by batches, training's forward pass and the folded one are the same network."""
    network, inputs = learned(digits, CASES[name])
    doubled = in_double(network)
    with torch.no_grad():
        samples = torch.from_numpy(inputs).double()
        plain = run(plain_stages(doubled), samples, Pass(STEPS)).spikes
        as_learned = run(training_stages(doubled), samples, Pass(STEPS)).spikes
    for ours, theirs in zip(plain, as_learned, strict=True):
        assert torch.equal(ours, theirs)
