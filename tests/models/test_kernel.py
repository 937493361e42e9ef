"""The compiled scan: bit for bit what PyTorch gives, and never used where it is not."""

import shutil

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models import kernel_build, kernel_choice
from models.kernel import KERNEL_SURROGATES
from models.scan import RESETS, Adaptation, Dynamics, Options, scan, scan_layer
from models.surrogates import SURROGATES
from spikefront.errors import SpecError, ToolMissingError

needs_compiler = pytest.mark.skipif(
    not any(map(shutil.which, ("cc", "gcc", "clang"))), reason="there is no C compiler"
)


@pytest.fixture
def fresh(monkeypatch, tmp_path):
    """An empty cache, and no memory of an earlier choice before and after."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("SPIKEFRONT_SCAN", raising=False)
    kernel_choice._built.cache_clear()
    yield tmp_path
    kernel_choice._built.cache_clear()


@pytest.fixture
def no_compiler(fresh, monkeypatch):
    monkeypatch.setenv("PATH", str(fresh))
    monkeypatch.delenv("CC", raising=False)


def laid_out(layout, values):
    """The values in another memory layout, or a constant current made of their first step."""
    if layout == "constant":
        return values[0].expand(values.shape)
    if layout == "channels last":
        return values.transpose(-1, -2).contiguous().transpose(-1, -2)
    if layout == "one sample":
        return values[:, :1].expand(values.shape)
    return values


def outcome(currents, dynamics, weights):
    currents = currents.detach().requires_grad_()
    time_steps = len(weights) if currents.ndim < weights.ndim else None
    learnt = [each for each in (dynamics.decay, dynamics.threshold) if isinstance(each, torch.Tensor)]
    learnt = [each for each in learnt if each.requires_grad]
    spikes, membrane = scan(currents, dynamics, time_steps=time_steps)
    return spikes, membrane, *torch.autograd.grad((spikes * weights).sum(), [currents, *learnt])


@needs_compiler
@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    shape=st.sampled_from([(1, 1, 1), (7, 3, 5), (4, 2, 3, 37), (9, 5, 300), (3, 2, 2, 5, 4)]),
    dtype=st.sampled_from([torch.float32, torch.float64]),
    reset=st.sampled_from(RESETS),
    blank=st.booleans(),
    gain=st.sampled_from([1.0, 0.3]),
    surrogate=st.sampled_from(sorted(name for name in SURROGATES if not SURROGATES[name].random)),
    layouts=st.tuples(*[st.sampled_from(["plain", "constant", "channels last", "one sample"])] * 2),
    once=st.booleans(),
    constants=st.sampled_from(["number", "layer", "neuron", "network", "learnt"]),
)
def test_equals_pytorch_bit_for_bit(
    seed, shape, dtype, reset, blank, gain, surrogate, layouts, once, constants
):
    generator = torch.Generator().manual_seed(seed)
    currents, weights = torch.randn((2, *shape), generator=generator, dtype=dtype) * 2
    sizes = {"layer": (), "neuron": shape[-1:], "network": (shape[1], *[1] * (len(shape) - 2))}
    decay, threshold, slope = (
        torch.rand(sizes.get(constants, ()), generator=generator, dtype=dtype) for _ in range(3)
    )
    if constants == "number":
        decay, threshold, slope = float(decay), float(threshold), float(slope)
    elif constants == "learnt":
        decay, threshold = decay.requires_grad_(), threshold.requires_grad_()
    derivative = SURROGATES[surrogate].derivative(slope + 1.0)
    dynamics = Dynamics(decay, gain, threshold + 0.1, reset, blank, derivative)
    weights = laid_out(layouts[1], weights)
    results = []
    for choice in ("c", "torch"):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SPIKEFRONT_SCAN", choice)
            given_currents = laid_out(layouts[0], currents)
            results.append(outcome(given_currents[0] if once else given_currents, dynamics, weights))
    for one, other in zip(*results, strict=True):
        assert torch.equal(one, other)


@needs_compiler
@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    shape=st.sampled_from([(1, 1, 1), (7, 3, 5), (9, 5, 130)]),
    dtype=st.sampled_from([torch.float32, torch.float64]),
    reset=st.sampled_from(RESETS),
    learnt=st.booleans(),
    once=st.booleans(),
    overwrite=st.booleans(),
)
def test_own_spikes_return_as_in_pytorch(seed, shape, dtype, reset, learnt, once, overwrite):
    generator = torch.Generator().manual_seed(seed)
    currents, weights = torch.randn((2, *shape), generator=generator, dtype=dtype) * 2
    recurrent = torch.randn(shape[2], shape[2], generator=generator, dtype=dtype).requires_grad_()
    decay, threshold = torch.rand(2, shape[2], generator=generator, dtype=dtype) + 0.1
    constants = [decay.requires_grad_(), threshold.requires_grad_()] if learnt else []
    dynamics = Dynamics(decay, 1.0, threshold, reset, True, SURROGATES["triangular"].derivative(0.5))
    options = Options(time_steps=shape[0] if once else None, overwrite=overwrite)
    results = []
    for choice in ("c", "torch"):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SPIKEFRONT_SCAN", choice)
            leaf = (currents[0] if once else currents).clone().requires_grad_()
            spikes, membrane = scan_layer(leaf * 1.0, dynamics, recurrent, options)
            asked = [leaf, recurrent, *constants]
            results.append((spikes, membrane, *torch.autograd.grad((spikes * weights).sum(), asked)))
    for one, other in zip(*results, strict=True):
        assert torch.equal(one, other)


@needs_compiler
@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    shape=st.sampled_from([(1, 1, 2, 2, 1), (5, 2, 4, 6, 3), (3, 2, 5, 7, 16), (2, 3, 3, 2, 5)]),
    dtype=st.sampled_from([torch.float32, torch.float64]),
    reset=st.sampled_from(RESETS),
    blank=st.booleans(),
    constants=st.sampled_from(["number", "channel", "learnt"]),
    once=st.booleans(),
    expanded=st.booleans(),
)
def test_pools_as_pytorch_does(seed, shape, dtype, reset, blank, constants, once, expanded):
    generator = torch.Generator().manual_seed(seed)
    currents = torch.randn(shape, generator=generator, dtype=dtype) * 2
    pooled_shape = (*shape[:2], shape[2] // 2, shape[3] // 2, shape[4])
    weights = torch.randn(pooled_shape, generator=generator, dtype=dtype)
    weights = weights[:1].expand(pooled_shape) if expanded else weights
    decay, threshold = torch.rand(2, shape[4], generator=generator, dtype=dtype) + 0.1
    if constants == "number":
        decay, threshold = float(decay[0]), float(threshold[0])
    elif constants == "learnt":
        decay, threshold = decay.requires_grad_(), threshold.requires_grad_()
    dynamics = Dynamics(decay, 0.7, threshold, reset, blank, SURROGATES["arctangent"].derivative(2.0))
    options = Options(time_steps=shape[0] if once else None, pool=2, overwrite=True)
    results = []
    for choice in ("c", "torch"):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SPIKEFRONT_SCAN", choice)
            given_currents = (currents[0] if once else currents).clone().requires_grad_()
            learnt = [decay, threshold] if constants == "learnt" else []
            spikes, membrane = scan_layer(given_currents * 1.0, dynamics, None, options)
            gradients = torch.autograd.grad((spikes * weights).sum(), [given_currents, *learnt])
            results.append((spikes, membrane, *gradients))
    for one, other in zip(*results, strict=True):
        assert torch.equal(one, other)


@needs_compiler
def test_is_used_where_it_works(fresh):
    choice = kernel_choice.chosen()
    assert choice.kernel is not None
    assert choice.reason == "built, and equal to PyTorch's bit for bit"
    assert len(list(fresh.glob("spikefront/scan-*.so"))) == 1


@needs_compiler
def test_is_compiled_once(fresh, monkeypatch):
    kernel_build.load()
    monkeypatch.setattr(kernel_build, "_compile", lambda *_: pytest.fail("compiled again"))
    kernel_build.load()


@needs_compiler
def test_another_processor_gets_a_build_of_its_own(fresh, monkeypatch):
    kernel_build.load()
    monkeypatch.setattr(kernel_build, "_processor", lambda: "flags: another")
    kernel_build.load()
    assert len(list(fresh.glob("spikefront/scan-*.so"))) == 2


def test_falls_back_where_there_is_no_compiler(no_compiler):
    choice = kernel_choice.chosen()
    assert choice.kernel is None
    assert choice.reason == "no C compiler was found (cc, gcc or clang)"
    spikes, _ = scan(torch.full((2, 1, 1), 3.0), _dynamics())
    assert spikes.sum() == 2


def test_demanded_without_a_compiler(no_compiler, monkeypatch):
    monkeypatch.setenv("SPIKEFRONT_SCAN", "c")
    with pytest.raises(ToolMissingError, match="SPIKEFRONT_SCAN is c, but no C compiler was found"):
        scan(torch.zeros(1, 1, 1), _dynamics())


def test_unknown_choice(monkeypatch):
    monkeypatch.setenv("SPIKEFRONT_SCAN", "fortran")
    with pytest.raises(SpecError, match="SPIKEFRONT_SCAN is 'fortran'; set it to torch or c"):
        kernel_choice.chosen()


def test_torch_when_asked_for(monkeypatch):
    monkeypatch.setenv("SPIKEFRONT_SCAN", "torch")
    assert kernel_choice.chosen().kernel is None


@needs_compiler
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("- fired[j] * threshold[j]", "- fired[j] * decay[j]"),
        ("s[j] = m[j] > threshold[j]", "s[j] = m[j] >= before[j]"),
        ("one / (wide * wide)", "one / wide / wide"),
        ("(one - (m[j] > threshold[j] ? one : none))", "one"),
        ("fourth & !(first | second | third)", "fourth"),
        ("EACH row[first + j] += own[j];", ""),
        ("above > below ? above : below", "above"),
    ],
)
def test_a_kernel_that_differs_is_not_used(fresh, monkeypatch, right, wrong):
    source = kernel_build.SOURCE.read_text(encoding="utf-8")
    assert right in source
    _use_source(fresh, monkeypatch, source.replace(right, wrong))
    choice = kernel_choice.chosen()
    assert choice.kernel is None
    assert choice.reason.startswith("the compiled scan ")


@needs_compiler
def test_a_kernel_that_does_not_compile_is_not_used(fresh, monkeypatch):
    _use_source(fresh, monkeypatch, "this is not C\n")
    choice = kernel_choice.chosen()
    assert choice.kernel is None
    assert "failed" in choice.reason


@needs_compiler
def test_code_is_not_loaded_from_a_folder_that_others_can_write(fresh):
    folder = fresh / "spikefront"
    folder.mkdir()
    folder.chmod(0o777)
    assert "can be written by others" in kernel_choice.chosen().reason


@needs_compiler
@pytest.mark.parametrize(
    "extra",
    [
        {"refractory_steps": 1},
        {"adaptation": Adaptation(0.9, 0.1)},
        {"alpha": 0.5, "kind": "synaptic"},
    ],
    ids=["refractory", "adaptive", "synaptic"],
)
def test_leaves_other_neurons_to_pytorch(extra, monkeypatch):
    currents = torch.randn(9, 4, 6, generator=torch.Generator().manual_seed(0))
    results = []
    for choice in ("c", "torch"):
        monkeypatch.setenv("SPIKEFRONT_SCAN", choice)
        results.append(outcome(currents, _dynamics(**extra), torch.ones_like(currents)))
    for one, other in zip(*results, strict=True):
        assert torch.equal(one, other)


def test_knows_only_surrogates_that_exist():
    assert set(KERNEL_SURROGATES) <= set(SURROGATES)


def _dynamics(**extra):
    return Dynamics(0.9, 1.0, 1.0, "subtract", False, SURROGATES["fast_sigmoid"].derivative(5.0), **extra)


def _use_source(folder, monkeypatch, text):
    path = folder / "scan_kernel.c"
    path.write_text(text, encoding="utf-8")
    monkeypatch.setattr(kernel_build, "SOURCE", path)
