"""One trial from configuration to costs, on the real digits."""

import numpy as np
import pytest

from hardware.network import AcceleratorConfig
from hardware.quantize import quantize, quantize_inputs
from hardware.record_io import from_bytes
from hardware.reference import run
from hardware.simulate import check
from models.datasets import load
from spikefront.errors import SpikefrontError
from workers.data import CampaignData
from workers.designs import cost_of
from workers.guard import guarded
from workers.outcome import TrialRequest
from workers.parameters import TrialParameters, design_grid
from workers.trial import evaluate, measure_on_test, spike_key

DATA = {"set": "digits", "validation_fraction": 0.2, "max_train": None}
SILENCE = {"alpha": 1, "beta_silent": 0.5, "update_interval": 128, "warmup_epochs": 2}
CONFIG = {
    "epochs": 8,
    "hidden_width": 24,
    "time_steps": 6,
    "learning_rate": 0.01,
    "batch_size": 32,
    "surrogate_slope": 5.0,
    "weight_bits": 6,
}


def request(seed=1, designs=None, **changes):
    return TrialRequest(
        number=0,
        seed=seed,
        config=CONFIG | changes,
        designs=designs or {"lanes": [4]},
        data=DATA,
        silence=SILENCE,
        split_seed=5,
        data_root=None,
        energy_model="asic_45nm",
    )


@pytest.fixture(scope="module")
def outcome():
    return evaluate(request(designs={"lanes": [1, 4, [8, 2]], "weight_bits": [4, 6]}))


@pytest.fixture(scope="module")
def grid():
    return design_grid(CONFIG, {"lanes": [1, 4, [8, 2]], "weight_bits": [4, 6]})


def test_one_training_prices_the_whole_grid(outcome, grid):
    assert outcome.state == "complete"
    assert [d.config for d in outcome.designs] == [p.accelerator().as_dict() for p in grid]
    by_bits = {d.config["weight_bits"]: d.measures["accuracy"] for d in outcome.designs}
    for design in outcome.designs:
        assert design.measures["accuracy"] == by_bits[design.config["weight_bits"]]
    latency = {tuple(d.config["lanes"]): d.measures["latency_us"] for d in outcome.designs}
    assert latency[1, 1] > latency[4, 4] > latency[8, 2] * 0.5


def test_accuracy_is_the_integer_networks_on_kept_samples(outcome):
    """What the artifact holds gives the same network: its reference and its RTL agree on real samples."""
    record = from_bytes(outcome.artifact)
    config = AcceleratorConfig(lanes=(4, 4), weight_bits=6)
    network = quantize(record.network, config)
    agree = np.mean(run(network, record.inputs).predicted == record.labels)
    assert agree == pytest.approx(outcome.metrics["accuracy"], abs=0.15)
    assert check(network, record.inputs[:2])


def test_details_explain_the_measures(outcome):
    for design in outcome.designs:
        cost = cost_of(design.measures, design.details, design.config)
        assert sum(cost.energy_by_part_uj.values()) == pytest.approx(design.measures["energy_uj"])
        assert design.measures["spikes_per_inference"] == pytest.approx(sum(cost.spikes_per_layer[:-1]))


def test_the_confusion_matrix_counts_every_validation_sample(outcome):
    confusion = np.array(outcome.metrics["confusion"])
    assert confusion.shape == (10, 10)
    assert np.trace(confusion) / confusion.sum() == pytest.approx(outcome.metrics["accuracy"])


def test_the_same_request_gives_the_same_outcome():
    first, second = evaluate(request()), evaluate(request())
    assert first.metrics == second.metrics
    assert first.designs == second.designs
    assert first.constraints == second.constraints


def test_seeds_differ():
    assert evaluate(request(seed=1)).metrics["loss"] != evaluate(request(seed=2)).metrics["loss"]


