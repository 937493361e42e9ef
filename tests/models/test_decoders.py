import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.decoders import Responses, fit, predict
from models.stdp import DECODERS
from spikefront.errors import SpecError


def raster(*samples, neurons=4, steps=6):
    """Spikes (T, B, N) from the neurons that fire at each step, per sample."""
    spikes = torch.zeros(steps, len(samples), neurons)
    for sample, firing in enumerate(samples):
        for step, fired in enumerate(firing):
            spikes[step, sample, list(fired)] = 1
    return spikes


def responses(*samples, **shape):
    return Responses.of(raster(*samples, **shape))


def classes_of(*values):
    return np.array(values, dtype=np.int64)


class TestResponses:
    def test_spikes_are_in_order_of_step_and_then_number(self):
        seen = responses([{2, 0}, {}, {1}], [], [{}, {3}])
        assert seen.sample.tolist() == [0, 0, 0, 2]
        assert seen.neuron.tolist() == [0, 2, 1, 3]
        assert seen.counts.tolist() == [[1, 1, 1, 0], [0, 0, 0, 0], [0, 0, 0, 1]]

    def test_parts_are_joined_one_behind_the_other(self):
        parts = responses([{0}], []), responses([{1}, {1}]), responses([], [{3}])
        whole = responses([{0}], [], [{1}, {1}], [], [{3}])
        joined = Responses.joined(parts)
        assert joined.samples == whole.samples == 5
        assert np.array_equal(joined.sample, whole.sample)
        assert np.array_equal(joined.neuron, whole.neuron)

    def test_runs_stay_within_a_sample(self):
        sample, code = responses([{0}, {1}, {2}], [{3}, {3}]).runs(2)
        assert sample.tolist() == [0, 0, 1]
        assert code.tolist() == [0 * 4 + 1, 1 * 4 + 2, 3 * 4 + 3]
        assert responses([{0}, {1}]).runs(3)[0].size == 0

    @settings(max_examples=50, deadline=None)
    @given(st.lists(st.lists(st.integers(0, 4), max_size=7), min_size=1, max_size=5), st.integers(2, 3))
    def test_runs_are_those_of_a_sliding_window(self, samples, length):
        seen = responses(*([{n} for n in firing] for firing in samples), neurons=5, steps=7)
        expected = [
            (row, tuple(firing[i : i + length]))
            for row, firing in enumerate(samples)
            for i in range(len(firing) - length + 1)
        ]
        sample, code = seen.runs(length)
        digits = [tuple(c // 5 ** (length - 1 - place) % 5 for place in range(length)) for c in code.tolist()]
        assert list(zip(sample.tolist(), digits, strict=True)) == expected


class TestAllActivity:
    def test_neurons_belong_to_the_class_they_answer_most(self):
        # class 1 has two samples, so that means and sums disagree about neuron 1
        seen = responses([{0}, {1}, {1}], [{1}, {2}], [{1}, {2}, {1}])
        decoder = fit("all", seen, classes_of(0, 1, 1), 3)
        assert decoder.votes.tolist() == [[0.5, 0.5, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
        assert decoder.top == 1.5

    def test_a_class_scores_the_mean_of_its_neurons(self):
        decoder = fit("all", responses([{0}, {1}], [{2}]), classes_of(0, 1), 2)
        asked = responses([{0}, {1}, {2}], [{0}, {2}, {2}, {0}], [{0}, {0}, {0}, {2}])
        assert decoder.scores(asked).tolist() == [[1.0, 1.0], [1.0, 2.0], [1.5, 1.0]]
        assert predict(decoder, asked).tolist() == [0, 1, 0]

    def test_a_neuron_that_answers_two_classes_alike_belongs_to_the_lower(self):
        decoder = fit("all", responses([{0}], [{0}]), classes_of(0, 1), 2)
        assert decoder.votes[:, 0].tolist() == [1.0, 0.0]


class TestVote:
    def test_spikes_vote_in_proportion_to_mean_responses(self):
        seen = responses([{0}, {0}, {0}], [{0}], [{0}, {1}])
        decoder = fit("vote", seen, classes_of(0, 1, 1), 2)
        np.testing.assert_allclose(decoder.votes, [[0.75, 0, 0, 0], [0.25, 1, 0, 0]])
        asked = responses([{0}, {1}], [{0}, {0}, {1}], [{0}])
        np.testing.assert_allclose(decoder.scores(asked), [[0.75, 1.25], [1.5, 1.5], [0.75, 0.25]])
        assert predict(decoder, asked).tolist() == [1, 0, 0]


class TestRuns:
    @pytest.mark.parametrize(("name", "length"), [("2gram", 2), ("3gram", 3)])
    def test_the_order_alone_tells_classes_apart(self, name, length):
        forward, backward = [{0}, {1}, {2}, {3}], [{3}, {2}, {1}, {0}]
        decoder = fit(name, responses(forward, backward), classes_of(0, 1), 2)
        asked = responses(backward, forward, [{0}, {}, {1}, {}, {2}])
        runs = 5 - length
        assert decoder.scores(asked)[:2].tolist() == [[0, runs], [runs, 0]]
        assert predict(decoder, asked).tolist() == [1, 0, 0]

    def test_runs_vote_with_their_mean_number(self):
        seen = responses([{0}, {1}, {0}, {1}], [{0}, {1}], [{1}, {0}])
        decoder = fit("2gram", seen, classes_of(0, 1, 1), 2)
        table = dict(zip(decoder.codes.tolist(), decoder.votes.tolist(), strict=True))
        assert table == {0 * 4 + 1: [2.0, 0.5], 1 * 4 + 0: [1.0, 0.5]}

    def test_unknown_runs_vote_for_nothing(self):
        decoder = fit("2gram", responses([], [{0}, {1}]), classes_of(0, 1), 2)
        asked = responses([{2}, {3}], [{1}, {0}], [{0}, {1}])
        assert decoder.scores(asked).tolist() == [[0, 0], [0, 0], [0, 1]]

    def test_too_many_neurons_are_refused(self):
        none = np.zeros(0, np.int64)
        with pytest.raises(SpecError, match="too many to number; use fewer neurons"):
            fit("3gram", Responses(3_000_000, 1, none, none), classes_of(0), 2)


@pytest.mark.parametrize("name", DECODERS)
def test_who_never_fired_votes_for_nothing_and_ties_go_to_the_lowest_class(name):
    decoder = fit(name, responses([{0}] * 5, [{1}] * 5), classes_of(1, 2), 3)
    asked = responses([{3}, {3}, {3}], [], [{0}, {0}, {0}, {3}], [{1}, {1}, {1}])
    scores = decoder.scores(asked)
    assert not scores[:2].any()
    assert scores[2, 1] > 0
    assert predict(decoder, asked).tolist() == [0, 0, 1, 2]


@pytest.mark.parametrize("name", DECODERS)
def test_tells_classes_apart_by_who_fires(name):
    chance = np.random.default_rng(0)

    def draw(labels):
        rates = np.where(np.arange(12) // 4 == labels[:, None], 0.3, 0.1)
        return Responses.of(torch.from_numpy(chance.random((50, len(labels), 12)) < rates))

    labels = classes_of(*(np.arange(300) % 3))
    decoder = fit(name, draw(labels), labels, 3)
    assert (predict(decoder, draw(labels)) == labels).mean() > 0.9


def test_labels_and_samples_must_match():
    with pytest.raises(SpecError, match="2 labels came with 1 samples"):
        fit("all", responses([{0}]), classes_of(0, 1), 2)
