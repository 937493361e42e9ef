"""A trial that learns by plasticity: from its configuration to priced designs."""

import pytest
from pydantic import ValidationError

from hardware.network import AcceleratorConfig
from hardware.quantize import quantize
from hardware.record_io import from_bytes
from hardware.shape import shape_of
from hardware.simulate import check
from workers.outcome import TrialRequest
from workers.parameters import TrialParameters
from workers.trial import evaluate

CONFIG = {
    "learning": "stdp",
    "hidden_width": 24,
    "time_steps": 24,
    "peak_rate": 0.3,
    "beta": 0.95,
    "threshold": 2.0,
    "inhibition": 12.0,
    "inhibition_cap": 1.5,
    "weight_sum": 6.0,
    "refractory_steps": 1,
    "epochs": 2,
    "batch_size": 8,
    "weight_bits": 14,
    "membrane_bits": 24,
}
SILENCE = {"alpha": 1, "beta_silent": 0.9, "update_interval": 128, "warmup_epochs": 1}


@pytest.fixture(scope="module")
def outcome():
    data = {"set": "digits", "validation_fraction": 0.2, "max_train": 600}
    return evaluate(
        TrialRequest(
            number=0,
            seed=1,
            config=CONFIG,
            designs={"lanes": [1, 4]},
            data=data,
            data_root=None,
            split_seed=0,
            silence=SILENCE,
            energy_model="asic_45nm",
            device=None,
            threads=1,
        )
    )


def test_it_learns_and_every_design_is_priced(outcome):
    assert outcome.state == "complete"
    assert outcome.metrics["float_accuracy"] > 0.4
    assert outcome.metrics["accuracy"] > 0.4
    assert [design.config["lanes"] for design in outcome.designs] == [[1, 1], [4, 4]]


def test_its_shape_was_known_before_and_its_rtl_agrees(outcome):
    record = from_bytes(outcome.artifact)
    found, expected = shape_of(record.network), TrialParameters.model_validate(CONFIG).shape((8, 8), 10)
    assert found == expected
    assert record.network.layers[0].recurrent.min() == pytest.approx(-1.5)
    config = AcceleratorConfig(lanes=(8, 4), weight_bits=14, membrane_bits=24)
    assert check(quantize(record.network, config), record.inputs[:1])


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"encoding": "direct"}, "needs input spikes"),
        ({"network": "16-10"}, "leave network out"),
        ({"neuron": "synaptic"}, "leave neuron out"),
        ({"decoder": "2gram"}, "decoder"),
    ],
)
def test_what_such_a_layer_does_not_have_is_refused(changes, part):
    with pytest.raises(ValidationError, match=part):
        TrialParameters.model_validate(CONFIG | changes)
