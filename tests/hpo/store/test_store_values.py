"""What is written comes back, on every database, or is refused by name; and the history tells of it."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_samples import FULL, add

from hpo.store import (
    Store,
    TrialResult,
    open_store,
)
from spikefront.errors import ConflictError, InputError


def test_history_tells_every_change_in_order(digits: Store) -> None:
    digits.set_campaign_state("digits", "running")
    add(digits)
    add(digits)
    digits.start_trial("digits", 0)
    digits.requeue_running("digits")
    digits.finish_trial("digits", 0, FULL)
    digits.cancel_queued("digits")
    digits.set_campaign_state("digits", "finished")
    history = digits.events("digits")
    assert [(event.kind, event.trial) for event in history] == [
        ("campaign_created", None),
        ("campaign_state", None),
        ("trial_queued", 0),
        ("trial_queued", 1),
        ("trial_started", 0),
        ("trial_requeued", 0),
        ("trial_finished", 0),
        ("trial_cancelled", 1),
        ("campaign_state", None),
    ]
    assert history[-1].detail == {"from": "running", "to": "finished"}
    assert history[6].detail == {"state": "complete", "reason": "trained to the end", "designs": 2}
    assert [event.at for event in history] == sorted(event.at for event in history)


def test_a_second_handle_sees_what_the_first_wrote(digits: Store, store_url: str) -> None:
    add(digits)
    second = open_store(store_url)
    second.start_trial("digits", 0)
    assert digits.trial("digits", 0).state == "running"
    digits.finish_trial("digits", 0, FULL)
    with pytest.raises(ConflictError):
        second.finish_trial("digits", 0, FULL)
    second.close()


def test_numpy_values_are_stored_as_plain_numbers(digits: Store) -> None:
    seed: Any = np.int64(1)
    digits.add_trial("digits", {"n": np.int64(3), "b": np.float32(0.5), "on": np.bool_(True)}, seed, {})
    spikes: Any = np.ones(2)
    result = TrialResult("complete", metrics={"curve": np.array([0.5, 0.25])}, spikes_per_layer=spikes)
    digits.finish_trial("digits", 0, result)
    trial = digits.trial("digits", 0)
    assert json.dumps(trial.config) == '{"n": 3, "b": 0.5, "on": true}'
    assert (trial.metrics, trial.spikes_per_layer) == ({"curve": [0.5, 0.25]}, [1.0, 1.0])


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), {1: 2}, {3}, object(), np.float64("-inf"), b"x"])
def test_what_json_cannot_say_is_refused_by_name(digits: Store, bad: Any) -> None:
    with pytest.raises(InputError, match=r"config\.deep\[1\]"):
        digits.add_trial("digits", {"deep": [0, bad]}, 1, {})
    assert digits.trials("digits") == []


def test_text_that_a_database_cannot_hold_is_escaped(digits: Store) -> None:
    add(digits)
    result = TrialResult("failed", reason="a\0b", traceback="lone \ud800", metrics={"k\0": "v\udfff"})
    digits.finish_trial("digits", 0, result)
    trial = digits.trial("digits", 0)
    assert (trial.reason, trial.traceback) == ("a\\x00b", "lone \\ud800")
    assert trial.metrics == {"k\\x00": "v\\udfff"}


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(config=st.dictionaries(TEXT, VALUES, max_size=4))
def test_any_json_survives_with_the_order_of_its_keys(digits: Store, config: dict[str, Any]) -> None:
    number = digits.add_trial("digits", config, 1, {}).number
    assert json.dumps(digits.trial("digits", number).config) == json.dumps(config)
