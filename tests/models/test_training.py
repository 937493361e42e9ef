import dataclasses
import math

import numpy as np
import pytest
import torch

from models.batches import encode_splits
from models.datasets import load
from models.encoders import Code, encode
from models.evaluation import evaluate
from models.learner import Learner
from models.records import TrainingSettings
from models.silence import SilenceSettings
from models.specification import NetworkSpec, NeuronSpec
from models.training import train
from spikefront.errors import SpecError


@pytest.fixture(scope="module")
def digits():
    return load("digits", seed=0)


def encoded(digits, encoding="direct", time_steps=6, seed=1):
    train_pair = (digits.train.images, digits.train.labels)
    validation = (digits.validation.images, digits.validation.labels)
    return encode_splits(train_pair, validation, Code(encoding, time_steps), seed)


def spec_of(encoding="direct", time_steps=6, neuron=None, **changes):
    values = {"layout": "32-10", "input_shape": (8, 8), "time_steps": time_steps, "encoding": encoding}
    return NetworkSpec(**(values | changes), neuron=NeuronSpec(**(neuron or {})))


def settings_of(**changes):
    return TrainingSettings(**{"epochs": 3, "batch_size": 64, **changes})


def same(first, second):
    return all(
        np.array_equal(a.weight, b.weight)
        for a, b in zip(first.weights.layers, second.weights.layers, strict=True)
    )


@pytest.mark.parametrize(("encoding", "least"), [("direct", 0.93), ("rate", 0.9), ("latency", 0.85)])
def test_learns_the_digits(digits, encoding, least):
    data = encoded(digits, encoding, 8)
    reports = []
    patient = settings_of(epochs=12, silence=SilenceSettings(warmup_epochs=4))
    result = train(spec_of(encoding, 8), patient, data, reports.append)
    assert result.state == "complete"
    assert result.reason == ""
    assert result.validation_accuracy >= least
    assert result.epochs[-1].loss < result.epochs[0].loss
    assert tuple(reports) == result.epochs
    assert [report.epoch for report in reports] == list(range(1, 13))
    assert result.silence_constraint <= 0
    assert result.samples_seen == 12 * len(data)
    assert min(dataclasses.astuple(result.seconds)) > 0


class TestReproducibility:
    def test_equal_seeds_give_bit_identical_weights(self, digits):
        first, second = (
            train(spec_of("rate"), settings_of(seed=3), encoded(digits, "rate")) for _ in range(2)
        )
        assert same(first, second)
        assert first.epochs == second.epochs

    def test_another_seed_gives_another_network(self, digits):
        data = encoded(digits, "rate")
        assert not same(
            train(spec_of("rate"), settings_of(), data), train(spec_of("rate"), settings_of(seed=1), data)
        )

    def test_neither_reads_nor_moves_global_random_generators(self, digits):
        data = encoded(digits, "rate")
        torch.manual_seed(5)
        np.random.seed(5)
        before = torch.random.get_rng_state(), np.random.get_state()[1].copy()
        first = train(spec_of("rate"), settings_of(), data)
        assert torch.equal(torch.random.get_rng_state(), before[0])
        assert np.array_equal(np.random.get_state()[1], before[1])
        torch.manual_seed(6)
        assert same(first, train(spec_of("rate"), settings_of(), data))

    def test_the_validation_bits_are_those_of_the_hardware_side(self, digits):
        data = encoded(digits, "rate", seed=9)
        validation = digits.validation
        elsewhere = encode(validation.images, validation.labels, Code("rate", 6), seed=9)
        assert np.array_equal(data.validation.samples(), elsewhere.samples())


