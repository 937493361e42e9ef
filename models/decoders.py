"""From the spikes of neurons that learnt without labels to classes.

Training responses tell what each neuron, or each n-gram of neurons, stands for; predictions then need no
labels. With r[c, i] the mean number of spikes of neuron i on the training samples of class c:

* ``all`` (all-activity; Diehl and Cook 2015, Frontiers in Computational Neuroscience 9:99): a neuron belongs
  to the class with the highest r[c, i]; a class scores the mean spikes of its neurons.
* ``vote``: every spike of neuron i votes for class c with weight r[c, i] / sum over classes of r[., i]; its
  proportions are those of Hazan et al. (BindsNET, Frontiers in Neuroinformatics 12:89, 2018), without their
  split by assigned class.
* ``2gram``, ``3gram`` (Hazan et al. 2018): neurons in the order in which they fire, the lowest first within a
  step, give overlapping runs of n neurons; every run votes for class c with its mean number on the training
  samples of c.

Neurons and runs that the training responses did not have vote for nothing. The lowest class wins a tie.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.stdp import DecoderName
from spikefront.errors import SpecError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Responses:
    """The spikes of some samples, in the order in which they came.

    Attributes:
        neurons: neurons in the layer (N).
        samples: samples (S), silent ones included.
        sample: sample of each spike, ascending, int64 (K,).
        neuron: neuron of each spike, by time step and then number within a sample, int64 (K,).
    """

    neurons: int
    samples: int
    sample: IntArray
    neuron: IntArray

    @classmethod
    def of(cls, spikes: Tensor) -> "Responses":
        """Those of spikes (T, B, N)."""
        sample, _, neuron = torch.nonzero(spikes.transpose(0, 1), as_tuple=True)
        return cls(spikes.shape[2], spikes.shape[1], sample.numpy(force=True), neuron.numpy(force=True))

    @classmethod
    def joined(cls, parts: Sequence["Responses"]) -> "Responses":
        """Those of several batches, one behind the other."""
        starts = np.cumsum([0, *(part.samples for part in parts)])
        sample = [part.sample + start for part, start in zip(parts, starts[:-1], strict=True)]
        neuron = [part.neuron for part in parts]
        return cls(parts[0].neurons, int(starts[-1]), np.concatenate(sample), np.concatenate(neuron))

    @property
    def counts(self) -> IntArray:
        """Spikes of every neuron on every sample, int64 (S, N)."""
        cells = np.bincount(self.sample * self.neurons + self.neuron, minlength=self.samples * self.neurons)
        return cells.astype(np.int64).reshape(self.samples, self.neurons)

    def runs(self, length: int) -> tuple[IntArray, IntArray]:
        """Every ``length`` spikes in a row of a sample: their sample (R,) and a number for the run (R,)."""
        last = len(self.sample) - length + 1
        if last < 1:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        code = np.zeros(last, np.int64)
        for place in range(length):
            code = code * self.neurons + self.neuron[place : place + last]
        whole = self.sample[:last] == self.sample[length - 1 :]
        return self.sample[:last][whole], code[whole]


@dataclass(frozen=True, eq=False)
class SpikeDecoder:
    """Every spike of a neuron has a weight for every class.

    Attributes:
        votes: float64 (C, N).
        top: highest score that a training response has for any class.
    """

    votes: FloatArray
    top: float

    def scores(self, responses: Responses) -> FloatArray:
        """Evidence for every class (S, C)."""
        return responses.counts @ self.votes.T


@dataclass(frozen=True, eq=False)
class RunDecoder:
    """Every run of neurons that fire one behind the other has a weight for every class.

    Attributes:
        length: neurons in a run.
        codes: numbers of the runs known, ascending, int64 (R,).
        votes: float64 (R, C).
    """

    length: int
    codes: IntArray
    votes: FloatArray

    def scores(self, responses: Responses) -> FloatArray:
        """Evidence for every class (S, C)."""
        sample, code = responses.runs(self.length)
        place = np.searchsorted(self.codes, code)
        known = place < len(self.codes)
        known[known] = self.codes[place[known]] == code[known]
        scores = np.zeros((responses.samples, self.votes.shape[1]))
        np.add.at(scores, sample[known], self.votes[place[known]])
        return scores


Decoder = SpikeDecoder | RunDecoder


def fit(name: DecoderName, responses: Responses, labels: IntArray, classes: int) -> Decoder:
    """Find out what neurons stand for.

    Args:
        name: of the decoder.
        responses: of S training samples.
        labels: their classes, int64 (S,).
        classes: that are told apart (C); one without samples is never voted for.

    Raises:
        SpecError: there are not as many labels as samples, or too many neurons to number their runs.
    """
    if len(labels) != responses.samples:
        raise SpecError(f"{len(labels)} labels came with {responses.samples} samples; give one per sample")
    if name in {"2gram", "3gram"}:
        return _fit_runs(int(name[0]), responses, labels, classes)
    samples = np.bincount(labels, minlength=classes)
    means = _by_class(responses.counts, labels, classes) / np.maximum(samples, 1)[:, None]
    votes = _all_activity(means) if name == "all" else _proportions(means)
    return SpikeDecoder(votes, float((responses.counts @ votes.T).max(initial=0.0)))


def predict(decoder: Decoder, responses: Responses) -> IntArray:
    """Class with the most evidence per sample, int64 (S,): the lowest on ties, and without any evidence."""
    classes: IntArray = decoder.scores(responses).argmax(axis=1)
    return classes


def _all_activity(means: FloatArray) -> FloatArray:
    """One over the neurons of the class at every neuron that belongs to it, (C, N)."""
    owned = (np.arange(len(means))[:, None] == means.argmax(axis=0)) & means.any(axis=0)
    shares: FloatArray = owned / np.maximum(owned.sum(axis=1, keepdims=True), 1)
    return shares


def _proportions(means: FloatArray) -> FloatArray:
    total = means.sum(axis=0)
    shares: FloatArray = np.divide(means, total, out=np.zeros_like(means), where=total > 0)
    return shares


def _fit_runs(length: int, responses: Responses, labels: IntArray, classes: int) -> RunDecoder:
    if responses.neurons**length > np.iinfo(np.int64).max:
        raise SpecError(
            f"runs of {length} among {responses.neurons} neurons are too many to number; use fewer neurons"
        )
    sample, code = responses.runs(length)
    codes, place = np.unique(code, return_inverse=True)
    cells = np.bincount(place * classes + labels[sample], minlength=len(codes) * classes)
    samples = np.maximum(np.bincount(labels, minlength=classes), 1)
    return RunDecoder(length, codes, cells.reshape(len(codes), classes) / samples)


def _by_class(counts: IntArray, labels: IntArray, classes: int) -> FloatArray:
    """Sums of rows (S, N) by class (C, N)."""
    sums = np.zeros((classes, counts.shape[1]))
    np.add.at(sums, labels, counts)
    return sums
