"""What matters in a campaign whose rules are known."""

import pytest

from hpo.calibration import calibration
from hpo.importance import importance, notes, table
from hpo.report import _predictions, _ranking
from spikefront.errors import InputError
from tests.hpo.toy import open_toy


def test_the_toys_rules_are_found(foretold):
    """Latency is beta's alone; accuracy follows beta first, then the threshold; the reset changes nothing."""
    found = {ranking.measure: ranking for ranking in importance(foretold.store, "toy")}
    assert list(found) == ["accuracy", "latency_us", "silence"]
    assert found["latency_us"].total["beta"] > 0.9
    assert list(found["accuracy"].total)[:2] == ["beta", "threshold"]
    assert all(ranking.total["reset"] < 0.1 for ranking in found.values())
    assert found["latency_us"].explained > 0.7
    assert found["silence"].trials == 40
    assert found["accuracy"].trials == len(foretold.store.trials("toy", states={"complete"}))


def test_the_table_has_a_column_per_measure_and_the_notes_its_trust(foretold):
    rankings = importance(foretold.store, "toy")
    columns, rows = table(rankings)
    assert columns == ["variable", "accuracy", "latency_us", "silence"]
    assert {row[0] for row in rows} == {"beta", "threshold", "reset"}
    assert all("%" in cell for row in rows for cell in row[1:])
    assert len(notes(rankings)) == 4


def test_the_report_has_the_same(foretold):
    ranking = _ranking(foretold.store, "toy")
    assert ranking["columns"][0] == "variable"
    picture = _predictions(calibration(foretold.store, "toy"))
    assert picture.startswith("<svg")
    assert "<metadata" not in picture


def test_too_few_trials_are_refused(tmp_path):
    assert _ranking(open_toy(tmp_path).store, "toy") is None
    with pytest.raises(InputError, match="has 0 trials with feasible designs, too few to say what matters"):
        importance(open_toy(tmp_path).store, "toy")
