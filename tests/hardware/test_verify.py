import json
import shutil

import pytest

from hardware import verify as module
from hardware.cost import price_net
from hardware.export import export
from hardware.manifest import read_manifest, sealed
from hardware.testbench import testbench as make_bench
from hardware.verify import TOOLS, verify
from hardware.verilog import verilog
from hardware.verilog_run import SIMULATORS, difference, run_bench
from spikefront.errors import InputError, MismatchError, SpikefrontError, ToolMissingError
from tests.hardware.test_export import make

needs_icarus = pytest.mark.skipif(shutil.which("iverilog") is None, reason="Icarus Verilog is not installed")


def installed():
    programs = {"pyrtl": "python", "icarus": "iverilog", "verilator": "verilator"}
    return {tool for tool, program in programs.items() if tool == "pyrtl" or shutil.which(program)}


@pytest.mark.parametrize("encoding", ["rate", "direct"])
def test_every_installed_tool_agrees_with_the_reference(encoding):
    net, inputs, _ = make(encoding)
    verdicts = list(verify(net, "agrees", inputs))
    assert [v.tool for v in verdicts] == list(TOOLS)
    assert {v.tool for v in verdicts if v.compared} == installed()
    spikes = 3 * 6 * (14 + 5)
    words = f"pyrtl: 3 samples, {spikes} spikes and all cycle counts equal the integer reference"
    assert str(verdicts[0]) == words


def test_absent_tools_are_skipped_in_one_line_unless_named(monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    net, inputs, _ = make()
    lines = [str(verdict) for verdict in verify(net, "absent", inputs)]
    assert lines[1:] == ["icarus: skipped, not installed", "verilator: skipped, not installed"]
    with pytest.raises(ToolMissingError, match="no program verilator"):
        list(verify(net, "absent", inputs, tools=["verilator"]))
    with pytest.raises(InputError, match="'modelsim' is unknown"):
        list(verify(net, "absent", inputs, tools=["modelsim"]))


def broken_folder(folder, place, change):
    """A design's files with one line of its reference changed: what a wrong circuit would look like."""
    net, inputs, _ = make()
    design, bench = verilog(net, "mini"), make_bench(net, "mini", inputs)
    files = {"mini.v": design.module, "tb_mini.v": bench.text, **design.memories, **bench.files}
    file, line = place
    lines = files[file].splitlines()
    lines[line] = f"{int(lines[line], 16) ^ change:0{len(lines[line])}x}"
    files[file] = "\n".join(lines) + "\n"
    for name, text in files.items():
        (folder / name).write_text(text)


@needs_icarus
@pytest.mark.parametrize(
    ("place", "change", "sentence"),
    [
        (("mini_golden_layer0.hex", 6 + 4), 0b100, r"Sample 1, layer 0, step 4, neuron 2: .* icarus"),
        (("mini_golden_layer1.hex", 12 + 5), 0b11000, r"Sample 2, layer 1, step 5, neuron 3: "),
        (("mini_golden_results.hex", 3), 1, r"Sample 1: the reference says class \d after \d+ cycles"),
    ],
)
def test_a_difference_is_named_by_sample_layer_step_and_neuron(tmp_path, place, change, sentence):
    broken_folder(tmp_path, place, change)
    with pytest.raises(MismatchError, match=sentence) as caught:
        run_bench("icarus", tmp_path, "mini", 3)
    assert caught.value.exit_code == 4


@needs_icarus
def test_fewer_samples_than_asked_for_do_not_pass(tmp_path):
    broken_folder(tmp_path, ("mini_golden_layer0.hex", 0), 0)
    run_bench("icarus", tmp_path, "mini", 3)
    with pytest.raises(MismatchError, match="did not pass"):
        run_bench("icarus", tmp_path, "mini", 4)


@needs_icarus
def test_verilog_that_a_tool_refuses_is_an_error(tmp_path):
    broken_folder(tmp_path, ("mini_golden_layer0.hex", 0), 0)
    (tmp_path / "mini.v").write_text("module mini(; endmodule")
    with pytest.raises(SpikefrontError, match="icarus failed"):
        run_bench("icarus", tmp_path, "mini", 3)


def test_unknown_spikes_are_a_difference():
    line = "sample 0 layer 1 step 2: spikes 0xx1, golden 0021\nRESULT FAIL: 1 of 1 samples"
    words = "layer 1, step 2, neuron 4: the reference says 0 and verilator x"
    assert words in str(difference("verilator", line))


def test_a_timeout_is_no_pass():
    assert isinstance(difference("icarus", "RESULT FAIL: timeout"), MismatchError)
    assert "no output" in str(difference("icarus", ""))


@pytest.fixture
def exported(tmp_path):
    net, inputs, labels = make()
    export(tmp_path / "out", net, "mini", inputs, labels, cost=price_net(net, inputs, labels))
    return net, inputs, tmp_path / "out"


def test_an_exported_folder_passes_as_it_is(exported):
    net, inputs, folder = exported
    assert read_manifest(folder)["name"] == "mini"
    assert list(verify(net, "mini", inputs[:1], tools=["pyrtl"], folder=folder))


def edit_manifest(folder, change):
    manifest = json.loads((folder / "manifest.json").read_text())
    change(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest))


def forge_manifest(folder, change):
    """Edit it, with a checksum that fits."""
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["checksum"]
    change(manifest)
    (folder / "manifest.json").write_text(sealed(manifest))


def replace_by_folder(path):
    path.unlink()
    path.mkdir()


TAMPERINGS = {
    "cost": lambda f: edit_manifest(f, lambda m: m["cost"].update(latency_us=1.0)),
    "file digest": lambda f: edit_manifest(f, lambda m: m["sha256"].update({"mini.v": "0" * 64})),
    "outside": lambda f: edit_manifest(f, lambda m: m["sha256"].update({"../x": "0" * 64})),
    "no checksum": lambda f: edit_manifest(f, lambda m: m.pop("checksum")),
    "no table": lambda f: (f / "manifest.json").write_text("[1]"),
    "no json": lambda f: (f / "manifest.json").write_text("{"),
    "bytes": lambda f: (f / "manifest.json").write_bytes(b"\xff"),
    "absent": lambda f: (f / "manifest.json").unlink(),
    "weights": lambda f: (f / "mini_layer0_weights.hex").write_text("00\n"),
    "digests in a list": lambda f: forge_manifest(f, lambda m: m.update(sha256=["mini.v"])),
    "forged outside": lambda f: forge_manifest(f, lambda m: m["sha256"].update({"../x": "0" * 64})),
    "folder": lambda f: replace_by_folder(f / "tb_mini.v"),
    "lost file": lambda f: (f / "tb_mini.v").unlink(),
}


@pytest.mark.parametrize("how", TAMPERINGS)
def test_a_tampered_folder_is_refused_in_one_sentence(exported, how):
    net, inputs, folder = exported
    TAMPERINGS[how](folder)
    with pytest.raises(InputError) as caught:
        list(verify(net, "mini", inputs, folder=folder))
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)


def test_another_design_s_folder_is_refused(exported):
    _, inputs, folder = exported
    net, _, _ = make(weight_bits=5)
    with pytest.raises(InputError, match="another design"):
        list(verify(net, "mini", inputs, folder=folder))


def test_nothing_is_left_in_the_temporary_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(module.tempfile, "tempdir", str(tmp_path))
    net, inputs, _ = make()
    list(verify(net, "tidy", inputs[:1], tools=[next(iter(SIMULATORS))] if "icarus" in installed() else []))
    assert not list(tmp_path.iterdir())
