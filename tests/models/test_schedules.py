from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.schedules import SCHEDULES, Schedule
from spikefront.errors import SpecError

PER_EPOCH, EPOCHS = 7, 6


def factors(schedule):
    return [schedule.factor(step, PER_EPOCH, EPOCHS) for step in range(PER_EPOCH * EPOCHS)]


def torchs(scheduler, steps, every=1):
    """Rates of one of torch's schedulers, moved once in ``every`` steps."""
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    moving = scheduler(optimiser)
    rates = []
    for step in range(steps):
        rates.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        if (step + 1) % every == 0:
            moving.step()
    return rates


def test_cosine_follows_torch():
    total = PER_EPOCH * EPOCHS
    expected = torchs(lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, total), total)
    assert factors(Schedule("cosine")) == pytest.approx(expected, abs=1e-12)


def test_steps_follow_torch():
    total = PER_EPOCH * EPOCHS
    expected = torchs(lambda o: torch.optim.lr_scheduler.StepLR(o, 2, 0.5), total, every=PER_EPOCH)
    assert factors(Schedule("step", decay=0.5, step_epochs=2)) == pytest.approx(expected)


def test_exponential_decay_equals_torchs_at_whole_epochs():
    total = PER_EPOCH * EPOCHS
    expected = torchs(lambda o: torch.optim.lr_scheduler.ExponentialLR(o, 0.7), total, every=PER_EPOCH)
    found = factors(Schedule("exponential", decay=0.7))
    assert found[::PER_EPOCH] == pytest.approx(expected[::PER_EPOCH])
    assert all(later < earlier for earlier, later in pairwise(found))


@given(
    name=st.sampled_from(SCHEDULES), warmup=st.floats(0, EPOCHS), step=st.integers(0, PER_EPOCH * EPOCHS - 1)
)
def test_factors_lie_within_zero_and_one(name, warmup, step):
    assert 0.0 <= Schedule(name, warmup_epochs=warmup).factor(step, PER_EPOCH, EPOCHS) <= 1.0


def test_a_warm_up_climbs_to_the_top_in_equal_steps():
    found = factors(Schedule("constant", warmup_epochs=1))
    assert found[: PER_EPOCH + 1] == pytest.approx([(k + 1) / 8 for k in range(8)])
    assert set(found[PER_EPOCH:]) == {1.0}
    cosine = factors(Schedule("cosine", warmup_epochs=1))
    assert max(cosine) == cosine[PER_EPOCH] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": "linear"}, "schedule 'linear' is unknown"),
        ({"warmup_epochs": -1.0}, "warmup_epochs of the schedule is -1.0"),
        ({"decay": 0.0}, "decay of the schedule is 0.0"),
        ({"decay": float("nan")}, "decay of the schedule is nan"),
        ({"step_epochs": 0}, "step_epochs of the schedule is 0"),
    ],
)
def test_impossible_schedules(changes, sentence):
    with pytest.raises(SpecError, match=sentence):
        Schedule(**changes)
