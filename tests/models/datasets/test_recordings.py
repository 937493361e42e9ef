import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.datasets.options import Options
from models.datasets.recordings import Recording, Sensor, denoised, part_of

ROWS, COLUMNS = 5, 7


def recording_of(events, polarity=True):
    """Events are (time, row, column, polarity)."""
    fields = np.array(sorted(events), dtype=np.int64).reshape(-1, 4)
    sites = fields[:, 1] * COLUMNS + fields[:, 2]
    return Recording(fields[:, 0], sites, fields[:, 3] if polarity else None, 3)


def spikes_of(recording, options, time_steps=4, polarity=True):
    part = part_of([recording], Sensor((ROWS, COLUMNS), polarity), options, 1000)
    shape = Sensor((ROWS, COLUMNS), polarity).shape(options)
    bits = np.unpackbits(part.inputs.packed(time_steps), axis=-1, count=int(np.prod(shape)))
    return bits.reshape(time_steps, *shape)


events = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, ROWS - 1), st.integers(0, COLUMNS - 1), st.integers(0, 1)),
    max_size=40,
)


@settings(max_examples=100, deadline=None)
@given(events=events, window=st.integers(1, 30))
def test_denoising_keeps_what_a_neighbour_supports(events, window):
    def supported(event):
        time, row, column, _ = event
        return any(
            0 <= time - t <= window and max(abs(row - r), abs(column - c)) == 1 for t, r, c, _ in events
        )

    kept = denoised(recording_of(events), Sensor((ROWS, COLUMNS), True), window)
    expected = recording_of([event for event in events if supported(event)])
    assert np.array_equal(kept.time_us, expected.time_us)
    assert np.array_equal(kept.site, expected.site)
    assert np.array_equal(kept.polarity, expected.polarity)


def test_denoising_channels_looks_at_the_two_beside():
    recording = Recording(np.array([0, 5, 6, 50]), np.array([3, 4, 9, 5]), None, 0)
    kept = denoised(recording, Sensor((20,), False), 10)
    assert kept.site.tolist() == [4]  # 5 is beside 4, but 45 us later


def test_polarities_have_inputs_of_their_own():
    spikes = spikes_of(recording_of([(0, 1, 2, 0), (300, 1, 2, 1)]), Options())
    assert np.argwhere(spikes).tolist() == [[0, 0, 1, 2], [1, 1, 1, 2]]


def test_merged_polarities_share_one():
    spikes = spikes_of(recording_of([(0, 1, 2, 0), (300, 1, 2, 1)]), Options(polarity="merge"))
    assert np.argwhere(spikes).tolist() == [[0, 1, 2], [1, 1, 2]]


def test_a_sensor_without_polarity_has_one_input_a_pixel():
    recording = recording_of([(0, 4, 6, 1)], polarity=False)
    assert np.argwhere(spikes_of(recording, Options(), polarity=False)).tolist() == [[0, 4, 6]]


@pytest.mark.parametrize("factor", [2, 3])
def test_downsampling_joins_squares_of_pixels(factor):
    everywhere = [(t, row, column, 1) for t, row, column in np.ndindex(2, ROWS, COLUMNS)]
    spikes = spikes_of(recording_of(everywhere), Options(downsample=factor))
    assert spikes.shape[1:] == (2, -(-ROWS // factor), -(-COLUMNS // factor))
    assert spikes[0, 1].all()
    assert not spikes[0, 0].any()
    corner = spikes_of(recording_of([(0, 4, 6, 1)]), Options(downsample=factor))
    assert np.argwhere(corner).tolist() == [[0, 1, 4 // factor, 6 // factor]]


def test_labels_and_order_are_kept():
    sensor = Sensor((4,), False)
    recordings = [Recording(np.array([10 * label]), np.array([label]), None, label) for label in (2, 0, 3)]
    part = part_of(recordings, sensor, Options(), 1000)
    assert part.labels.tolist() == [2, 0, 3]
    assert part.inputs.address.tolist() == [2, 0, 3]
