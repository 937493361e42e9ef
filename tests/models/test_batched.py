"""Several networks trained in one program against each of them trained alone."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.batched import group_key, train_many
from models.batches import encode_splits
from models.datasets import load
from models.encoders import Code
from models.losses import LOSSES, LossSpec
from models.records import TrainingSettings
from models.regularisers import RateBounds
from models.schedules import Schedule
from models.silence import SilenceSettings
from models.sparse import SparseSpikes
from models.specification import NetworkSpec, NeuronSpec, Quantisation
from models.training import train
from spikefront.errors import SpecError

STEPS = 5
LAID_BACK = SilenceSettings(warmup_epochs=0, audit_share=1.0)


@pytest.fixture(scope="module")
def data():
    digits = load("digits", seed=0)
    train_pair = digits.train.images[:200], digits.train.labels[:200]
    validation = digits.validation.images[:100], digits.validation.labels[:100]
    return {code: encode_splits(train_pair, validation, Code(code, STEPS), 1) for code in ("rate", "direct")}


@pytest.fixture
def double_precision():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def spec_of(layout="20-10", encoding="rate", neuron=None, **changes):
    return NetworkSpec(layout, (8, 8), STEPS, encoding, NeuronSpec(**(neuron or {})), **changes)


def settings_of(**changes):
    return TrainingSettings(
        **{
            "epochs": 2,
            "batch_size": 64,
            "data_seed": 3,
            "silence": LAID_BACK,
            "learning_rate": 0.01,
            **changes,
        }
    )


def varied(spec, how, count=3):
    """Networks that differ in everything that may differ."""
    specs = [
        replace(
            spec,
            neuron=replace(
                spec.neuron, beta=0.45 + 0.1 * k, threshold=0.4 + 0.3 * k, alpha=0.9, slope=2.0 + k
            ),
            init_scale=1.0 + 0.5 * k,
            initial=("uniform", "kaiming", "orthogonal")[k % 3],
        )
        for k in range(count)
    ]
    return specs, [
        replace(
            how,
            seed=k,
            learning_rate=how.learning_rate * (1 + k),
            weight_decay=0.01 * k,
            schedule=Schedule(("cosine", "constant", "step")[k % 3]),
            clip_norm=(0.0, 0.1, 2.0)[k % 3],
            momentum=0.5 + 0.2 * (k % 2),
        )
        for k in range(count)
    ]


def arrays(result):
    for layer in result.weights.layers:
        for value in (layer.weight, layer.bias, layer.recurrent, layer.beta, layer.threshold):
            if value is not None:
                yield np.asarray(value)


def assert_equal_runs(specs, how, data, tolerance):
    together = train_many(specs, how, data)
    for one, spec, each in zip(together, specs, how, strict=True):
        alone = train(spec, each, data)
        for mine, theirs in zip(arrays(one), arrays(alone), strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=tolerance, atol=tolerance)
        assert (one.state, one.best_epoch, one.samples_seen) == (
            alone.state,
            alone.best_epoch,
            alone.samples_seen,
        )
        assert one.reason == alone.reason
        assert one.audit == alone.audit
        assert one.silence_constraint == alone.silence_constraint
        for mine, theirs in zip(one.epochs, alone.epochs, strict=True):
            assert mine.loss == pytest.approx(theirs.loss, rel=tolerance)
            assert replace(mine, loss=0.0) == replace(theirs, loss=0.0)
    return together


CASES = {
    "leaky": spec_of(),
    "zero": spec_of(neuron={"reset": "zero"}),
    "none, atan": spec_of(neuron={"reset": "none", "surrogate": "arctangent"}),
    "direct": spec_of(encoding="direct"),
    "direct, blank": spec_of(encoding="direct", neuron={"model": "lapicque_exact", "reset": "zero"}),
    "three layers": spec_of("24-16-10", bias=True),
    "lapicque": spec_of(neuron={"model": "lapicque"}),
    "lapicque zero": spec_of(neuron={"model": "lapicque", "reset": "zero"}),
    "synaptic": spec_of(neuron={"model": "synaptic"}),
    "alpha": spec_of(neuron={"model": "alpha", "alpha": 0.95}),
    "sigmoid": spec_of(neuron={"surrogate": "sigmoid"}),
    "refractory": spec_of(neuron={"refractory_steps": 1}),
    "recurrent": spec_of("16r-10"),
    "recurrent direct": spec_of("16r-12-10", "direct", neuron={"model": "synaptic"}),
    "recurrent lapicque": spec_of("16r-10", neuron={"model": "lapicque", "learn_threshold": "neuron"}),
    "learned": spec_of(neuron={"learn_beta": "layer", "learn_threshold": "neuron"}),
    "learned per neuron": spec_of("16-12-10", neuron={"learn_beta": "neuron", "learn_threshold": "layer"}),
    "batch norm": spec_of("24-16-10", batch_norm=True),
    "batch norm direct": spec_of("24-16-10", "direct", batch_norm=True),
    "dropout": spec_of("24-16-10", dropout=0.3),
    "population": spec_of(population=2),
    "first spike": spec_of(readout="first_spike"),
    "membrane readout": spec_of(readout="max_membrane"),
}


@pytest.mark.usefixtures("double_precision")
@pytest.mark.parametrize("name", CASES)
def test_every_kind_of_network_equals_its_run_alone(data, name):
    specs, how = varied(CASES[name], settings_of())
    assert_equal_runs(specs, how, data[CASES[name].encoding], 1e-9)


@pytest.mark.usefixtures("double_precision")
@pytest.mark.parametrize(
    "changes",
    [
        {"optimiser": "adamw"},
        {"optimiser": "sgd", "learning_rate": 0.1},
        {"rate_bounds": RateBounds(0.2, 1.0, 0.4, 2.0)},
        {"patience": 1, "epochs": 6, "learning_rate": 0.1},
        *({"loss": LossSpec(name)} for name in sorted(LOSSES)),
    ],
    ids=str,
)
def test_every_way_of_learning_equals_its_run_alone(data, changes):
    specs, how = varied(spec_of(bias=True), settings_of(**changes))
    assert_equal_runs(specs, how, data["rate"], 1e-9)


@pytest.mark.usefixtures("double_precision")
def test_few_spikes_are_listed_once_for_all(data):
    """Event data have so few that the first layer's products follow the spikes."""
    faint = encode_splits(
        (data["rate"].train * 0.05, data["rate"].labels),
        (data["direct"].validation.samples() * 0.05, data["direct"].validation.labels),
        Code("rate", STEPS),
        1,
    )
    assert SparseSpikes.of(torch.from_numpy(faint.validation.batch(slice(0, 64)))) is not None
    specs, how = varied(spec_of(bias=True, neuron={"model": "synaptic"}), settings_of())
    assert_equal_runs(specs, how, faint, 1e-9)


