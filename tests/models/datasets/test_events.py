import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.datasets.events import join
from spikefront.errors import DataError

WIDTH, DURATION = 11, 1000

samples = st.lists(
    st.lists(st.tuples(st.integers(0, DURATION - 1), st.integers(0, WIDTH - 1)), max_size=30),
    min_size=1,
    max_size=6,
)


def events_of(samples):
    pairs = [np.array(sample, dtype=np.int64).reshape(-1, 2).T for sample in samples]
    return join([(time, address) for time, address in pairs], WIDTH, DURATION)


def spikes_by_hand(samples, time_steps):
    spikes = np.zeros((time_steps, len(samples), WIDTH), np.uint8)
    for row, sample in enumerate(samples):
        for time, address in sample:
            spikes[time * time_steps // DURATION, row, address] = 1
    return spikes


@settings(max_examples=60, deadline=None)
@given(samples=samples, time_steps=st.integers(1, 40))
def test_any_event_in_a_bin_is_a_spike(samples, time_steps):
    packed = events_of(samples).packed(time_steps)
    assert np.array_equal(np.unpackbits(packed, axis=-1, count=WIDTH), spikes_by_hand(samples, time_steps))


@settings(max_examples=40, deadline=None)
@given(samples=samples, data=st.data())
def test_rows_take_their_events_along(samples, data):
    rows = data.draw(st.lists(st.integers(0, len(samples) - 1), max_size=8))
    taken = events_of(samples)[np.array(rows, dtype=np.int64)]
    assert len(taken) == len(rows)
    assert np.array_equal(taken.packed(7), events_of(samples).packed(7)[:, rows])


def test_many_samples_are_binned_block_by_block():
    width, count, time_steps = 4096, 100, 64  # 16 MiB hold 64 samples, so there are two blocks
    rng = np.random.default_rng(0)
    pairs = [(rng.integers(0, 10_000, 50), rng.integers(0, width, 50)) for _ in range(count)]
    whole = join(pairs, width, 10_000).packed(time_steps)
    for row in (0, 63, 64, 99):
        alone = join([pairs[row]], width, 10_000).packed(time_steps)
        assert np.array_equal(whole[:, row], alone[:, 0])


def test_events_behind_the_duration_are_left_out():
    events = join([(np.array([0, 999, 1000]), np.array([1, 2, 3]))], WIDTH, DURATION)
    assert events.address.tolist() == [1, 2]
    assert events.time_us.dtype == np.uint32
    assert events.address.dtype == np.uint16


@pytest.mark.parametrize(("time", "address"), [(-1, 0), (0, -1), (0, WIDTH)])
def test_events_outside_are_refused(time, address):
    with pytest.raises(DataError, match=r"sample 0 has events from .* check its file"):
        join([(np.array([time]), np.array([address]))], WIDTH, DURATION)
