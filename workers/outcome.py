"""What a trial is asked, and what it answers: plain records that cross process borders."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

TrialState = Literal["complete", "silent", "pruned", "failed"]


@dataclass(frozen=True)
class TrialRequest:
    """One trial to evaluate.

    Attributes:
        number: the trial's number in its campaign.
        seed: seeds weights and dropout, and with plasticity the order of the samples.
        config: searched and fixed parameters together.
        designs: accelerator parameter -> values; their product is priced on the trained network.
        data: ``[data]`` of the campaign file as plain values.
        silence: ``[silence]`` likewise.
        split_seed: seeds the train/validation/test split, the encodings, and the order and noise of training
            samples: one for the whole campaign, so that several trials can be trained in one program.
        data_root: folder of the data sets, or None for sets that come with a library.
        energy_model: name of the coefficient table.
        device: name of the FPGA to fit, or None.
        threads: CPU threads to use.
        train_on: "cpu" or "cuda"; learning by plasticity stays on the CPU.
    """

    number: int
    seed: int
    config: Mapping[str, Any]
    designs: Mapping[str, list[Any]]
    data: Mapping[str, Any]
    silence: Mapping[str, Any]
    split_seed: int
    data_root: str | None
    energy_model: str
    device: str | None = None
    threads: int = 1
    train_on: Literal["cpu", "cuda"] = "cpu"


@dataclass(frozen=True)
class DesignOutcome:
    """The trained network on one accelerator configuration."""

    config: dict[str, Any]
    measures: dict[str, float]
    details: dict[str, Any]


@dataclass(frozen=True)
class TrialOutcome:
    """How one trial ended.

    Attributes:
        state: "silent" is an outcome, not an error; "pruned" was stopped from outside; "failed" carries a
            reason and a traceback.
        metrics: accuracies and losses, per epoch where they are curves.
        constraints: graded, feasible where <= 0 (design of arXiv 2403.00450's follow-up).
        spikes_per_layer: mean spikes per inference, inputs first, output layer last.
        timings: seconds by phase.
        versions: of the libraries that decide the result.
        out_of_memory: a GPU that the trial may have shared had too little memory for it.
        artifact: the trained network and a few samples as one ``.npz``, None unless complete.
    """

    state: TrialState
    reason: str | None = None
    traceback: str | None = None
    metrics: dict[str, Any] = field(default_factory=dict)
    constraints: dict[str, float] = field(default_factory=dict)
    spikes_per_layer: list[float] = field(default_factory=list)
    timings: dict[str, float] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    designs: tuple[DesignOutcome, ...] = ()
    out_of_memory: bool = False
    artifact: bytes | None = None


def failed(reason: str, traceback: str | None = None) -> TrialOutcome:
    """A failure with its reason."""
    return TrialOutcome(state="failed", reason=reason, traceback=traceback)
