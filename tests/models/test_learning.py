"""What networks learn of the real digits, in every way of learning."""

import dataclasses
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from hardware.network import AcceleratorConfig
from hardware.quantize import quantize, quantize_inputs
from hardware.reference import run as run_integers
from models.batches import encode_splits, epoch_batches
from models.datasets import load
from models.dynamics import Adaptation
from models.encoders import Code
from models.learner import Learner
from models.losses import LOSSES, LossSpec
from models.records import TrainingSettings
from models.regularisers import RateBounds
from models.schedules import Schedule
from models.silence import SilenceSettings
from models.specification import NetworkSpec, NeuronSpec, Quantisation
from models.training import train
from spikefront.errors import SpecError
from workers.networks import trained_network

ROOT = Path(__file__).parents[2]
PATIENT = SilenceSettings(beta_silent=1.0, warmup_epochs=0)


@pytest.fixture(scope="module")
def digits():
    return load("digits", seed=0)


@pytest.fixture(scope="module")
def data(digits):
    pairs = [(part.inputs, part.labels) for part in (digits.train, digits.validation)]
    return {code: encode_splits(*pairs, Code(code, 6), 1) for code in ("rate", "direct")}


def spec_of(layout="32-10", neuron=None, encoding="direct", **changes):
    return NetworkSpec(
        layout, (8, 8), 6, encoding, NeuronSpec(**({"threshold": 0.5} | (neuron or {}))), **changes
    )


def settings_of(**changes):
    return TrainingSettings(
        **{"epochs": 4, "batch_size": 32, "learning_rate": 0.01, "silence": PATIENT, **changes}
    )


@pytest.mark.parametrize(
    "spec",
    [
        spec_of("8c3-p2-8c3-10"),
        spec_of("8c3-p2-32-10", encoding="rate", batch_norm=True, dropout=0.2),
        spec_of("32r-10", encoding="rate"),
        spec_of("24-10", batch_norm=True, bias=True, initial="kaiming"),
        spec_of(neuron={"model": "synaptic", "alpha": 0.5, "reset": "zero"}, initial="orthogonal"),
        spec_of(neuron={"model": "alpha", "beta": 0.5}, initial="xavier", init_scale=2.0),
        spec_of(neuron={"refractory_steps": 1, "adaptation": Adaptation(0.9, 0.05)}),
        spec_of(neuron={"learn_beta": "neuron", "learn_threshold": "neuron"}),
        spec_of(population=3),
        spec_of(quantisation=Quantisation(4)),
    ],
    ids=lambda spec: f"{spec.layout}-{spec.encoding}-{spec.neuron.model}",
)
def test_every_kind_of_network_learns(data, spec):
    result = train(spec, settings_of(), data[spec.encoding])
    assert result.state == "complete"
    assert result.validation_accuracy > 0.8


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_every_loss_is_learned_from(data, name):
    readout = "first_spike" if "temporal" in name else "max_membrane" if "membrane" in name else "count"
    neuron = {"beta": 0.7, "slope": 2.0}
    result = train(spec_of(neuron=neuron, readout=readout), settings_of(loss=LossSpec(name)), data["direct"])
    assert result.validation_accuracy > 0.7
    assert result.epochs[-1].loss < result.epochs[0].loss


@pytest.mark.parametrize(
    "changes",
    [
        {"optimiser": "adamw", "weight_decay": 0.01},
        {"optimiser": "sgd", "learning_rate": 0.03},
        {"schedule": Schedule("step", decay=0.5, step_epochs=2)},
        {"schedule": Schedule("exponential", decay=0.7, warmup_epochs=1)},
    ],
)
def test_every_optimiser_learns(data, changes):
    assert train(spec_of(), settings_of(**changes), data["direct"]).validation_accuracy > 0.8


def test_clipping_bounds_the_move(data):
    """Plain descent moves by the learning rate times the gradient, whose norm is at most the bound."""
    settings = settings_of(optimiser="sgd", momentum=0.0, learning_rate=2.0, clip_norm=0.1)
    learner = Learner(spec_of(), settings, 10)
    before = learner.network.values()
    rate = learner.learning_rate
    learner.step(next(epoch_batches(data["direct"], 32, 0, 0)))
    moved = torch.cat([(a - b).flatten() for a, b in zip(learner.network.values(), before, strict=True)])
    assert float(moved.norm()) == pytest.approx(rate * 0.1, rel=1e-3)


