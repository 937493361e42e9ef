import dataclasses
import shutil

import numpy as np
import pytest

from benchmarks.hardware import compiled
from benchmarks.hardware.cases import cases
from hardware import reference

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="PyRTL compiles its simulation with gcc")


@pytest.fixture(scope="module")
def case():
    return next(case for case in cases(20) if not case.net.direct and case.kind == "uniform")


def test_the_compiled_design_gives_the_classes_and_cycles_expected(case):
    assert compiled.seconds_per_image(case.net, case.inputs) > 0


def test_another_class_is_found_out(case, monkeypatch):
    run = reference.run(case.net, case.inputs)
    other = dataclasses.replace(run, predicted=(np.asarray(run.predicted) + 1))
    monkeypatch.setattr(reference, "run", lambda net, inputs: other)
    with pytest.raises(RuntimeError, match="but the RTL says"):
        compiled.seconds_per_image(case.net, case.inputs)