def test_a_peak_rate_reaches_the_hardware():
    changes = {"encoding": "rate", "epochs": 3, "threshold": 0.2}
    inputs = [
        from_bytes(evaluate(request(peak_rate=rate, **changes)).artifact).inputs.mean()
        for rate in (1.0, 0.25)
    ]
    assert inputs[1] == pytest.approx(0.25 * inputs[0], rel=0.05)


@pytest.mark.parametrize("encoding", ["rate", "latency", "direct"])
@pytest.mark.parametrize(
    ("neuron", "reset"), [("lif", "subtract"), ("lapicque", "zero"), ("lapicque", "subtract")]
)
def test_every_encoding_and_neuron_reaches_the_hardware(encoding, neuron, reset):
    asked = request(encoding=encoding, neuron=neuron, reset=reset, beta=0.8, threshold=0.4)
    outcome = guarded(evaluate, asked)
    assert outcome.state in ("complete", "silent"), outcome.traceback
    if outcome.state == "silent":
        return
    record = from_bytes(outcome.artifact)
    samples = quantize_inputs(record.inputs, 8) if encoding == "direct" else record.inputs
    assert check(quantize(record.network, AcceleratorConfig(lanes=(4, 4), weight_bits=6)), samples[:1])


def test_a_silent_network_stops_with_a_graded_constraint_and_no_design():
    outcome = evaluate(request(threshold=50.0, learning_rate=1e-5))
    assert outcome.state == "silent"
    assert outcome.constraints["silence"] > 0
    assert outcome.designs == ()
    assert "output" in outcome.reason or "layer" in outcome.reason


def test_an_impossible_configuration_fails_with_its_reason():
    bad = guarded(evaluate, request(neuron="lapicque", beta=0.2))
    assert bad.state == "failed"
    assert "0.368" in bad.reason


def test_the_test_split_is_measured_apart(outcome):
    record = from_bytes(outcome.artifact)
    parameters = TrialParameters.model_validate({**CONFIG, "lanes": 4})
    data = CampaignData(root=None, seed=5, **DATA)
    measures = measure_on_test(record.network, parameters, data, "asic_45nm")
    assert measures["accuracy"] == pytest.approx(outcome.metrics["accuracy"], abs=0.1)
    assert "luts" not in measures
    splits = load("digits", None, validation_fraction=0.2, seed=5)
    assert len(splits.test) + len(splits.validation) + len(splits.train) == 1797


def test_spike_key_ignores_only_what_cannot_change_spikes():
    base = AcceleratorConfig(lanes=(4, 4))
    same = AcceleratorConfig(lanes=(1, 8), chunk_bits=8, clock_mhz=50.0, family="clock_driven")
    assert spike_key(base) == spike_key(same)
    assert spike_key(base) != spike_key(AcceleratorConfig(lanes=(4, 4), weight_bits=4))


def test_unknown_data_is_an_error_of_ours():
    asked = request()
    with pytest.raises(SpikefrontError):
        evaluate(TrialRequest(**{**asked.__dict__, "data": DATA | {"set": "nothing"}}))


def test_designs_that_are_built_alike_are_one_design():
    """A layer never gets more lanes than it has neurons: 24 hidden and 10 output neurons here."""
    outcome = evaluate(request(designs={"lanes": [16, 24, 32, 64]}))
    assert [design.config["lanes"] for design in outcome.designs] == [[16, 16], [24, 24]]


def test_a_design_that_cannot_be_built_leaves_the_others():
    """Two bits cannot hold weights beside a threshold a fraction of their size; eight can."""
    outcome = evaluate(request(designs={"weight_bits": [2, 8], "lanes": [4]}, threshold=0.1))
    assert [design.config["weight_bits"] for design in outcome.designs] == [8]
    assert ["weight_bits = 2" in why for why in outcome.metrics["impossible_designs"]] == [True]
    alone = guarded(evaluate, request(designs={"lanes": [4]}, threshold=0.1, weight_bits=2))
    assert alone.state == "failed"
    assert "weight_bits = 2" in alone.reason
