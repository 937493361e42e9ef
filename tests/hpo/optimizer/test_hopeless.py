import numpy as np
import pytest

from hpo.optimizer import Outcome, Problem, Proposal, observe
from hpo.optimizer.hopeless import Curve, Outlooks
from hpo.pareto import Objective
from hpo.space import Float, Space

EPOCHS = 10
SHOWN = ("accuracy", "spikes_1")


def compose(configs, outcomes):
    """Energy from the spikes of the inputs, which no curve shows, and of the layer; two designs."""
    energy = outcomes[..., 1] + outcomes[..., 2]
    return {
        "accuracy": np.repeat(outcomes[..., :1], 2, axis=-1),
        "energy_uj": np.stack([energy, 2 * energy], axis=-1),
    }


def problem(seed=0):
    return Problem(
        Space({"x": Float(low=0.0, high=1.0)}),
        (Objective("accuracy", "max", "linear", 0.3), Objective("energy_uj", "min", "log", 1000.0)),
        (Outcome("accuracy", "logit"), Outcome("spikes_0", "log"), Outcome("spikes_1", "log")),
        compose=compose,
        seed=seed,
    )


def curve(final, spikes, epochs=EPOCHS):
    """Accuracy rises to its end in a straight line of log odds; spikes stay."""
    rise = np.linspace(-2.0, np.log(final / (1 - final)), EPOCHS)[:epochs]
    return Curve(np.column_stack([1 / (1 + np.exp(-rise)), np.full(epochs, spikes)]), EPOCHS)


def outlook(judge, config, shown, index=100):
    return judge.outlook(index, config, shown.values[-1], len(shown.values) / EPOCHS)


def outlooks(count=80, seed=0):
    rng = np.random.default_rng(5)
    history, curves = [], {}
    for index in range(count):
        x, final, spikes = rng.random(), rng.uniform(0.4, 0.9), 60 * np.exp(rng.normal(0, 0.6))
        outcomes = {"accuracy": final, "spikes_0": 50 * (1 + x), "spikes_1": spikes}
        history.append(observe(problem(), Proposal(index, {"x": x}, {}), outcomes))
        curves[index] = curve(final, spikes)
    return Outlooks(problem(seed), history, curves, SHOWN)


def test_a_training_that_cannot_catch_up_has_no_chance():
    bad = curve(0.35, 300.0, epochs=5)
    assert outlook(outlooks(), {"x": 0.9}, bad).chance < 0.01


def test_one_that_leads_has_a_good_chance():
    good = curve(0.97, 90.0, epochs=5)
    assert outlook(outlooks(), {"x": 0.2}, good).chance > 0.7


def test_mediocre_accuracy_goes_on_while_it_may_be_the_cheapest():
    cheap, dear = curve(0.5, 2.0, epochs=5), curve(0.5, 200.0, epochs=5)
    judge = outlooks()
    assert outlook(judge, {"x": 0.0}, cheap).chance > 0.7
    assert outlook(judge, {"x": 0.0}, dear).chance < 0.05


def test_the_foretold_end_is_that_of_trainings_alike():
    found = outlook(outlooks(), {"x": 0.5}, curve(0.8, 80.0, epochs=5))
    assert found.outcomes["accuracy"] == pytest.approx(0.8, abs=0.05)
    assert found.outcomes["spikes_1"] == pytest.approx(80.0, rel=0.2)
    assert found.outcomes["spikes_0"] == pytest.approx(75.0, rel=0.1)
    assert found.finished == 80


def test_doubt_keeps_a_training_alive_while_few_have_finished():
    middling = curve(0.6, 90.0, epochs=4)
    assert outlook(outlooks(3), {"x": 0.5}, middling).chance > 0.1
    assert outlook(outlooks(80), {"x": 0.5}, middling).chance < 0.1


def test_with_nothing_to_compare_there_is_no_verdict():
    assert outlook(Outlooks(problem(), [], {}, SHOWN), {"x": 0.5}, curve(0.4, 10.0, 5)) is None


def test_the_same_question_has_the_same_answer():
    asked = ({"x": 0.4}, curve(0.7, 60.0, epochs=6))
    assert outlook(outlooks(), *asked) == outlook(outlooks(), *asked)


def test_curves_are_compared_at_the_same_share_of_their_epochs():
    short = Curve(np.arange(5.0)[:, None], 5)
    long = Curve(np.arange(20.0)[:, None], 20)
    assert short.at(0.4) == 1.0
    assert long.at(0.4) == 7.0
    ended_early = Curve(np.arange(3.0)[:, None], 20)
    assert ended_early.at(0.9) == 2.0
