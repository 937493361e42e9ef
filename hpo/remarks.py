"""What a user should know about a front beside its designs: failures, an idle reference, bounds that bind."""

from collections.abc import Sequence
from typing import Any

from hpo.history import AUDIT
from hpo.narrowing import shown
from hpo.queries import FrontDesign, front, spec_of, status
from hpo.space import Categorical, Ordinal, Variable
from hpo.store import Store

MOST = 0.6
"""Share of the front at one end of a variable from which the end is worth a remark."""
ENOUGH = 4
"""Designs of a front below which such a share says nothing."""


def remarks(store: Store, name: str) -> list[str]:
    """Sentences, most important first; empty when there is nothing to say."""
    found, designs = status(store, name), front(store, name)
    lines = []
    if failed := store.trials(name, states={"failed"}, limit=1):
        lines.append(
            f"{found.counts['failed']} of {found.trials_total} trials failed, trial {failed[0].number} with: "
            f"{failed[0].reason}; see 'spikefront show {name} {failed[0].number}'"
        )
    if found.stop_reason:
        lines.append(f"the campaign stopped early: {found.stop_reason}")
    if found.narrowed:
        lines.append(f"the last proposals were narrowed to {shown(found.narrowed)}")
    if audit := _audit(store, name, found.counts["silent"]):
        lines.append(audit)
    if pruned := _pruned(store, name, found.counts["pruned"]):
        lines.append(pruned)
    if designs and found.hypervolume == 0.0:
        lines.append("no design is better than the reference in every objective: the hypervolume stays zero")
    return lines + _bounds(spec_of(store, name).space, designs)


def _audit(store: Store, name: str, stopped: int) -> str:
    """How often a verdict of silence was wrong, as far as condemned trainings ran on to show it."""
    audits = store.metric(name, "audit")
    if not audits:
        return ""
    recovered = sum(audit["recovered"] for audit in audits)
    return (
        f"{stopped + len(audits)} trainings were condemned as silent; {len(audits)} of them ran on as an"
        f" audit, and {recovered} recovered"
    )


def _pruned(store: Store, name: str, stopped: int) -> str:
    """How many trials were stopped as hopeless, and how many that ran on improved the front after all."""
    audits = store.metric(name, AUDIT)
    if not stopped and not audits:
        return ""
    improved = sum(audit["improved"] for audit in audits)
    checked = f"{len(audits)} more ran on as an audit, and {improved} improved the front after all"
    return f"{stopped} trials were stopped as hopeless; {checked if audits else 'none ran on as an audit'}"


def _bounds(space: dict[str, Variable], designs: Sequence[FrontDesign]) -> list[str]:
    """Variables at one of whose ends most of the front lies."""
    if len(designs) < ENOUGH:
        return []
    lines = []
    for name, variable in space.items():
        values = [found.config[name] for found in designs if name in found.config]
        for end, word in _ends(variable):
            share = sum(value == end for value in values) / len(designs)
            if share >= MOST:
                lines.append(f"{100 * share:.0f} % of the front has {name} at its {word} end {end}: widen it")
    return lines


def _ends(variable: Variable) -> tuple[tuple[Any, str], ...]:
    if isinstance(variable, Categorical):
        return ()
    if isinstance(variable, Ordinal):
        return ((variable.values[0], "lower"), (variable.values[-1], "upper"))
    return ((variable.low, "lower"), (variable.high, "upper"))
