"""The example on the page about pricing from Python runs, and shows what the page says."""

import re
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs" / "pricing.md").read_text()


def test_the_example_prices_faster_designs_with_more_lanes(capsys):
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.S)
    exec(example, {})
    latencies = [float(line.split("] ")[1].split()[0]) for line in capsys.readouterr().out.splitlines()]
    assert len(latencies) == 6
    assert latencies == sorted(latencies, reverse=True)
