"""The pages in a real browser: they draw, they count, and nothing breaks their security policy."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from hpo.store import Store

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")


def dump(url: str, profile: Path) -> tuple[str, list[str]]:
    """The page's document after its scripts ran, and what they wrote to the console."""
    command = [
        str(CHROMIUM),
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-dev-shm-usage",
        f"--user-data-dir={profile}",
        "--enable-logging=stderr",
        "--window-size=1200,1400",
        "--virtual-time-budget=6000",
        "--dump-dom",
        url,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def test_the_campaign_page_draws_its_front(live: int, tmp_path: Path) -> None:
    page, console = dump(f"http://127.0.0.1:{live}/campaigns/digits", tmp_path)
    assert console == []
    assert 'id="trouble" class="warning" role="status" hidden' in page
    assert len(re.findall(r'<path class="point"', page)) == 12, "six of the front and six dominated"
    for words in ("latency (µs, log scale)", "accuracy on the validation split (%)", "energy (µJ)"):
        assert words in page
    text = re.sub(r"<[^>]+>", "|", page)
    for words in ("6 complete", "2 silent", "1 failed", "1 running", "9 of 12", "95.00 %", "5-0", "2 of 10",
                  "81.25", "31.5 / 2.0", "12.5 / 6.3"):  # fmt: skip
        assert words in text
    rows = re.findall(r'<tr><th scope="row">([\d-]+)</th>', page)
    assert rows == ["9", "5-0", "4-0", "3-0", "2-0", "1-0", "0-0"]


def test_the_index_page_loads_cleanly(live: int, tmp_path: Path) -> None:
    page, console = dump(f"http://127.0.0.1:{live}/", tmp_path)
    assert console == []
    assert 'href="/campaigns/digits"' in page


@pytest.mark.parametrize(
    ("what", "state", "left"),
    [("pause", "paused", {"resume", "cancel", "extend"}), ("cancel", "cancelled", set())],
)
def test_a_button_does_what_it_says(
    pressing: Callable[[str], int], store: Store, tmp_path: Path, what: str, state: str, left: set[str]
) -> None:
    port = pressing(f"#actions button[value={what}]")
    page, console = dump(f"http://127.0.0.1:{port}/campaigns/digits", tmp_path)
    assert console == []
    assert store.campaign("digits").state == state
    assert f"campaign digits is {state}" in page
    assert set(re.findall(r'<button name="what" value="(\w+)">', page)) == left


def test_extending_takes_the_number_beside_it(
    pressing: Callable[[str], int], store: Store, tmp_path: Path
) -> None:
    port = pressing("#actions button[value=extend]")
    page, _ = dump(f"http://127.0.0.1:{port}/campaigns/digits", tmp_path)
    assert store.campaign("digits").extra_trials == 20
    assert "campaign digits has 32 trials now" in page


def test_the_page_says_why_a_trial_was_tried(pressing: Callable[[str], int], tmp_path: Path) -> None:
    port = pressing("#designs button")
    page, console = dump(f"http://127.0.0.1:{port}/campaigns/digits", tmp_path)
    assert console == []
    assert re.search(r'<pre id="why"[^>]*>trial 5: complete\nproposed by not recorded', page)
