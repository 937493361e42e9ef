"""pause, cancel and extend as a user meets them: another process drives, on Ray."""

import json
import os
import subprocess
import sys

from tests.hpo.test_cli import ROOT, TINY, _heavy_imports, spikefront
from tests.hpo.toy import open_toy


def test_a_campaign_on_ray_is_paused_extended_and_cancelled(tmp_path):
    home, file = tmp_path / "home", tmp_path / "long.toml"
    file.write_text(TINY.replace("trials = 6", "trials = 60").replace("epochs = 3", "epochs = 400"))
    command = [sys.executable, "-m", "hpo", "run", str(file), "--home", str(home)]
    driver = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=dict(os.environ))
    try:
        store = None
        while store is None or not store.counts("tiny")["running"]:
            store = open_toy(home, name="other").store
            store = store if len(store.campaigns()) == 2 else None
        said = spikefront("pause", "tiny", "--now", home=home).stdout
        assert said.startswith("asked the driver ")
        out, _ = driver.communicate(timeout=120)
    finally:
        driver.kill()
        driver.communicate()
    assert driver.returncode == 0
    assert "spikefront resume tiny" in out
    found = json.loads(spikefront("status", "tiny", "--json", home=home).stdout)
    assert (found["state"], found["request"], found["counts"]["running"]) == ("paused", None, 0)
    assert _heavy_imports(["extend", "tiny", "--trials", "5"], home) == []
    assert json.loads(spikefront("status", "tiny", "--json", home=home).stdout)["trials_total"] == 65
    assert spikefront("cancel", "tiny", home=home).stdout == "campaign tiny is cancelled\n"
    refused = spikefront("resume", "tiny", home=home, check=False)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "cancelled for good" in refused.stderr
