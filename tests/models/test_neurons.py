"""What a neuron's name and parameters come down to; test_conformance.py holds the dynamics to snnTorch."""

import math

import pytest
import snntorch
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.dynamics import Dynamics
from models.neurons import NEURONS, neuron_constants, rc_beta
from models.scan import scan
from models.surrogates import surrogate_named
from spikefront.errors import SpecError


def membrane_of(constants, current):
    """Membrane potential (T,) of one neuron without resets."""
    dynamics = Dynamics(
        constants.decay,
        constants.gain,
        1.0,
        "none",
        constants.blank_after_spike,
        surrogate_named("fast_sigmoid").derivative(1.0),
        alpha=constants.alpha,
        kind=constants.kind,
    )
    return scan(current.reshape(-1, 1, 1), dynamics)[1].flatten()


def test_lapicque_says_which_decay_acts():
    constants = neuron_constants("lapicque", 0.5)
    assert constants.decay == pytest.approx(1 - math.log(2))
    assert constants.gain == pytest.approx(math.log(2))
    assert constants.blank_after_spike


@given(st.floats(0.5, 3.0), st.floats(0.5, 4.0), st.floats(0.01, 0.2))
def test_lapicque_of_an_rc_circuit_is_snntorchs(resistance, capacitance, dt):
    theirs = snntorch.Lapicque(R=resistance, C=capacitance, time_step=dt, reset_mechanism="none")
    snntorch.SpikingNeuron.instances.clear()
    constants = neuron_constants("lapicque", rc_beta(resistance, capacitance, dt), resistance=resistance)
    membrane = torch.zeros(1)
    for _ in range(3):
        _, membrane = theirs(torch.ones(1), membrane)
    assert membrane_of(constants, torch.ones(3))[-1].item() == pytest.approx(membrane.item(), rel=1e-4)


@given(st.floats(0.3, 3.0), st.floats(0.5, 4.0), st.floats(0.01, 5.0))
def test_exact_lapicque_follows_the_circuit_for_any_step(resistance, capacitance, dt):
    constants = neuron_constants(
        "lapicque_exact", rc_beta(resistance, capacitance, dt), resistance=resistance
    )
    steps = torch.arange(1, 6, dtype=torch.float64)
    charging = resistance * (1 - torch.exp(-steps * dt / (resistance * capacitance)))
    torch.testing.assert_close(membrane_of(constants, torch.ones_like(steps)), charging)


def test_alpha_neuron_answers_an_impulse_with_a_difference_of_exponentials():
    constants = neuron_constants("alpha", 0.6, 0.9)
    gain = math.log(0.9) / (math.log(0.6) - math.log(0.9)) + 1
    steps = torch.arange(6, dtype=torch.float64)
    impulse = (steps == 0).double()
    torch.testing.assert_close(membrane_of(constants, impulse), gain * (0.9**steps - 0.6**steps))


def test_synaptic_neuron_answers_an_impulse_with_two_decays():
    steps = torch.arange(6, dtype=torch.float64)
    membrane = membrane_of(neuron_constants("synaptic", 0.6, 0.9), (steps == 0).double())
    torch.testing.assert_close(membrane, (0.9 ** (steps + 1) - 0.6 ** (steps + 1)) / (0.9 - 0.6))


@pytest.mark.parametrize("name", sorted(NEURONS))
def test_tensors_are_clamped_where_numbers_are_refused(name):
    beta = torch.tensor([-0.5, 0.5, 1.5], requires_grad=True)
    decay = neuron_constants(name, beta if name != "alpha" else beta.clamp(max=0.9), 1.0).decay
    assert bool(((decay >= 0) & (decay <= 1)).all())
    assert decay.requires_grad


def test_recurrent_leaky_discards_the_input_after_a_spike():
    assert not neuron_constants("leaky", 0.9).blank_after_spike
    assert neuron_constants("leaky", 0.9, recurrent=True).blank_after_spike


@pytest.mark.parametrize("beta", [0.36, 0.0, -1.0, 1.0, float("nan")])
def test_lapicque_refuses_a_beta_that_would_oscillate(beta):
    with pytest.raises(
        SpecError, match=rf"lapicque neuron is {beta}.* raise beta or choose the leaky neuron"
    ):
        neuron_constants("lapicque", beta)


def test_lapicque_accepts_its_lower_bound():
    assert neuron_constants("lapicque", math.exp(-1)).decay == pytest.approx(0.0, abs=1e-15)


@pytest.mark.parametrize(
    ("name", "beta", "alpha", "message"),
    [
        ("leaky", -0.01, None, "beta of a leaky neuron is -0.01; give a value from 0 to 1"),
        ("leaky", 1.01, None, "give a value from 0 to 1"),
        ("leaky", float("nan"), None, "give a value from 0 to 1"),
        ("lapicque_exact", 1.0, None, "give a value from 0 to below 1"),
        ("synaptic", 0.9, None, "alpha of the synaptic neuron is not given"),
        ("synaptic", 0.9, 1.5, "alpha of a synaptic neuron is 1.5"),
        ("synaptic", 1.5, 0.5, "beta of a synaptic neuron is 1.5"),
        ("alpha", 0.9, None, "alpha of the alpha neuron is not given"),
        ("alpha", 0.9, 0.9, "alpha of an alpha neuron is 0.9 and beta 0.9; give an alpha above beta"),
        ("alpha", torch.tensor([0.5, 0.9]), 0.8, r"beta \[0.5, 0.89.*; give an alpha above beta"),
        ("izhikevich", 0.9, None, "neuron 'izhikevich' is unknown; choose one of alpha, lapicque, "),
    ],
)
def test_refuses(name, beta, alpha, message):
    with pytest.raises(SpecError, match=message):
        neuron_constants(name, beta, alpha)


def test_alpha_neuron_has_no_recurrent_form():
    with pytest.raises(SpecError, match="no recurrent form"):
        neuron_constants("alpha", 0.6, 0.9, recurrent=True)


@pytest.mark.parametrize("arguments", [(0.0, 1.0, 1.0), (1.0, -1.0, 1.0), (1.0, 1.0, float("nan"))])
def test_an_rc_circuit_needs_positive_values(arguments):
    with pytest.raises(SpecError, match="give numbers above 0"):
        rc_beta(*arguments)


def test_resistance_must_be_above_zero():
    with pytest.raises(SpecError, match="resistance of a lapicque neuron is 0"):
        neuron_constants("lapicque", 0.9, resistance=0.0)
