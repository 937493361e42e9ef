"""Progress records: what a listener gets, what is written down, and what a stopped trial leaves."""

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.records import EpochReport
from workers.board import Board, exchanging
from workers.guard import guarded
from workers.progress import CURVE_POINTS, Reporter, TrialStoppedError, progress_of


def reports(count):
    return tuple(
        EpochReport(k + 1, 1.0 / (k + 1), 0.4, 0.001 * k, (30.0, float(k)), (0.3, 0.1), -0.2, 0.01, 2.0)
        for k in range(count)
    )


@given(st.integers(1, 1000))
def test_what_is_written_down_is_bounded_and_ends_with_the_newest(count):
    noted = progress_of(reports(count)).as_dict()
    curve = noted["curve"]
    assert noted["epoch"] == count == curve["epoch"][-1]
    assert noted["seconds"] == 2.0 * count
    assert len(curve["epoch"]) == len(curve["loss"]) <= CURVE_POINTS
    assert len(curve["epoch"]) >= min(count, CURVE_POINTS / 2)
    assert curve["validation_accuracy"] == [0.001 * (epoch - 1) for epoch in curve["epoch"]]


def test_progress_is_taken_once():
    reporter = Reporter()
    assert reporter.take() is None
    for report in reports(2):
        reporter(report)
    assert reporter.take().epoch == 2
    assert reporter.take() is None


def test_a_report_ends_a_trial_that_shall_stop():
    reporter = Reporter()
    reporter.stop("enough")
    with pytest.raises(TrialStoppedError, match="enough"):
        reporter(reports(1)[0])
    outcome = guarded(lambda _request, _report: pytest.fail("it started"), None, reporter=reporter)
    assert (outcome.state, outcome.reason) == ("pruned", "enough")
    assert outcome.metrics["loss"] == [1.0]


def test_a_board_that_is_away_costs_no_trial():
    reporter, calls = Reporter(), []

    def exchange(_key, progress):
        calls.append(progress)
        if len(calls) < 3:
            raise ConnectionError("the board is away")
        return "now" if len(calls) == 6 else None

    with pytest.raises(TrialStoppedError, match="now"), exchanging({1: reporter}, exchange, 0.01):
        time.sleep(60)
    time.sleep(0.05)
    assert len(calls) == 6


def test_a_trial_in_another_thread_ends_at_its_next_report():
    reporter, outcomes = Reporter(), []

    def evaluate(_request, report):
        with exchanging({1: reporter}, lambda _key, _progress: "now", 0.01):
            for each in reports(500):
                time.sleep(0.01)
                report(each)

    thread = threading.Thread(target=lambda: outcomes.append(guarded(evaluate, None, reporter=reporter)))
    thread.start()
    thread.join(20)
    assert outcomes[0].state == "pruned"


def test_of_several_trials_the_one_that_shall_end_does():
    reporters = {key: Reporter() for key in (1, 2)}
    with exchanging(reporters, lambda key, _progress: "now" if key == 2 else None, 0.01):
        time.sleep(0.2)
        reporters[1](reports(1)[0])
        with pytest.raises(TrialStoppedError, match="now"):
            reporters[2](reports(1)[0])


def test_a_board_forgets_runs_that_ended():
    board = Board()
    assert board.exchange(1, progress_of(reports(1))) is None
    board.stop(1, "enough")
    assert board.exchange(1, None) == "enough"
    board.forget(1)
    assert board.exchange(1, None) is None
    assert board.take() == {}