def test_a_step_in_single_precision_equals_its_run_alone(data):
    specs, how = varied(spec_of("32-10"), settings_of(epochs=1, batch_size=200))
    assert_equal_runs(specs, how, data["rate"], 1e-5)


@settings(max_examples=6, deadline=None)
@given(
    betas=st.lists(st.floats(0.0, 1.0), min_size=1, max_size=5),
    threshold=st.floats(0.1, 2.0),
    slope=st.floats(0.5, 30.0),
    seed=st.integers(0, 1000),
)
def test_any_number_of_any_constants_equals_single_runs(data, betas, threshold, slope, seed):
    torch.set_default_dtype(torch.float64)
    try:
        specs = [
            spec_of(neuron={"beta": beta, "threshold": threshold, "slope": slope}, init_scale=2.0)
            for beta in betas
        ]
        how = [settings_of(epochs=1, seed=seed + k) for k in range(len(betas))]
        assert_equal_runs(specs, how, data["rate"], 1e-9)
    finally:
        torch.set_default_dtype(torch.float32)


def test_the_same_group_gives_the_same_bits(data):
    specs, how = varied(spec_of(), settings_of())
    first, second = (train_many(specs, how, data["rate"]) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        assert all(map(np.array_equal, arrays(one), arrays(other)))
        assert one.epochs == other.epochs


@pytest.mark.usefixtures("double_precision")
class TestLeaving:
    """Networks that end before the others, and the others."""

    def test_silent_exploding_and_overflowing_networks_stop_where_they_would_alone(self, data):
        watch = SilenceSettings(
            beta_silent=0.25, update_interval=64, warmup_epochs=1, quiet_steps=2, audit_share=0.0
        )
        base = settings_of(epochs=3, silence=watch)
        specs = [
            spec_of(neuron={"threshold": 0.5}),
            spec_of(neuron={"threshold": 60.0}, init_scale=1e-3),
            spec_of(neuron={"threshold": 1e-3, "reset": "subtract"}, init_scale=50.0, initial="kaiming"),
            spec_of(neuron={"threshold": 0.5}, init_scale=1e308, initial="kaiming"),
            spec_of(neuron={"threshold": 0.7, "beta": 0.5}),
        ]
        how = [
            base,
            replace(base, learning_rate=1e-5),
            replace(base, learning_rate=1e-5, silence=replace(watch, exploding_rate=0.2)),
            replace(base, learning_rate=1e6, seed=4),
            replace(base, seed=5),
        ]
        results = assert_equal_runs(specs, how, data["rate"], 1e-9)
        states = [result.state for result in results]
        assert states == ["complete", "silent", "exploding", "not_finite", "complete"]

    def test_epochs_and_patience_are_each_networks_own(self, data):
        specs, how = varied(spec_of(), settings_of(learning_rate=0.05))
        how = [replace(each, epochs=epochs) for each, epochs in zip(how, (3, 1, 5), strict=True)]
        how[2] = replace(how[2], patience=1)
        results = assert_equal_runs(specs, how, data["rate"], 1e-9)
        assert [len(result.epochs) for result in results][:2] == [3, 1]

    def test_audits_are_each_networks_own(self, data):
        watch = SilenceSettings(
            beta_silent=0.25, update_interval=64, warmup_epochs=0, quiet_steps=1, audit_share=0.5
        )
        how = [settings_of(silence=watch, seed=seed, learning_rate=1e-5) for seed in range(4)]
        specs = [spec_of(neuron={"threshold": 60.0}, init_scale=1e-3)] * 4
        results = assert_equal_runs(specs, how, data["rate"], 1e-9)
        assert {result.state for result in results} == {"silent", "complete"}


def test_progress_names_the_network(data):
    specs, how = varied(spec_of(), settings_of())
    seen = []
    results = train_many(specs, how, data["rate"], lambda place, report: seen.append((place, report)))
    assert [place for place, _ in seen] == [0, 1, 2, 0, 1, 2]
    assert [report for place, report in seen if place == 1] == list(results[1].epochs)


def test_a_training_that_is_called_off_leaves_and_the_others_go_on(data):
    specs, how = varied(spec_of(), settings_of())
    whole = train_many(specs, how, data["rate"])
    left = train_many(specs, how, data["rate"], lambda place, report: place == 1 and report.epoch == 1)
    assert [len(result.epochs) for result in left] == [2, 1, 2]
    assert left[1].epochs == whole[1].epochs[:1]
    for place in (0, 2):
        for mine, theirs in zip(arrays(left[place]), arrays(whole[place]), strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-3, atol=1e-4)


def test_seconds_are_shares(data):
    specs, how = varied(spec_of(), settings_of())
    for result in train_many(specs, how, data["rate"]):
        assert min(vars(result.seconds).values()) > 0
        assert sum(report.seconds for report in result.epochs) == pytest.approx(
            sum(vars(result.seconds).values())
        )


def test_no_networks_no_results(data):
    assert train_many([], [], data["rate"]) == []


class TestGroups:
    def test_what_differs_in_numbers_alone_is_one_group(self):
        specs, how = varied(spec_of(), settings_of())
        how[0] = replace(how[0], epochs=9, patience=2)
        assert len(set(map(group_key, specs, how))) == 1

    @pytest.mark.parametrize(
        "other",
        [
            (spec_of("21-10"), settings_of()),
            (spec_of(neuron={"reset": "zero"}), settings_of()),
            (spec_of(neuron={"surrogate": "sigmoid"}), settings_of()),
            (spec_of(), settings_of(batch_size=32)),
            (spec_of(), settings_of(data_seed=4)),
            (spec_of(), settings_of(data_seed=None, seed=4)),
            (spec_of(), settings_of(optimiser="sgd")),
            (spec_of(), settings_of(loss=LossSpec("mse_count"))),
        ],
    )
    def test_what_changes_the_program_is_another(self, data, other):
        assert group_key(*other) != group_key(spec_of(), settings_of())
        with pytest.raises(SpecError, match="2 networks cannot be trained in one program"):
            train_many([spec_of(), other[0]], [settings_of(), other[1]], data["rate"])

    @pytest.mark.parametrize(
        "spec",
        [
            spec_of("4c3-10"),
            spec_of(quantisation=Quantisation(4)),
            spec_of(neuron={"surrogate": "stochastic_spike_operator"}),
        ],
    )
    def test_some_kinds_are_trained_alone(self, data, spec):
        assert group_key(spec, settings_of()) is None
        with pytest.raises(SpecError, match="trained alone"):
            train_many([spec], [settings_of()], data["rate"])

    def test_networks_that_do_not_fit_the_data_are_refused(self, data):
        with pytest.raises(SpecError, match="encode them for this network"):
            train_many([spec_of(encoding="direct")], [settings_of()], data["rate"])
