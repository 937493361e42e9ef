"""``spikefront cost``: networks that Spikefront never trained."""

import json
from pathlib import Path

import nir
import numpy as np
import pytest

from hardware.network import AcceleratorConfig, TrainedLayer, TrainedNetwork
from hardware.nir_io import save_nir
from hardware.nir_write import Writing
from tests.hardware.test_nir_read import elsewhere, one_of
from tests.hpo.test_cli import spikefront

SNNTORCH = Path(__file__).parents[1] / "hardware" / "nir_snntorch"


@pytest.fixture
def model(tmp_path):
    nir.write(tmp_path / "model.nir", elsewhere(one_of(r=9.0 * np.ones(6))))
    return tmp_path / "model.nir"


def test_a_foreign_network_is_priced_on_a_device(model, tmp_path):
    done = spikefront("cost", model, "--dt", 1e-3, "--steps", 20, "--rate", 0.3, home=tmp_path)
    for words in (
        "network 10-6, lanes 6 (the fastest on pynq-z2)",
        "probability 0.3",
        "us mean",
        "model asic_45nm",
        "53200 LUT",
    ):
        assert words in done.stdout
    found = json.loads(spikefront("cost", model, "--dt", 1e-3, "--json", home=tmp_path).stdout)
    assert found["device"] == "pynq-z2"
    assert "accuracy" not in found
    assert found["latency_us"] == pytest.approx(found["cycles"] / 100.0)
    assert sum(found["energy_by_part_uj"].values()) == pytest.approx(found["energy_uj"])
    assert list(tmp_path.iterdir()) == [model]


def test_given_spikes_decide_the_cost(model, tmp_path):
    costs = []
    for share in (0.05, 0.9):
        spikes = np.random.default_rng(0).random((5, 30, 10)) < share
        np.savez(tmp_path / "spikes.npz", inputs=spikes)
        given = ("--inputs", tmp_path / "spikes.npz", "--device", "ice40-hx8k", "--dt", 1e-3)
        costs.append(json.loads(spikefront("cost", model, *given, "--json", home=tmp_path).stdout))
        assert costs[-1]["spikes_per_layer"][0] == pytest.approx(spikes.sum() / 5)
    assert costs[0]["cycles"] < costs[1]["cycles"]
    assert costs[0]["dsps"] == 0


@pytest.fixture
def design(tmp_path):
    """A network under direct encoding, as Spikefront exports it with its accelerator."""
    rng = np.random.default_rng(1)
    layers = (
        TrainedLayer(rng.normal(0.1, 0.4, (9, 12)), 0.9, 1.0, "subtract"),
        TrainedLayer(rng.normal(0.1, 0.4, (4, 9)), 0.9, 1.0, "subtract"),
    )
    config = AcceleratorConfig((2, 1), weight_bits=5, input_bits=4, clock_mhz=50.0)
    network = TrainedNetwork(layers, 7, "direct")
    save_nir(tmp_path / "design.nir", network, Writing(1e-3, config))
    np.savez(tmp_path / "currents.npz", inputs=rng.random((6, 12)))
    return tmp_path / "design.nir"


def test_an_exported_design_is_priced_on_its_own_accelerator(design, tmp_path):
    given = ("--inputs", tmp_path / "currents.npz", "--json")
    found = json.loads(spikefront("cost", design, *given, home=tmp_path).stdout)
    assert (found["config"]["lanes"], found["config"]["weight_bits"]) == ([2, 1], 5)
    assert found["latency_us"] == pytest.approx(found["cycles"] / 50.0)
    again = json.loads(spikefront("cost", design, *given, "--weight-bits", 6, home=tmp_path).stdout)
    assert (again["config"]["lanes"], again["config"]["weight_bits"]) == ([9, 4], 6)
    assert again["cycles"] < found["cycles"]


@pytest.mark.parametrize("name", ["convolutional", "recurrent", "synaptic"])
def test_every_kind_of_layer_is_priced(tmp_path, name):
    model = SNNTORCH / f"{name}.nir"
    found = json.loads(spikefront("cost", model, "--reset", "subtract", "--json", home=tmp_path).stdout)
    assert found["cycles"] > 0
    assert len(found["spikes_per_layer"]) == len(found["config"]["lanes"]) + 1


def test_a_file_that_crashes_the_hdf5_library_is_one_sentence(tmp_path):
    """This one byte ends a process that reads the file with HDF5 2.0 by a segmentation fault."""
    content = bytearray((SNNTORCH / "recurrent.nir").read_bytes())
    content[8345] = 66
    (tmp_path / "net.nir").write_bytes(content)
    done = spikefront("cost", tmp_path / "net.nir", home=tmp_path, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "net.nir" in done.stderr


def test_currents_are_not_drawn_and_spikes_are_no_currents(design, tmp_path):
    spikes = tmp_path / "spikes.npz"
    np.savez(spikes, inputs=np.ones((5, 7, 12), dtype=np.uint8))
    for arguments, words in (((), "cannot be drawn"), (("--inputs", spikes), "give currents (N, n_in)")):
        done = spikefront("cost", design, *arguments, home=tmp_path, check=False)
        assert done.returncode == 2
        assert words in done.stderr
        assert done.stderr.count("\n") == 1


def test_the_reset_that_a_graph_does_not_tell_is_told(tmp_path):
    graph = elsewhere(one_of(r=30.0 * np.ones(6)))
    nir.write(tmp_path / "model.nir", graph)
    given = ("--dt", 1e-3, "--rate", 0.5, "--json")
    counts = [
        json.loads(spikefront("cost", tmp_path / "model.nir", *given, *more, home=tmp_path).stdout)[
            "spikes_per_layer"
        ][-1]
        for more in ((), ("--reset", "subtract"), ("--decay", "exp"))
    ]
    assert counts[1] > counts[0]
    assert counts[2] != counts[0]


def large(path):
    wide = np.random.default_rng(0).normal(0, 1, (600, 3000))
    nodes = {"in": nir.Input({"input": np.array([3000])}), "fc": nir.Linear(wide)}
    nodes |= {"if": nir.IF(np.ones(600), np.ones(600)), "out": nir.Output({"output": np.array([600])})}
    nir.write(path, nir.NIRGraph(nodes, [("in", "fc"), ("fc", "if"), ("if", "out")], type_check=False))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("absent.nir",), "no NIR file"),
        (("model.nir", "--device", "pynq"), "'pynq' is unknown"),
        (("model.nir", "--dt", "1"), "smaller dt"),
        (("model.nir", "--dt", "1e-3", "--rate", "2"), "no probability"),
        (("model.nir", "--dt", "1e-3", "--weight-bits", "1"), "weight_bits"),
        (("model.nir", "--dt", "1e-3", "--inputs", "model.nir"), "holds no inputs"),
        (("large.nir", "--device", "arty-a7-35t", "--steps", "2"), "does not fit arty-a7-35t: it needs"),
    ],
)
def test_what_cannot_be_priced_is_one_sentence_and_exit_code_2(model, tmp_path, arguments, words):
    if arguments[0] == "large.nir":
        large(tmp_path / "large.nir")
    paths = [tmp_path / a if a.endswith(".nir") else a for a in arguments]
    done = spikefront("cost", *paths, home=tmp_path, check=False)
    assert done.returncode == 2, done.stderr
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
