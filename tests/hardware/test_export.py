import hashlib
import json
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pytest

from hardware.cost import price_net
from hardware.devices import DEVICES
from hardware.export import export
from hardware.network import AcceleratorConfig, Convolution, TrainedLayer, TrainedNetwork
from hardware.quantize import quantize
from spikefront.errors import DesignError, InputError

needs_icarus = pytest.mark.skipif(shutil.which("iverilog") is None, reason="Icarus Verilog is not installed")


def make(encoding="rate", **config):
    rng = np.random.default_rng(4)
    layers = (
        TrainedLayer(rng.normal(0.1, 0.5, (14, 20)), 0.9, 1.0, "zero", blank_after_spike=True),
        TrainedLayer(rng.normal(0.1, 0.5, (5, 14)), 0.8, 1.0, "subtract"),
    )
    settings = {"lanes": (4, 5), "chunk_bits": 8, "membrane_bits": 10} | config
    net = quantize(TrainedNetwork(layers, 6, encoding), AcceleratorConfig(**settings))
    shape = (3, 20) if encoding == "direct" else (3, 6, 20)
    inputs = rng.integers(0, 256 if encoding == "direct" else 2, shape).astype(np.uint8)
    return net, inputs, rng.integers(0, 5, 3)


@pytest.fixture
def exported(tmp_path):
    net, inputs, labels = make()
    return export(tmp_path / "out", net, "tiny-net", inputs, labels, cost=price_net(net, inputs, labels))


def simulate(folder):
    """Run the two commands of the exported page; warnings count as failures."""
    build = ["iverilog", "-g2005", "-Wall", "-Wno-timescale", "-o", "run.vvp", "tb_tiny_net.v", "tiny_net.v"]
    built = subprocess.run(build, cwd=folder, check=True, capture_output=True, text=True)
    assert built.stderr == ""
    ran = subprocess.run(
        ["vvp", "run.vvp"], cwd=folder, check=True, capture_output=True, text=True, timeout=60
    )
    return ran.stdout


@needs_icarus
@pytest.mark.parametrize(
    ("encoding", "config"),
    [
        ("rate", {}),
        ("latency", {"lanes": (1, 1), "leak": "shift"}),
        ("direct", {"chunk_bits": 32, "lanes": (14, 2)}),
        ("direct", {"chunk_bits": 5, "lanes": (5, 3), "leak": "shift"}),
    ],
)
def test_the_exported_design_passes_its_own_bench(tmp_path, encoding, config):
    net, inputs, labels = make(encoding, **config)
    result = export(tmp_path / "out", net, "tiny-net", inputs, labels, cost=price_net(net, inputs, labels))
    output = simulate(result.folder)
    assert "RESULT PASS: 3 samples" in output, output
    samples = json.loads((result.folder / "manifest.json").read_text())["samples"]
    for i, sample in enumerate(samples):
        assert f"sample {i} PASS: class {sample['class']}, {sample['cycles']} cycles" in output


def framed(encoding):
    """A convolution with pooling and bias, a recurrent layer of order II, and three neurons per class."""
    rng = np.random.default_rng(6)
    shape = Convolution((2, 5, 6), 3, stride=1, padding=1, pool=2)
    layers = (
        TrainedLayer(
            rng.normal(0.1, 0.5, (3, 2, 3, 3)),
            0.9,
            1.0,
            "fixed",
            bias=rng.normal(0.0, 0.3, 3),
            reset_value=-0.5,
            refractory_steps=2,
            convolution=shape,
        ),
        TrainedLayer(
            rng.normal(0.1, 0.5, (7, 18)),
            0.8,
            1.0,
            "subtract",
            alpha=0.7,
            bias=rng.normal(0.0, 0.3, 7),
            recurrent=rng.normal(0.0, 0.5, (7, 7)),
        ),
        TrainedLayer(rng.normal(0.1, 0.5, (6, 7)), 1.0, 1.0, "none"),
    )
    readout = "max_membrane" if encoding == "rate" else "first_spike"
    config = AcceleratorConfig(lanes=(2, 3, 6), chunk_bits=8, membrane_bits=10, schedule="sequential")
    net = quantize(TrainedNetwork(layers, 4, encoding, readout, population=3), config)
    inputs = rng.integers(0, 2 if encoding == "rate" else 256, (2, 4, 60) if encoding == "rate" else (2, 60))
    return net, inputs.astype(np.uint8), np.array([0, 1])


@needs_icarus
@pytest.mark.parametrize("encoding", ["rate", "direct"])
def test_convolutions_recurrence_and_readouts_pass_their_own_bench(tmp_path, encoding):
    net, inputs, labels = framed(encoding)
    result = export(tmp_path / "out", net, "tiny-net", inputs, labels, cost=price_net(net, inputs, labels))
    output = simulate(result.folder)
    assert "RESULT PASS: 2 samples" in output, output
    layer = json.loads((result.folder / "manifest.json").read_text())["network"]["layers"][0]
    assert layer["convolution"]["kernel"] == 3
    assert layer["refractory_steps"] == 2


