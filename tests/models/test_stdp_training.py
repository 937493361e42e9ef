import dataclasses

import numpy as np
import pytest
import torch

from models.batches import encode_splits
from models.datasets import load
from models.decoders import Responses, fit, predict
from models.encoders import Code
from models.silence import SilenceSettings
from models.stdp import StdpRule, StdpSettings, StdpSpec
from models.stdp_training import responses, train_stdp
from spikefront.errors import SpecError

CODE = Code("rate", 40, peak_rate=0.2)
RULE = StdpRule(nu_post=0.02, trace_decay=0.9, norm=10.0, theta_plus=0.04)


@pytest.fixture(scope="module")
def digits():
    return load("digits", seed=0)


def encoded(digits, samples=None, code=CODE):
    train, validation = digits.train, digits.validation
    few = slice(0, samples)
    return encode_splits(
        (train.inputs[few], train.labels[few]), (validation.inputs, validation.labels), code, 1
    )


def spec_of(**changes):
    values = {"neurons": 50, "threshold": 4.0, "inhibition": 12.0, "rule": RULE}
    return StdpSpec(64, 10, CODE, **(values | changes))


def settings_of(**changes):
    return StdpSettings(**({"batch_size": 8, "epochs": 2} | changes))


def part(seen, start, stop):
    """Responses to some of the samples."""
    kept = (seen.sample >= start) & (seen.sample < stop)
    return Responses(seen.neurons, stop - start, seen.sample[kept] - start, seen.neuron[kept])


@pytest.fixture(scope="module")
def trained(digits):
    reports = []
    return train_stdp(spec_of(), settings_of(), encoded(digits), reports.append), reports


class TestTraining:
    def test_learns_the_digits_without_labels(self, digits, trained):
        result, reports = trained
        assert result.state == "complete"
        assert result.reason == ""
        assert result.validation_accuracy > 0.7
        assert tuple(reports) == result.epochs
        assert [report.epoch for report in reports] == [1, 2]
        assert result.samples_seen == 2 * len(digits.train)
        assert result.silence_constraint <= 0
        assert result.audit is None
        assert min(dataclasses.astuple(result.seconds)) > 0
        last = result.epochs[-1]
        assert last.loss == 1 - last.accuracy
        assert last.firing_rates[0] == pytest.approx(last.spikes_per_layer[0] / (50 * 40))
        assert 1 < last.spikes_per_layer[0] <= 40

    def test_the_accuracy_is_that_of_the_network_and_decoder_returned(self, digits, trained):
        result, data = trained[0], encoded(digits)
        guesses = predict(result.decoder, responses(result.network, data.validation))
        assert (guesses == data.validation.labels).mean() == result.validation_accuracy

    def test_every_decoder_reads_what_was_learnt(self, digits, trained):
        network, data = trained[0].network, encoded(digits)
        fixed = responses(network, data.validation)
        half = len(data.validation) // 2
        known, asked = part(fixed, 0, half), part(fixed, half, fixed.samples)
        labels = data.validation.labels
        for name, least in (("all", 0.65), ("vote", 0.65), ("2gram", 0.4), ("3gram", 0.2)):
            guesses = predict(fit(name, known, labels[:half], 10), asked)
            assert (guesses == labels[half:]).mean() > least, name


class TestReproducibility:
    def test_equal_seeds_give_bit_identical_networks(self, digits):
        data = encoded(digits, 200)
        torch.manual_seed(5)
        before = torch.random.get_rng_state()
        first, second, other = (train_stdp(spec_of(), settings_of(seed=seed), data) for seed in (3, 3, 4))
        assert torch.equal(torch.random.get_rng_state(), before)
        assert torch.equal(first.network.weight, second.network.weight)
        assert torch.equal(first.network.theta, second.network.theta)
        assert np.array_equal(first.decoder.votes, second.decoder.votes)
        assert first.epochs == second.epochs
        assert not torch.equal(first.network.weight, other.network.weight)

    def test_validation_labels_teach_nothing(self, digits):
        data = encoded(digits, 200)
        other = dataclasses.replace(
            data, validation=dataclasses.replace(data.validation, labels=9 - data.validation.labels)
        )
        first, second = (train_stdp(spec_of(), settings_of(), each) for each in (data, other))
        assert np.array_equal(first.decoder.votes, second.decoder.votes)
        assert torch.equal(first.network.weight, second.network.weight)


