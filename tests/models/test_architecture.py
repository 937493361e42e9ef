import subprocess
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.architecture import Layer, dense_text, parse
from spikefront.errors import SpecError

LENET = "32c3-p2-32c3-p2-256-10"


def shapes(text, input_shape, **options):
    return [layer.out_shape for layer in parse(text, input_shape, **options)]


@pytest.mark.parametrize(
    ("input_shape", "frames", "inputs"),
    [
        ((8, 8), [(32, 4, 4), (32, 2, 2)], 128),
        ((28, 28), [(32, 14, 14), (32, 7, 7)], 1568),
        ((3, 32, 32), [(32, 16, 16), (32, 8, 8)], 2048),
        ((2, 34, 34), [(32, 17, 17), (32, 8, 8)], 2048),
    ],
)
def test_shapes_of_the_papers_network(input_shape, frames, inputs):
    layers = parse(LENET, input_shape)
    assert [layer.out_shape for layer in layers] == [*frames, (256,), (10,)]
    assert layers[2].in_shape == (inputs,)
    assert layers[0].in_shape[0] == (1 if len(input_shape) == 2 else input_shape[0])
    assert [layer.pool for layer in layers] == [2, 2, 1, 1]


def test_fully_connected_layers_flatten_their_input():
    layers = parse("128-10", (28, 28))
    assert [layer.weight_shape for layer in layers] == [(128, 784), (10, 128)]
    assert not any(layer.convolutional or layer.recurrent for layer in layers)


def test_recurrent_layers():
    layers = parse("200r-20", (700,))
    assert [layer.recurrent for layer in layers] == [True, False]


def test_a_population_multiplies_the_last_layer_alone():
    assert shapes("30-10", (8, 8), population=5) == [(30,), (50,)]


@settings(max_examples=60, deadline=None)
@given(
    channels=st.integers(1, 3),
    kernel=st.integers(1, 5),
    stride=st.integers(1, 3),
    valid=st.booleans(),
    rows=st.integers(6, 12),
    columns=st.integers(6, 12),
)
def test_frames_are_those_of_torch(channels, kernel, stride, valid, rows, columns):
    text = f"4c{kernel}s{stride}{'v' * valid}-10"
    layer = parse(text, (channels, rows, columns))[0]
    frame = torch.nn.functional.conv2d(
        torch.zeros(1, channels, rows, columns),
        torch.zeros(layer.weight_shape),
        stride=layer.stride,
        padding=layer.padding,
    )
    assert tuple(frame.shape[1:]) == layer.neurons_shape == layer.out_shape
    if stride == 1 and kernel % 2 and not valid:
        assert layer.neurons_shape[1:] == (rows, columns)


def test_odd_frames_lose_a_row_to_pooling():
    assert shapes("4c3-p2-10", (7, 9)) == [(4, 3, 4), (10,)]


def test_fan_in_counts_one_neurons_weights():
    layers = parse("16c5-32-10", (2, 8, 8))
    assert [layer.fan_in for layer in layers] == [50, 1024, 32]


@pytest.mark.parametrize(
    ("text", "input_shape", "sentence"),
    [
        ("", (28, 28), "has the layer ''"),
        ("128-", (28, 28), "has the layer ''"),
        ("128-10x", (28, 28), "has the layer '10x'"),
        ("32c3p2-10", (28, 28), "has the layer '32c3p2'"),
        ("32c3-p3-10", (28, 28), "has the layer 'p3'"),
        ("32c3-p2", (28, 28), "ends with a convolution"),
        ("p2-10", (28, 28), "p2 at place 1 .* directly behind a convolution"),
        ("32c3-p2-p2-10", (28, 28), "p2 at place 3 .* directly behind a convolution"),
        ("128-p2-10", (28, 28), "p2 at place 2 .* directly behind a convolution"),
        ("128-32c3-10", (28, 28), "would convolve 128 values that are no frame"),
        ("32c3-10", (700,), "would convolve 700 values that are no frame"),
        ("32c9v-10", (8, 8), "kernel larger than its frame of 8x8"),
        ("4c8v-p2-10", (8, 8), "pools a frame of 1x1"),
        ("32c3s0-10", (8, 8), "kernel or stride 0"),
        ("0-10", (8, 8), "layer '0' .* has no neurons"),
        ("0c3-10", (8, 8), "layer '0c3' .* has no neurons"),
        ("128-10", (1, 2, 3, 4), r"input shape is \(1, 2, 3, 4\)"),
        ("128-10", (0,), r"input shape is \(0,\)"),
    ],
)
def test_what_does_not_fit_is_one_sentence(text, input_shape, sentence):
    with pytest.raises(SpecError, match=sentence):
        parse(text, input_shape)


def test_a_population_below_one():
    with pytest.raises(SpecError, match="population is 0"):
        parse("10", (4,), population=0)


@given(st.lists(st.integers(1, 5000), min_size=1, max_size=5))
def test_dense_text_is_read_back(sizes):
    layers = parse(dense_text(tuple(sizes)), (9,))
    assert [layer.channels for layer in layers] == sizes
    assert layers[0] == Layer((9,), sizes[0])


def test_reading_a_network_needs_no_torch():
    code = "import sys, models.architecture; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
