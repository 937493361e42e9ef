import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.silence import SilenceSettings, SilenceWatch, worst_constraint
from spikefront.errors import SpecError


@st.composite
def epochs(draw):
    """Settings, spikes of one epoch (N, L), and a way to cut it into batches."""
    samples, layers = draw(st.integers(1, 60)), draw(st.integers(1, 3))
    monitored = draw(st.lists(st.integers(-layers, layers - 1), min_size=1, max_size=3))
    watch = SilenceSettings(
        alpha=draw(st.integers(0, 4)),
        beta_silent=draw(st.sampled_from([0.0, 0.05, 0.1, 0.25, 0.3, 0.5, 0.9, 1.0])),
        update_interval=draw(st.integers(1, 70)),
        monitored_layers=tuple(monitored),
    )
    level = draw(st.integers(1, 8))
    spikes = np.random.default_rng(draw(st.integers(0, 10**6))).integers(0, level, (samples, layers))
    cuts = sorted(draw(st.lists(st.integers(0, samples), max_size=5)))
    return watch, spikes, np.split(spikes, cuts)


def sample_by_sample(settings_, spikes):
    """(stopped, samples seen, constraints) by the definition, one sample after the other."""
    size, silent = len(spikes), [0] * len(settings_.monitored_layers)
    for seen, sample in enumerate(spikes, start=1):
        for index, layer in enumerate(settings_.monitored_layers):
            silent[index] += int(sample[layer] < settings_.alpha)
        verdict = seen % settings_.update_interval == 0 or seen == size
        stopped = verdict and any(count / size > settings_.beta_silent for count in silent)
        if stopped or seen == size:
            return stopped, seen, [1 - (seen - count) / size - settings_.beta_silent for count in silent]
    raise AssertionError("no sample")


def watched(settings_, batches, size):
    watch = SilenceWatch(settings_, size)
    for batch in batches:
        watch.update(batch)
    return watch


@settings(max_examples=300, deadline=None)
@given(epochs())
def test_equals_the_definition_whatever_the_batches(case):
    settings_, spikes, batches = case
    watch = watched(settings_, batches, len(spikes))
    stopped, seen, constraints = sample_by_sample(settings_, spikes)
    assert (watch.stopped, watch.seen) == (stopped, seen)
    assert list(watch.constraints()) == pytest.approx(constraints, abs=1e-12)


@settings(max_examples=300, deadline=None)
@given(epochs())
def test_feasible_exactly_when_not_stopped(case):
    settings_, spikes, batches = case
    watch = watched(settings_, batches, len(spikes))
    assert (worst_constraint(watch.constraints()) <= 0) == (not watch.stopped)


@settings(max_examples=200, deadline=None)
@given(epochs())
def test_no_stop_before_its_least_cost(case):
    settings_, spikes, batches = case
    watch = watched(settings_, batches, len(spikes))
    if watch.stopped:
        assert watch.seen >= math.floor(settings_.beta_silent * len(spikes) + 1e-9) + 1


@settings(max_examples=200, deadline=None)
@given(
    size=st.integers(1, 500),
    beta_silent=st.sampled_from([0.0, 0.125, 0.25, 0.5, 0.75]),
    interval=st.integers(1, 600),
)
def test_a_wholly_silent_network_is_stopped_at_exactly_the_least_cost(size, beta_silent, interval):
    settings_ = SilenceSettings(alpha=1, beta_silent=beta_silent, update_interval=interval)
    watch = watched(settings_, [np.zeros((size, 2), dtype=np.int64)], size)
    needed = math.floor(beta_silent * size) + 1
    assert watch.stopped
    assert watch.seen == min(size, math.ceil(needed / interval) * interval)
    assert watch.constraints()[0] == pytest.approx(1 - beta_silent)


def test_the_constraint_is_larger_the_earlier_the_stop():
    settings_ = SilenceSettings(alpha=1, beta_silent=0.1, update_interval=10)
    values = []
    for silent_share in (0.15, 0.3, 0.6, 1.0):
        fires = np.random.default_rng(0).random((1000, 1)) >= silent_share
        watch = watched(settings_, [fires.astype(np.int64)], 1000)
        assert watch.stopped
        values.append(watch.constraints()[0])
    assert values == sorted(set(values))


def test_counts_start_again_in_every_epoch():
    watch = SilenceWatch(SilenceSettings(alpha=1, beta_silent=0.5, update_interval=5), 10)
    half_silent = np.array([[0]] * 5 + [[1]] * 5)
    for _ in range(4):
        watch.start_epoch()
        assert not watch.update(half_silent)
        assert watch.constraints() == (0.0,)


def test_an_unjudged_epoch_counts_but_never_stops():
    watch = SilenceWatch(SilenceSettings(alpha=1, beta_silent=0.1, update_interval=5), 10)
    assert not watch.update(np.zeros((10, 1), dtype=np.int64), judge=False)
    assert watch.constraints() == (pytest.approx(0.9),)
    watch.start_epoch()
    assert watch.update(np.zeros((5, 1), dtype=np.int64))


def test_after_a_stop_nothing_changes():
    watch = SilenceWatch(SilenceSettings(update_interval=5), 10)
    assert watch.update(np.zeros((10, 1), dtype=np.int64))
    before = watch.constraints()
    assert watch.update(np.ones((5, 1), dtype=np.int64))
    assert watch.constraints() == before


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"alpha": -1}, "alpha is -1"),
        ({"beta_silent": 1.1}, "beta_silent is 1.1"),
        ({"beta_silent": float("nan")}, "beta_silent is nan"),
        ({"update_interval": 0}, "update_interval is 0"),
        ({"monitored_layers": ()}, "monitored_layers is empty"),
        ({"warmup_epochs": -1}, "warmup_epochs is -1"),
    ],
)
def test_impossible_settings(arguments, sentence):
    with pytest.raises(SpecError, match=sentence):
        SilenceSettings(**arguments)


def test_an_empty_training_set():
    with pytest.raises(SpecError, match="0 samples"):
        SilenceWatch(SilenceSettings(), 0)