def test_rate_bounds_move_the_rates(data):
    free = train(spec_of(), settings_of(), data["direct"])
    bounds = RateBounds(upper=0.05, upper_strength=20.0)
    held = train(spec_of(), settings_of(rate_bounds=bounds), data["direct"])
    assert held.epochs[-1].firing_rates[0] < 0.7 * free.epochs[-1].firing_rates[0]
    assert held.validation_accuracy > 0.7


class TestEarlyStopping:
    def test_validation_chooses_the_epoch(self, data):
        """Far too high a learning rate: the accuracy goes up and down."""
        settings = settings_of(epochs=12, learning_rate=0.3, patience=2, schedule=Schedule("constant"))
        result = train(spec_of(), settings, data["direct"])
        accuracies = [report.validation_accuracy for report in result.epochs]
        assert result.best_epoch == 1 + accuracies.index(max(accuracies))
        assert len(accuracies) in (result.best_epoch + 2, 12)
        assert result.validation_accuracy == max(accuracies)

    def test_the_best_weights_are_kept(self, data):
        settings = settings_of(epochs=9, learning_rate=0.3, patience=2, schedule=Schedule("constant"))
        result = train(spec_of(), settings, data["direct"])
        shorter = dataclasses.replace(settings, epochs=result.best_epoch, patience=0)
        again = train(spec_of(), shorter, data["direct"])
        for kept, last in zip(result.weights.layers, again.weights.layers, strict=True):
            assert np.array_equal(kept.weight, last.weight)


def test_reports_tell_the_learning_rate_and_time(data):
    settings = settings_of(schedule=Schedule("step", decay=0.1, step_epochs=1))
    result = train(spec_of(), settings, data["direct"])
    assert [report.learning_rate for report in result.epochs] == pytest.approx([1e-2, 1e-3, 1e-4, 1e-5])
    assert all(report.seconds > 0 for report in result.epochs)
    assert all(0 < rate < 1 for report in result.epochs for rate in report.firing_rates)


@pytest.mark.parametrize("layout", ["16-10", "4c3-p2-16-10"])
@pytest.mark.parametrize("encoding", ["rate", "direct"])
def test_trained_with_rounding_the_integer_network_is_as_accurate(data, layout, encoding):
    """The validation accuracy in training is that of the accelerator's reference."""
    spec = spec_of(layout, encoding=encoding, quantisation=Quantisation(3, leak_bits=6), batch_norm=True)
    result = train(spec, settings_of(epochs=3), data[encoding])
    config = AcceleratorConfig((1,) * len(spec.layers), weight_bits=3, leak_bits=6)
    integers = quantize(trained_network(result.weights), config)
    validation = data[encoding].validation
    samples = validation.samples()
    samples = quantize_inputs(samples, 8) if encoding == "direct" else samples
    predicted = run_integers(integers, samples).predicted
    accuracy = float((predicted == validation.labels).mean())
    # three bits and few epochs: how far it learns differs between processors, that both agree does not
    assert result.validation_accuracy > 0.3
    assert accuracy == result.validation_accuracy


def digest(layout):
    """Hash of the weights that a short training of this layout ends with."""
    torch.set_num_threads(1)
    splits = load("digits", seed=0)
    pairs = [(part.inputs[:200], part.labels[:200]) for part in (splits.train, splits.validation)]
    spec = NetworkSpec(
        layout, (8, 8), 5, neuron=NeuronSpec(threshold=0.5, learn_beta="layer"), batch_norm=True, dropout=0.1
    )
    result = train(spec, settings_of(epochs=2), encode_splits(*pairs, Code("rate", 5), 1))
    content = b"".join(layer.weight.tobytes() for layer in result.weights.layers)
    return hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("layout", ["16-10", "4c3-p2-4c3-10", "16r-10"])
def test_two_processes_train_to_the_same_bits(layout):
    code = f"import test_learning; print(test_learning.digest({layout!r}))"
    paths = {"PYTHONPATH": f"{ROOT}:{Path(__file__).parent}"}
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ | paths
    )
    assert answer.stdout.strip() == digest(layout)


def test_a_random_surrogate_draws_from_the_training_seed_alone(data):
    spec = spec_of(neuron={"surrogate": "stochastic_spike_operator", "slope": 1.0}, init_scale=3.0)
    torch.manual_seed(1)
    first = train(spec, settings_of(epochs=1, seed=4), data["direct"])
    torch.manual_seed(2)
    second = train(spec, settings_of(epochs=1, seed=4), data["direct"])
    assert np.array_equal(first.weights.layers[0].weight, second.weights.layers[0].weight)


def test_a_device_that_is_not_there():
    with pytest.raises(SpecError, match="the training device 'cuda:99' cannot be used"):
        Learner(spec_of(), settings_of(device="cuda:99"), 10)
