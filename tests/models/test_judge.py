import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.judge import Judge, Look
from models.silence import SilenceSettings

CAPACITY = np.array([40, 20])
DEAD, ALIVE = (0.0, 1e-9), (0.0, 1e-2)


def rules(**changes):
    given_ = {
        "update_interval": 1,
        "warmup_epochs": 0,
        "quiet_steps": 3,
        "audit_share": 0.0,
        "beta_silent": 0.5,
    }
    return SilenceSettings(**(given_ | changes))


def look(spikes, gradients=DEAD, loss=1.0):
    return Look(np.array([[5, spikes]] * 2), loss, gradients)


def verdicts(judge, looks, epoch=0):
    return [judge.step(each, epoch) for each in looks]


def judge_of(rule, train_size=8, seed=0):
    return Judge(rule, train_size, CAPACITY, seed)


def test_silence_without_gradient_ends_after_the_run():
    assert verdicts(judge_of(rules()), [look(0)] * 3) == ["complete", "complete", "silent"]


def test_a_gradient_keeps_a_silent_network_alive():
    assert set(verdicts(judge_of(rules()), [look(0, ALIVE)] * 4)) == {"complete"}


def test_a_spiking_step_starts_the_run_again():
    found = verdicts(judge_of(rules(), train_size=100), [look(0), look(0), look(1), look(0), look(0)])
    assert set(found) == {"complete"}


def test_the_share_of_the_whole_set_must_be_passed_too():
    judge = judge_of(rules(), train_size=10)
    assert verdicts(judge, [look(0)] * 3) == ["complete", "complete", "silent"]
    assert verdicts(judge_of(rules(), train_size=13), [look(0)] * 3) == ["complete"] * 3


def test_no_verdict_in_the_warmup_but_its_run_counts():
    judge = judge_of(rules(warmup_epochs=1))
    assert set(verdicts(judge, [look(0)] * 4, epoch=0)) == {"complete"}
    judge.start_epoch()
    assert verdicts(judge, [look(0)] * 3, epoch=1) == ["complete", "complete", "silent"]


def test_without_a_run_the_share_alone_decides():
    assert verdicts(judge_of(rules(quiet_steps=0)), [look(0, ALIVE)] * 3) == [
        "complete",
        "complete",
        "silent",
    ]


def test_rules_without_gradients_are_judged_by_the_run():
    assert verdicts(judge_of(rules()), [look(0, ())] * 3)[-1] == "silent"


def test_a_stop_has_the_graded_constraint_of_the_moment():
    judge = judge_of(rules())
    verdicts(judge, [look(0)] * 3)
    # the verdict falls at the fifth silent sample of eight, none spiked: 1 - 0/8 - beta_silent
    assert judge.watch.seen == 5
    assert judge.constraint() == pytest.approx(0.5)


@pytest.mark.parametrize(("spikes", "ends"), [(20, True), (18, False)])
def test_a_layer_that_fires_everywhere_ends_it(spikes, ends):
    found = verdicts(judge_of(rules(), train_size=100), [look(spikes, ALIVE)] * 3)
    assert found[-1] == ("exploding" if ends else "complete")


@pytest.mark.parametrize("broken", [look(3, loss=math.nan), look(3, (1.0, math.inf))])
def test_numbers_that_are_not_finite_end_it_at_once_even_in_the_warmup(broken):
    assert judge_of(rules(warmup_epochs=5)).step(broken, 0) == "not_finite"


def audited_seed(rule):
    return next(seed for seed in range(200) if judge_of(rule, seed=seed).audited)


@pytest.mark.parametrize(("later", "recovered"), [(4, True), (0, False)])
def test_an_audited_training_runs_on_and_tells_what_became_of_it(later, recovered):
    rule = rules(audit_share=0.3)
    judge = judge_of(rule, seed=audited_seed(rule))
    assert set(verdicts(judge, [look(0)] * 4)) == {"complete"}
    judge.start_epoch()
    assert set(verdicts(judge, [look(later)] * 4, epoch=1)) == {"complete"}
    audit = judge.audit()
    assert audit is not None
    assert (audit.condemned_at, audit.recovered) == (6, recovered)


def test_nobody_condemned_is_no_audit():
    rule = rules(audit_share=1.0)
    judge = judge_of(rule)
    verdicts(judge, [look(3)] * 4)
    assert judge.audited
    assert judge.audit() is None


def test_the_audit_takes_about_its_share():
    rule = rules(audit_share=0.1)
    assert 60 <= sum(judge_of(rule, seed=seed).audited for seed in range(1000)) <= 140


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from([DEAD, ALIVE])), max_size=30), st.integers(1, 5))
def test_never_condemned_without_a_run_of_dead_silent_steps(steps, run):
    judge = judge_of(rules(quiet_steps=run), train_size=2 * max(1, len(steps)))
    for index, (spikes, gradients) in enumerate(steps):
        if judge.step(look(spikes, gradients), 0) == "silent":
            last = steps[index - run + 1 : index + 1]
            assert len(last) == run
            assert all(spikes == 0 and gradients == DEAD for spikes, gradients in last)
            return
