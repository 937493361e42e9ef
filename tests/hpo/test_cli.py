"""The command as users meet it: in its own process, from a campaign file to Verilog."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hardware.cost import price_net
from hpo.exporting import stored_design
from hpo.home import Home

ROOT = Path(__file__).parents[2]
TINY = """
name = "tiny"
seed = 2
data = { set = "digits" }
budget = { trials = 6, initial = 4 }
objectives = { accuracy = { reference = 0.1 }, latency_us = { reference = 500.0 } }
silence = { beta_silent = 0.9, warmup_epochs = 1 }
fixed = { epochs = 3, hidden_width = 16, time_steps = 4 }
designs = { lanes = [1, 4] }
[space]
beta = { type = "float", low = 0.5, high = 0.95 }
learning_rate = { type = "float", low = 0.002, high = 0.02, log = true }
weight_bits = { type = "integer", low = 4, high = 8 }
"""


def spikefront(*arguments, home, check=True):
    """Run the command; its completed process."""
    command = [sys.executable, "-m", "hpo", *map(str, arguments)]
    environment = {**os.environ, "SPIKEFRONT_HOME": str(home), "PYTHONWARNINGS": "default"}
    environment.pop("SPIKEFRONT_STORE", None)
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, cwd=ROOT, env=environment, timeout=200
    )
    assert not check or done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def campaign_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("files") / "tiny.toml"
    path.write_text(TINY)
    return path


@pytest.fixture(scope="module")
def home(tmp_path_factory, campaign_file):
    """A home folder with the tiny campaign, run to its end on two Ray workers."""
    folder = tmp_path_factory.mktemp("home")
    done = spikefront("run", campaign_file, home=folder)
    assert "6/6 trials" in done.stdout
    assert "front:" in done.stdout
    return folder


@pytest.mark.parametrize(
    ("arguments", "part"),
    [(["mnist"], "--data FOLDER"), (["digits", "--data", "there"], "no public address")],
)
def test_a_set_that_cannot_be_fetched_is_one_sentence(tmp_path, monkeypatch, arguments, part):
    monkeypatch.delenv("SPIKEFRONT_DATA", raising=False)
    done = spikefront("fetch", *arguments, home=tmp_path, check=False)
    assert done.returncode == 2
    assert part in done.stderr


def test_a_trial_can_be_drawn(home):
    name = json.loads(spikefront("front", "tiny", "--json", home=home).stdout)[0]["name"]
    written = spikefront("show", "tiny", name, "--plot", home=home).stdout.split()[-1]
    assert Path(written).read_bytes().startswith(b"\x89PNG")
    refused = spikefront("show", "tiny", "--plot", home=home, check=False)
    assert refused.returncode == 2
    assert "name it" in refused.stderr


def test_a_run_ends_with_front_picture_and_report(home):
    report = (home / "tiny" / "report.html").read_text()
    assert "test accuracy" in report
    assert "http://" not in report.replace("http://www.w3.org", "").split("<body>")[1]
    assert (home / "tiny" / "front.png").read_bytes().startswith(b"\x89PNG")


def test_a_trial_is_explained_and_predictions_are_held_against_outcomes(home, tmp_path):
    for arguments in (["why", "tiny", "4"], ["calibration", "tiny"], ["narrow", "tiny"]):
        assert _heavy_imports(arguments, home) == []
    found = json.loads(spikefront("why", "tiny", 4, "--json", home=home).stdout)
    assert found["design"] in ("4-0", "4-1", None)
    assert "proposed by " in spikefront("why", "tiny", 4, home=home).stdout
    picture = tmp_path / "c.png"
    said = spikefront("calibration", "tiny", "--json", "--out", picture, home=home)
    assert set(json.loads(said.stdout)["objectives"]) == {"accuracy", "latency_us"}
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "How good the predictions were" in (home / "tiny" / "report.html").read_text()
    refused = spikefront("importance", "tiny", home=home, check=False)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "too few to say what matters" in refused.stderr


def test_running_again_shows_the_front_and_trains_nothing(home, campaign_file):
    done = spikefront("run", campaign_file, home=home)
    assert "finished already" in done.stdout
    assert json.loads(spikefront("status", "tiny", "--json", home=home).stdout)["counts"]["complete"] <= 6


def test_another_specification_under_the_same_name_is_refused(home, tmp_path):
    other = tmp_path / "other.toml"
    other.write_text(TINY.replace("seed = 2", "seed = 3"))
    done = spikefront("run", other, home=home, check=False)
    assert done.returncode == 2
    assert "--name" in done.stderr
    assert done.stderr.count("\n") == 1


def test_front_show_and_list_agree(home):
    designs = json.loads(spikefront("front", "tiny", "--json", home=home).stdout)
    rows = spikefront("front", "tiny", "--csv", home=home).stdout.splitlines()
    assert len(rows) == len(designs) + 1
    best = designs[0]
    shown = spikefront("show", "tiny", best["trial"], home=home).stdout
    assert f"design {best['name']}" in shown
    assert "energy by part, model asic_45nm" in shown
    assert best["test_measures"]["accuracy"] > 0.1
    assert "tiny" in spikefront("list", home=home).stdout


def test_details_add_up(home):
    for design in json.loads(spikefront("front", "tiny", "--json", home=home).stdout):
        measures, details = design["measures"], design["details"]
        assert sum(details["energy_by_part_uj"].values()) == pytest.approx(measures["energy_uj"])
        assert sum(details["energy_by_place_uj"].values()) == pytest.approx(measures["energy_uj"])
        assert details["cycles"] / design["accelerator"]["clock_mhz"] == pytest.approx(measures["latency_us"])


def test_an_exported_design_passes_in_icarus(home, tmp_path):
    name = json.loads(spikefront("front", "tiny", "--json", home=home).stdout)[0]["name"]
    folder = tmp_path / "design"
    spikefront("export", "tiny", name, folder, "--samples", 2, home=home)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest
    if not any(Path(p, "iverilog").exists() for p in os.environ["PATH"].split(os.pathsep)):
        pytest.skip("Icarus Verilog is not installed")
    subprocess.run("iverilog -g2005 -o d.vvp *.v", cwd=folder, shell=True, check=True)
    bench = subprocess.run(["vvp", "d.vvp"], cwd=folder, capture_output=True, text=True, check=True)
    assert "RESULT PASS: 2 samples" in bench.stdout
    again = spikefront("export", "tiny", name, folder, home=home, check=False)
    assert again.returncode == 2


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("status", "nobody"), "nobody"),
        (("show", "tiny", "99"), "99"),
        (("export", "tiny", "99-0", "x"), "99-0"),
        (("export", "tiny", "../0", "x"), "../0"),
        (("export", "tiny", "0-0", "x", "--device", "pynq"), "pynq"),
        (("resume", "nobody"), "nobody"),
        (("front", "nobody"), "nobody"),
        (("run", "missing.toml"), "missing.toml"),
        (("report", "nobody"), "nobody"),
        (("plot", "nobody"), "nobody"),
        (("plot", "tiny", "--out", "front.pdf"), ".png"),
    ],
)
def test_what_is_not_there_is_one_sentence_and_exit_code_2(home, arguments, part):
    done = spikefront(*arguments, home=home, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("spikefront: ")
    assert part in done.stderr
    assert done.stderr.count("\n") == 1


def test_nothing_is_created_for_a_wrong_file(tmp_path):
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(TINY.replace("beta =", "betta ="))
    done = spikefront("run", wrong, home=tmp_path / "home", check=False)
    assert done.returncode == 2
    assert "space.betta" in done.stderr
    assert not (tmp_path / "home").exists()


def test_a_data_set_that_cannot_be_read_creates_no_campaign(tmp_path):
    wrong = tmp_path / "mnist.toml"
    wrong.write_text(TINY.replace('"digits"', '"mnist"'))
    done = spikefront("run", wrong, "--data", tmp_path, home=tmp_path / "home", check=False)
    assert done.returncode == 2
    assert "train-images" in done.stderr
    assert "tiny" not in spikefront("list", home=tmp_path / "home").stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_a_campaign_that_resume_finishes(tmp_path, campaign_file, number):
    home = tmp_path / "home"
    command = [sys.executable, "-m", "hpo", "run", str(campaign_file), "--home", str(home)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, start_new_session=True)
    assert child.stdout is not None
    for line in child.stdout:
        if "1/6 trials" in line:
            break
    child.send_signal(number)
    rest = child.stdout.read()
    assert child.wait(timeout=60) == 130
    child.stdout.close()
    assert "spikefront resume tiny" in rest
    status = json.loads(spikefront("status", "tiny", "--json", home=home).stdout)
    assert status["state"] == "paused"
    assert status["counts"]["running"] == 0
    assert "6/6 trials" in spikefront("resume", "tiny", home=home).stdout
    numbers = json.loads(spikefront("status", "tiny", "--json", home=home).stdout)["counts"]
    assert sum(numbers.values()) == 6


def test_doctor_finds_what_is_needed(home):
    lines = spikefront("doctor", home=home).stdout.splitlines()
    assert any(line.startswith("ok") and "torch" in line for line in lines)
    assert not any(line.startswith("MISSING") for line in lines)


@pytest.mark.parametrize(
    "arguments", [["--help"], ["status", "tiny"], ["front", "tiny"], ["list"], ["validate"]]
)
def test_light_commands_import_no_heavy_library(home, campaign_file, arguments):
    if arguments == ["validate"]:
        arguments = ["validate", str(campaign_file)]
    assert _heavy_imports(arguments, home) == []


def test_export_imports_no_torch(home, tmp_path):
    name = json.loads(spikefront("front", "tiny", "--json", home=home).stdout)[0]["name"]
    arguments = ["export", "tiny", name, str(tmp_path / "design"), "--samples", "1"]
    assert _heavy_imports(arguments, home) == []


def test_a_design_exported_as_nir_costs_what_it_cost(home, tmp_path):
    """Priced again from the file, on samples that its trial kept: every count is the stored network's."""
    design = json.loads(spikefront("front", "tiny", "--json", home=home).stdout)[0]
    model = tmp_path / "net.nir"
    assert _heavy_imports(["export", "tiny", design["name"], str(model), "--format", "nir"], home) == []
    again = spikefront("export", "tiny", design["name"], model, "--format", "nir", home=home, check=False)
    assert (again.returncode, again.stderr.count("\n")) == (2, 1)
    where = Home.choose(str(home))
    stored = stored_design(where.open_existing(), where, "tiny", design["name"], 64)
    np.savez(tmp_path / "kept.npz", inputs=stored.inputs)
    found = json.loads(
        spikefront("cost", model, "--inputs", tmp_path / "kept.npz", "--json", home=home).stdout
    )
    expected = price_net(stored.net, stored.inputs, stored.labels).as_dict()
    for name in ("cycles", "latency_us", "latency_us_p99", "energy_uj", "spikes_per_layer", "ffs"):
        assert found[name] == expected[name], name
    assert found["config"] == design["accelerator"]
    assert found["latency_us"] == pytest.approx(design["measures"]["latency_us"], rel=0.2)


