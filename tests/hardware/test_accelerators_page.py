"""docs/accelerators.md says of touched rows what was recorded."""

import json
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "accelerators.md").read_text(encoding="utf-8")
RECORD = json.loads((ROOT / "benchmarks" / "hardware" / "rows.json").read_text(encoding="utf-8"))


def test_the_table_of_touched_rows_is_what_was_recorded():
    assert RECORD["passed"]
    assert not RECORD["quick"]
    stated = [line for line in PAGE.splitlines() if " us | " in line]
    assert len(stated) == len(RECORD["rows"])
    for line, row in zip(stated, RECORD["rows"], strict=True):
        ratios = row["cycles ratio"], row["energy ratio"], row["touched LUTs"] / row["dense LUTs"]
        times = f"{row['dense us']:.0f} us | {row['touched us']:.0f} us"
        assert line.endswith(f"| {times} | {' | '.join(f'{100 * (x - 1):+.0f} %' for x in ratios)} |")
        assert ("still" in line) == (row["neurons"] == "holds still")
    shares = [row["accuracy"] for row in RECORD["rows"]]
    assert f"its accuracy is {min(shares):g} to {max(shares):g}" in PAGE