class TestSilence:
    def test_a_silent_network_is_stopped_after_its_warm_up(self, digits):
        data = encoded(digits)
        watch = SilenceSettings(
            alpha=1, beta_silent=0.25, update_interval=64, warmup_epochs=1, quiet_steps=0, audit_share=0.0
        )
        result = train(
            spec_of(init_scale=1e-3, neuron={"threshold": 5.0, "slope": 25.0}),
            settings_of(epochs=9, learning_rate=1e-5, silence=watch),
            data,
        )
        needed = math.ceil((math.floor(0.25 * len(data)) + 1) / 64) * 64
        assert result.state == "silent"
        assert "0.25 of the training samples" in result.reason
        assert result.samples_seen == len(data) + needed
        assert result.silence_constraint == pytest.approx(1 - 0.25)
        assert len(result.epochs) == 1
        assert result.epochs[0].silence_constraint == pytest.approx(0.75)

    def test_a_network_that_wakes_in_its_warm_up_goes_on(self, digits):
        data = encoded(digits)
        spec = spec_of(init_scale=0.05, neuron={"slope": 1.0})
        strict = SilenceSettings(
            alpha=1, beta_silent=0.2, update_interval=32, warmup_epochs=0, quiet_steps=0, audit_share=0.0
        )
        arguments = {"epochs": 8, "learning_rate": 1e-2}
        assert train(spec, settings_of(silence=strict, **arguments), data).state == "silent"
        patient = dataclasses.replace(strict, warmup_epochs=4)
        result = train(spec, settings_of(silence=patient, **arguments), data)
        assert result.state == "complete"
        assert result.epochs[0].silence_constraint > 0
        assert result.silence_constraint <= 0

    def test_silence_with_gradients_is_waited_for_without_it_is_not(self, digits):
        data = encoded(digits)
        watch = SilenceSettings(update_interval=32, warmup_epochs=0, quiet_steps=10, audit_share=0.0)
        settings = settings_of(epochs=8, learning_rate=1e-2, silence=watch)
        wakes = train(spec_of(init_scale=0.05, neuron={"slope": 1.0}), settings, data)
        assert wakes.state == "complete"
        assert wakes.epochs[0].silence_constraint > 0
        dead = train(spec_of(init_scale=1e-3, neuron={"threshold": 1e3, "slope": 1e3}), settings, data)
        assert dead.state == "silent"
        assert "no gradient" in dead.reason
        assert dead.epochs == ()

    def test_an_audited_training_runs_to_its_end(self, digits):
        watch = SilenceSettings(update_interval=32, warmup_epochs=0, quiet_steps=10, audit_share=1.0)
        spec = spec_of(init_scale=1e-3, neuron={"threshold": 1e3, "slope": 1e3})
        result = train(spec, settings_of(epochs=2, silence=watch), encoded(digits))
        assert result.state == "complete"
        assert len(result.epochs) == 2
        assert result.audit is not None
        assert not result.audit.recovered
        assert result.silence_constraint > 0

    def test_an_exploding_network_is_stopped(self, digits):
        # with weights this large about half of all neurons fire in every step
        watch = SilenceSettings(warmup_epochs=0, quiet_steps=5, exploding_rate=0.4)
        spec = spec_of(init_scale=50.0, neuron={"threshold": 1e-3, "reset": "none"})
        result = train(spec, settings_of(learning_rate=1e-6, silence=watch), encoded(digits))
        assert result.state == "exploding"
        assert "raise the threshold" in result.reason

    def test_every_monitored_layer_counts(self, digits):
        data = encoded(digits)
        watch = SilenceSettings(
            alpha=10**6,
            update_interval=64,
            monitored_layers=(0,),
            warmup_epochs=0,
            quiet_steps=0,
            audit_share=0.0,
        )
        assert train(spec_of(), settings_of(silence=watch), data).state == "silent"

    def test_a_layer_that_does_not_exist(self, digits):
        watch = SilenceSettings(monitored_layers=(2,))
        with pytest.raises(SpecError, match="silence monitors layer 2 and the network has 2"):
            train(spec_of(), settings_of(silence=watch), encoded(digits))


def test_overflow_is_not_called_silence(digits):
    result = train(spec_of(init_scale=2.5e39), settings_of(), encoded(digits))
    assert result.state == "not_finite"
    assert "lower the learning rate" in result.reason
    assert result.validation_accuracy is None


def test_what_progress_raises_ends_the_training(digits):
    def stop(report):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(spec_of(), settings_of(), encoded(digits), stop)


def test_mean_spikes_per_layer_are_reported(digits):
    data = encoded(digits)
    frozen = settings_of(
        learning_rate=1e-12, epochs=1, silence=SilenceSettings(beta_silent=1, warmup_epochs=0)
    )
    report = train(spec_of(), frozen, data).epochs[0]
    whole = encode(digits.train.images, digits.train.labels, data.code, 0)
    spikes = evaluate(Learner(spec_of(), frozen, 1).network, whole).layer_spikes.mean(axis=0)
    assert report.spikes_per_layer == pytest.approx(tuple(spikes), rel=1e-3)
    assert report.firing_rates == pytest.approx(tuple(spikes / (np.array([32, 10]) * 6)), rel=1e-3)


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        (spec_of(time_steps=7), "encode them for this network"),
        (spec_of(input_shape=(60,)), "60 inputs and 10 classes and the data have 64 and 10"),
        (spec_of(layout="9"), "64 inputs and 9 classes and the data have 64 and 10"),
    ],
)
def test_a_network_that_does_not_fit_the_data(digits, spec, sentence):
    with pytest.raises(SpecError, match=sentence):
        train(spec, settings_of(), encoded(digits))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"learning_rate": 0.0}, "learning_rate is 0.0"),
        ({"learning_rate": float("inf")}, "learning_rate is inf"),
        ({"weight_decay": -1.0}, "weight_decay is -1.0"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"epochs": 0}, "epochs is 0"),
        ({"seed": -1}, "seed is -1"),
        ({"patience": -1}, "patience is -1"),
        ({"momentum": 1.0}, "momentum is 1.0"),
        ({"clip_norm": float("nan")}, "clip_norm is nan"),
        ({"optimiser": "lion"}, "optimiser 'lion' is unknown"),
        ({"mixed_precision": True}, "mixed_precision is on and the device is the CPU"),
        ({"epochs": 1}, "warmup_epochs is 1 of 1 epochs"),
    ],
)
def test_impossible_settings(changes, sentence):
    with pytest.raises(SpecError, match=sentence):
        settings_of(**changes)