class TestStops:
    def test_a_silent_network_is_stopped_after_its_quiet_steps(self, digits):
        watch = SilenceSettings(
            alpha=1, beta_silent=0.2, update_interval=8, warmup_epochs=0, quiet_steps=40, audit_share=0.0
        )
        data = encoded(digits, 400)
        result = train_stdp(spec_of(threshold=1000.0), settings_of(silence=watch), data)
        assert result.state == "silent"
        assert "0.2 of the training samples had fewer than 1 spikes" in result.reason
        assert result.samples_seen == 40 * 8
        assert result.silence_constraint == pytest.approx(1 - 0.2)
        assert result.epochs == ()
        assert result.validation_accuracy is None
        assert result.best_epoch == 0
        with pytest.raises(SpecError, match="before neurons were assigned"):
            _ = result.weights

    def test_an_audited_network_runs_on(self, digits):
        watch = SilenceSettings(alpha=1, beta_silent=0.2, warmup_epochs=0, quiet_steps=5, audit_share=1.0)
        result = train_stdp(spec_of(threshold=1000.0), settings_of(silence=watch), encoded(digits, 200))
        assert result.state == "complete"
        assert result.audit is not None
        assert not result.audit.recovered
        assert result.validation_accuracy == pytest.approx(np.mean(digits.validation.labels == 0))
        with pytest.raises(SpecError, match="no neuron fired on the training samples"):
            _ = result.weights

    def test_a_layer_that_always_fires_is_stopped(self, digits):
        watch = SilenceSettings(warmup_epochs=0, quiet_steps=3, exploding_rate=0.9)
        alone = spec_of(neurons=1, threshold=1e-3, refractory_steps=0)
        alone = dataclasses.replace(alone, rule=dataclasses.replace(RULE, norm=60.0, theta_plus=0.0))
        result = train_stdp(alone, settings_of(silence=watch), encoded(digits, 100))
        assert result.state == "exploding"
        assert "fired in more than 0.9 of its neurons' time steps for 3 training steps" in result.reason

    def test_overflow_has_a_reason_of_its_own(self, digits):
        rule = dataclasses.replace(RULE, theta_plus=3e38)
        result = train_stdp(spec_of(rule=rule), settings_of(), encoded(digits, 400))
        assert result.state == "not_finite"
        assert "thresholds overflowed" in result.reason

    def test_what_the_callback_raises_ends_the_training(self, digits):
        def stop(report):
            raise InterruptedError

        with pytest.raises(InterruptedError):
            train_stdp(spec_of(), settings_of(), encoded(digits, 40), stop)


def test_a_network_must_fit_its_data(digits):
    data = encoded(digits, 40)
    for changes, words in (
        ({"code": Code("rate", 40)}, "the network expects"),
        ({"inputs": 63}, "63 inputs and 10 classes and the data have 64 and 10"),
        ({"classes": 9}, "64 inputs and 9 classes"),
    ):
        with pytest.raises(SpecError, match=words):
            train_stdp(dataclasses.replace(spec_of(), **changes), settings_of(), data)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"neurons": 0}, "neurons is 0; give a whole number of at least 1"),
        ({"beta": 1.5}, "beta is 1.5; give a finite number of at least 0 and at most 1"),
        ({"threshold": 0.0}, "threshold is 0.0; give a finite number above 0"),
        ({"inhibition": float("inf")}, "inhibition is inf"),
        ({"inhibition_cap": 0.0}, "inhibition_cap is 0.0; give a finite number above 0"),
        ({"refractory_steps": -1}, "refractory_steps is -1"),
        ({"decoder": "4gram"}, "decoder '4gram' is unknown; choose one of all, vote, 2gram, 3gram"),
        ({"code": Code("direct", 3)}, "the encoding 'direct' has none"),
    ],
)
def test_impossible_networks(changes, words):
    with pytest.raises(SpecError, match=words):
        dataclasses.replace(spec_of(), **changes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"nu_post": -1.0}, "nu_post is -1.0; give a finite number of at least 0"),
        ({"trace_decay": 1.1}, "trace_decay is 1.1"),
        ({"norm": 0.0}, "norm is 0.0; give a finite number above 0"),
    ],
)
def test_impossible_rules(changes, words):
    with pytest.raises(SpecError, match=words):
        dataclasses.replace(RULE, **changes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"batch_size": 0}, "batch_size is 0"),
        ({"silence": SilenceSettings(warmup_epochs=2)}, "warmup_epochs is 2 of 2 epochs"),
        ({"silence": SilenceSettings(warmup_epochs=0, monitored_layers=(1,))}, "the network has one; use -1"),
    ],
)
def test_impossible_settings(changes, words):
    with pytest.raises(SpecError, match=words):
        settings_of(**changes)
