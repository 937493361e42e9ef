import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.hardware.cases import cases
from hardware.network import AcceleratorConfig, TrainedLayer, TrainedNetwork
from hardware.quantize import quantize
from hardware.rtl.lanes import weight_words
from hardware.verilog import hex_words, module_name, verilog
from spikefront.errors import InputError


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 12), st.integers(2, 16), st.integers(0, 2**16))
def test_weight_words_hold_every_weight_group_by_group(n_out, n_in, lanes, bits, seed):
    top = 2 ** (bits - 1)
    weight = np.random.default_rng(seed).integers(-top, top, (n_out, n_in))
    words = weight_words(weight, lanes, bits)
    groups = -(-n_out // lanes)
    assert len(words) == groups * n_in
    for neuron in range(n_out):
        for i in range(n_in):
            field = words[neuron // lanes * n_in + i] >> (bits * (neuron % lanes)) & (2**bits - 1)
            assert (field - 2**bits if field >= top else field) == weight[neuron, i]


def test_hex_words_have_the_digits_of_their_width():
    assert hex_words([0, 255, 4096], 13) == "0000\n00ff\n1000\n"
    assert hex_words([1], 1) == "1\n"


def test_the_module_has_no_initial_registers_and_reads_its_weights_from_files():
    for case in cases(5, seed=9):
        design = verilog(case.net, "net")
        assert design.module.startswith("module net(")
        assert design.module.count("$readmemh") == len(case.net.layers) == len(design.memories)
        for line in design.module.splitlines():
            assert not (line.strip().startswith("reg") and "=" in line), line
        for k, (file, text) in enumerate(design.memories.items()):
            assert f'$readmemh("{file}", layer{k}_weights)' in design.module
            assert len(text.splitlines()) == case.net.groups[k] * case.net.layers[k].rows.shape[1]


def test_the_same_network_gives_the_same_text():
    case = cases(2, seed=9)[1]
    assert verilog(case.net, "net") == verilog(case.net, "net")


@pytest.mark.parametrize("name", ["snn", "A-b_3", "x" * 64])
def test_good_names(name):
    assert module_name(name) == name.replace("-", "_")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "3net",
        "-a",
        "a b",
        "../x",
        "a/b",
        "x" * 65,
        "module",
        "layer0",
        "tb_x",
        "start",
        "n\n",
        "é",
        "golden0",
    ],
)
def test_bad_names_are_refused(name):
    with pytest.raises(InputError, match="cannot name a Verilog module"):
        module_name(name)


@pytest.mark.parametrize("encoding", ["rate", "direct"])
def test_one_design_is_one_text_however_often_it_is_written(encoding):
    rng = np.random.default_rng(0)
    layers = (
        TrainedLayer(rng.normal(size=(6, 9)), 0.9, 1.0, "subtract"),
        TrainedLayer(rng.normal(size=(3, 6)), 0.9, 1.0, "zero"),
    )
    net = quantize(TrainedNetwork(layers, 4, encoding), AcceleratorConfig(lanes=(2, 2)))
    assert verilog(net, "again").module == verilog(net, "again").module
