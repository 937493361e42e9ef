"""Trials on every kind of samples: their spikes train a network and reach the accelerator unchanged."""

import numpy as np
import pytest

from hardware.network import AcceleratorConfig
from hardware.quantize import quantize
from hardware.record_io import from_bytes
from hardware.simulate import check
from tests.models.datasets.small_sets import write_braille, write_nmnist
from workers.data import CampaignData
from workers.outcome import TrialRequest
from workers.parameters import TrialParameters
from workers.trial import evaluate, measure_on_test

CONFIG = {"epochs": 12, "hidden_width": 16, "learning_rate": 0.02, "batch_size": 16, "threshold": 0.5}
CASES = {
    "nmnist": {"encoding": "events", "time_steps": 6},
    "braille": {"encoding": "delta", "time_steps": 12, "delta_threshold": 0.1, "hidden_width": 48},
}
OPTIONS = {"nmnist": {"polarity": "merge"}, "braille": {}}


def data_of(name):
    return {"set": name, "validation_fraction": 0.2, "max_train": None, **OPTIONS[name]}


@pytest.fixture(scope="module", params=sorted(CASES))
def trial(request, tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    write_nmnist(root / "NMNIST", per_class=20)
    write_braille(root / "Braille", repetitions=10)
    asked = TrialRequest(
        number=0,
        seed=1,
        config=CONFIG | CASES[request.param],
        designs={"lanes": [4]},
        data=data_of(request.param),
        silence={"beta_silent": 0.99},
        split_seed=2,
        data_root=str(root),
        energy_model="asic_45nm",
    )
    return request.param, str(root), asked, evaluate(asked)


def test_a_network_learns_and_is_priced(trial):
    name, _, _, outcome = trial
    assert outcome.state == "complete", outcome.reason
    assert outcome.designs[0].measures["accuracy"] > (0.9 if name == "nmnist" else 0.3)
    assert outcome.designs[0].measures["latency_us"] > 0


def test_the_accelerator_gives_the_same_spikes(trial):
    _, _, _, outcome = trial
    record = from_bytes(outcome.artifact)
    assert record.inputs.dtype == np.uint8
    assert set(np.unique(record.inputs)) == {0, 1}
    assert check(quantize(record.network, AcceleratorConfig(lanes=(4, 4))), record.inputs[:1])


def test_the_test_split_has_the_same_options(trial):
    name, root, asked, outcome = trial
    record = from_bytes(outcome.artifact)
    parameters = TrialParameters.model_validate({**asked.config, "lanes": 4})
    data = CampaignData.of(data_of(name), root, 2)
    measures = measure_on_test(record.network, parameters, data, "asic_45nm")
    assert measures["accuracy"] == pytest.approx(outcome.metrics["accuracy"], abs=0.2)
