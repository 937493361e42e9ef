"""Modules with one line wrong: a comparison that does not notice them proves nothing."""

import sys
import types
from pathlib import Path


def mutant(module: types.ModuleType, old: str, new: str) -> types.ModuleType:
    """Return ``module`` anew with ``old``, which its source must have once, replaced by ``new``."""
    source = Path(module.__file__).read_text(encoding="utf-8")
    assert source.count(old) == 1, f"the mutation no longer finds {old!r}"
    wrong = types.ModuleType("mutant")
    sys.modules["mutant"] = wrong  # where dataclasses look up their module
    exec(compile(source.replace(old, new), "mutant", "exec"), wrong.__dict__)
    return wrong
