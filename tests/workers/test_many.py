"""Trials evaluated together against each of them evaluated alone, on the real digits."""

import signal
from dataclasses import replace

import pytest

from hardware.record_io import from_bytes
from workers import many
from workers.guard import TrialTimeoutError, guarded
from workers.many import evaluate_many, program_key
from workers.outcome import TrialRequest
from workers.parameters import FREE_IN_PROGRAM
from workers.progress import Reporter
from workers.trial import evaluate

BASE = TrialRequest(
    number=0,
    seed=1,
    config={
        "epochs": 2,
        "hidden_width": 20,
        "time_steps": 5,
        "learning_rate": 0.01,
        "threshold": 0.5,
        "surrogate_slope": 5.0,
    },
    designs={"lanes": [4], "weight_bits": [5, 8]},
    data={"set": "digits", "validation_fraction": 0.2, "max_train": 400},
    silence={
        "beta_silent": 0.5,
        "update_interval": 128,
        "warmup_epochs": 1,
        "quiet_steps": 3,
        "audit_share": 0.0,
    },
    split_seed=5,
    data_root=None,
    energy_model="asic_45nm",
)


def request(seed=1, **changes):
    return replace(BASE, seed=seed, config={**BASE.config, **changes})


REQUESTS = [
    request(1, beta=0.5),
    request(2, beta=0.9, learning_rate=0.02),
    request(3, threshold=50.0, learning_rate=1e-5, surrogate_slope=100.0),
    request(4, epochs=3, encoding="direct"),
    request(5, beta=0.7, encoding="direct"),
    request(6, hidden_width=0),
    request(7, threshold=0.1),
]


@pytest.fixture(scope="module")
def pairs():
    return list(zip(evaluate_many(REQUESTS), [guarded(evaluate, each) for each in REQUESTS], strict=True))


def test_outcomes_are_those_of_single_evaluations(pairs):
    for together, alone in pairs:
        assert (together.state, together.reason) == (alone.state, alone.reason)
        assert together.constraints == alone.constraints
        assert together.metrics.keys() == alone.metrics.keys()
        assert [design.config for design in together.designs] == [design.config for design in alone.designs]
        if alone.state == "failed":
            continue
        assert together.metrics["loss"] == pytest.approx(alone.metrics["loss"], rel=1e-3)
        assert together.metrics["samples_seen"] == alone.metrics["samples_seen"]
        assert together.timings.keys() == alone.timings.keys()
        for one, other in zip(together.designs, alone.designs, strict=True):
            assert one.measures["accuracy"] == pytest.approx(other.measures["accuracy"], abs=0.03)
            assert one.measures["latency_us"] == pytest.approx(other.measures["latency_us"], rel=0.05)


def test_every_kind_of_outcome_was_there(pairs):
    assert [alone.state for _, alone in pairs].count("complete") == 5
    assert {alone.state for _, alone in pairs} == {"complete", "silent", "failed"}


def test_weights_are_close(pairs):
    together, alone = (from_bytes(outcome.artifact).network for outcome in pairs[0])
    for one, other in zip(together.layers, alone.layers, strict=True):
        assert one.weight == pytest.approx(other.weight, abs=0.02)


def test_trials_of_one_shape_share_a_program(monkeypatch):
    """Seen from what is trained together: three rate-coded trials and two direct ones."""
    sizes = []

    def counting(specs, *others):
        sizes.append(len(specs))
        return original(specs, *others)

    original = many.train_many
    monkeypatch.setattr(many, "train_many", counting)
    evaluate_many(REQUESTS)
    assert sorted(sizes) == [2, 4]


def test_a_program_that_fails_takes_no_trial_with_it(monkeypatch):
    def broken(*_):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(many, "train_many", broken)
    outcomes = evaluate_many(REQUESTS[:2])
    assert [outcome.state for outcome in outcomes] == ["complete", "complete"]
    assert outcomes[0].metrics == evaluate(REQUESTS[0]).metrics


def test_every_trial_tells_its_epochs_and_one_may_be_stopped():
    class Stopped(Reporter):
        def __call__(self, report):
            self.stop("hopeless")
            super().__call__(report)

    reporters = [Reporter(), Stopped(), Reporter()]
    outcomes = evaluate_many([request(1), request(2), request(3)], reporters)
    assert [outcome.state for outcome in outcomes] == ["complete", "pruned", "complete"]
    assert [len(outcome.metrics["loss"]) for outcome in outcomes] == [2, 1, 2]
    assert outcomes[1].reason == "hopeless"
    assert reporters[0].take().epoch == 2


def test_a_program_without_enough_time_gives_way_to_single_runs(monkeypatch):
    seen = []

    def slow(*_):
        seen.append(signal.getitimer(signal.ITIMER_REAL)[0])
        raise TrialTimeoutError

    monkeypatch.setattr(many, "train_many", slow)
    reporters = [Reporter(), Reporter()]
    outcomes = evaluate_many(REQUESTS[:2], reporters, limit_s=600.0)
    assert 600.0 < seen[0] <= 1200.0
    assert [outcome.state for outcome in outcomes] == ["complete", "complete"]
    assert [reporter.take().epoch for reporter in reporters] == [2, 2]


def test_no_requests_no_outcomes():
    assert evaluate_many([]) == []


OTHER = {
    "beta": 0.3,
    "alpha": 0.5,
    "threshold": 0.7,
    "surrogate_slope": 3.0,
    "dropout": 0.2,
    "weight_init": "kaiming",
    "init_scale": 2.0,
    "learning_rate": 0.1,
    "learning_schedule": "constant",
    "learning_warmup_epochs": 0.5,
    "momentum": 0.5,
    "weight_decay": 0.01,
    "clip_norm": 1.0,
    "epochs": 7,
    "patience": 2,
    "weight_bits": 4,
    "membrane_bits": 12,
    "leak": "shift",
    "leak_bits": 4,
    "input_bits": 4,
    "chunk_bits": 16,
    "lanes": 2,
    "clock_mhz": 50.0,
    "family": "clock_driven",
    "sweep": "touched_rows",
}
SHAPES = ((8, 8), 10)


@pytest.mark.parametrize("name", sorted(FREE_IN_PROGRAM))
def test_trials_of_one_program_may_differ_in_what_is_free(name):
    key = program_key(request(), *SHAPES)
    assert key is not None
    assert program_key(request(2, **{name: OTHER[name]}), *SHAPES) == key


@pytest.mark.parametrize(
    "changes",
    [
        {"hidden_width": 21},
        {"time_steps": 6},
        {"encoding": "direct"},
        {"peak_rate": 0.5},
        {"batch_size": 32},
        {"neuron": "synaptic"},
        {"optimizer": "sgd"},
    ],
)
def test_what_changes_the_program_changes_the_key(changes):
    assert program_key(request(**changes), *SHAPES) not in (None, program_key(request(), *SHAPES))


@pytest.mark.parametrize(
    "changes",
    [
        {"network": "4c3-10"},
        {"learning": "stdp"},
        {"quantization_aware": True},
        {"surrogate": "stochastic_spike_operator"},
        {"hidden_width": -1},
    ],
)
def test_what_trains_alone_has_no_key(changes):
    assert program_key(request(**changes), *SHAPES) is None