@pytest.mark.parametrize(
    "arguments", [("--format", "nir", "--samples", 2), ("--format", "nir", "--device", "x"), ("--dt", 1e-3)]
)
def test_options_of_the_other_format_are_refused(home, tmp_path, arguments):
    done = spikefront("export", "tiny", "0-0", tmp_path / "x", *arguments, home=home, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "drop it" in done.stderr
    assert not list(tmp_path.iterdir())


def test_verify_compares_a_stored_design_with_its_verilog(home, tmp_path):
    name = json.loads(spikefront("front", "tiny", "--json", home=home).stdout)[0]["name"]
    folder = tmp_path / "design"
    spikefront("export", "tiny", name, folder, "--device", "pynq-z2", home=home)
    assert "H16" in next(folder.glob("*_pynq-z2.xdc")).read_text()
    done = spikefront("verify", "tiny", name, "--samples", 2, "--folder", folder, home=home)
    lines = done.stdout.splitlines()
    assert lines[0].startswith("pyrtl: 2 samples, ")
    assert [line.split(":")[0] for line in lines] == ["pyrtl", "icarus", "verilator"]
    (folder / "manifest.json").write_text("{}")
    refused = spikefront("verify", "tiny", name, "--folder", folder, home=home, check=False)
    assert refused.returncode == 2
    assert refused.stderr.count("\n") == 1


def _heavy_imports(arguments, home):
    """Which of torch, botorch and ray a command has imported when it ends."""
    program = (
        "import sys; sys.argv = ['spikefront', *sys.argv[1:]]\n"
        "from hpo.cli import app\n"
        "try: app()\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "import json; heavy = [m for m in ('torch', 'botorch', 'ray') if m in sys.modules]\n"
        "print('HEAVY', json.dumps(heavy))\n"
    )
    environment = {**os.environ, "SPIKEFRONT_HOME": str(home)}
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.rsplit("HEAVY ", 1)[1])


def test_reading_creates_nothing(tmp_path):
    done = spikefront("list", home=tmp_path / "typo", check=False)
    assert done.returncode == 2
    assert "typo" in done.stderr
    assert not (tmp_path / "typo").exists()


def test_a_folder_that_cannot_be_written_is_one_sentence(home, tmp_path):
    done = spikefront("plot", "tiny", "--out", tmp_path / ("x" * 300) / "f.png", home=home, check=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1


def test_any_folder_name_and_campaign_name_will_do(tmp_path, campaign_file):
    home = tmp_path / "odd ?#%20 \u00f6"
    spikefront("run", campaign_file, "--name", "1.a-b_c", "--serial", home=home)
    assert (home / "store.db").exists()
    name = json.loads(spikefront("front", "1.a-b_c", "--json", home=home).stdout)[0]["name"]
    spikefront("export", "1.a-b_c", name, tmp_path / "design", "--samples", 1, home=home)
    assert list((tmp_path / "design").glob("snn_*.v"))