@needs_icarus
@pytest.mark.parametrize(
    ("file", "line", "mask"),
    [
        ("tiny_net_golden_layer0.hex", 7, 1),
        ("tiny_net_golden_layer1.hex", 17, 16),
        ("tiny_net_golden_results.hex", 2, 1),
        ("tiny_net_golden_results.hex", 3, 1),
        ("tiny_net_layer1_weights.hex", 2, 0x80),
        ("tiny_net_inputs.hex", 5, 1),
    ],
)
def test_one_wrong_line_in_a_file_fails_the_bench(exported, file, line, mask):
    path = exported.folder / file
    lines = path.read_text().splitlines()
    lines[line] = f"{int(lines[line], 16) ^ mask:0{len(lines[line])}x}"
    path.write_text("\n".join(lines) + "\n")
    output = simulate(exported.folder)
    assert "RESULT FAIL" in output
    assert "RESULT PASS" not in output


def test_the_manifest_names_every_file_and_its_digest(exported):
    manifest = json.loads((exported.folder / "manifest.json").read_text())
    on_disk = {path.name for path in exported.folder.iterdir()}
    assert on_disk == {*manifest["sha256"], "manifest.json"}
    for name, digest in manifest["sha256"].items():
        assert hashlib.sha256((exported.folder / name).read_bytes()).hexdigest() == digest
    assert manifest["network"]["sizes"] == [20, 14, 5]
    assert manifest["accelerator"]["lanes"] == [4, 5]
    assert manifest["cost"]["samples"] == len(manifest["samples"]) == 3


def test_the_page_has_commands_ports_and_numbers(exported):
    page = (exported.folder / "README.md").read_text()
    for words in (
        "iverilog -g2005",
        "synth_xilinx",
        "| load_data | in | 8 |",
        "| layer0_spikes | out | 14 |",
        "asic_45nm",
    ):
        assert words in page


def test_a_folder_in_use_is_left_alone(tmp_path):
    net, inputs, labels = make()
    cost = price_net(net, inputs, labels)
    (tmp_path / "kept").write_text("mine")
    for folder in (tmp_path, tmp_path / "kept"):
        with pytest.raises(InputError, match="not empty"):
            export(folder, net, "tiny", inputs, labels, cost=cost)
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
    (tmp_path / "empty").mkdir()
    assert export(tmp_path / "empty", net, "tiny", inputs, labels, cost=cost).files


def test_bad_names_and_labels_write_nothing(tmp_path):
    net, inputs, labels = make()
    cost = price_net(net, inputs, labels)
    with pytest.raises(InputError, match="cannot name"):
        export(tmp_path / "a", net, "../evil", inputs, labels, cost=cost)
    with pytest.raises(InputError, match="2 labels for 3 samples"):
        export(tmp_path / "a", net, "fine", inputs, labels[:2], cost=cost)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_an_input_error(tmp_path):
    net, inputs, labels = make()
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        export(tmp_path / "file" / "below", net, "tiny", inputs, labels, cost=price_net(net, inputs, labels))


@pytest.mark.parametrize("name", DEVICES)
def test_constraints_and_page_name_the_device(tmp_path, name):
    net, inputs, labels = make(leak="shift")
    cost, target = price_net(net, inputs, labels), DEVICES[name]
    result = export(tmp_path / "out", net, "tiny", inputs, labels, cost=cost, target=target)
    (file,) = (path for path in result.folder.iterdir() if path.suffix in {".xdc", ".pcf"})
    assert file.name in result.files
    text = file.read_text()
    assert target.part in text
    assert "TO FILL IN" in text
    # A pin is only set where the board's oscillator has the design's clock.
    set_pins = [line for line in text.splitlines() if "[get_ports clk]" in line or line.startswith("set_io")]
    assert sum("PACKAGE_PIN" in line and not line.startswith("#") for line in set_pins) == (
        name == "arty-a7-35t"
    )
    page = (result.folder / "README.md").read_text()
    assert "verilator --binary" in page
    assert target.board in page
    assert json.loads((result.folder / "manifest.json").read_text())["device"] == name


def test_a_design_that_does_not_fit_writes_nothing(tmp_path):
    net, inputs, labels = make(lanes=(14, 5), weight_bits=16)
    small = replace(DEVICES["arty-a7-35t"], luts=1000, dsps=3)
    cost, words = price_net(net, inputs, labels), r"arty-a7-35t: it needs \d+ DSPs of 3 .* and .* LUTs"
    with pytest.raises(DesignError, match=words):
        export(tmp_path / "out", net, "tiny", inputs, labels, cost=cost, target=small)
    assert not list(tmp_path.iterdir())
