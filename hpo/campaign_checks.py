"""What a campaign file must keep beside the bounds of each of its values; the first fault is told.

Every check raises ValueError with a sentence that names the key, the value and the remedy.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import combinations, product
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from hpo.sentences import nearest, sentence
from hpo.space import Categorical, Ordinal, Variable
from models.datasets import Kind
from models.encoders import KIND_ENCODINGS
from workers.layout import depth, variables
from workers.parameters import ACCELERATOR_NAMES, TrialParameters, design_grid

if TYPE_CHECKING:
    from hpo.campaign import CampaignSpec

MAX_DESIGNS = 64
"""Designs per trained network: beyond this the pricing would cost more than the training."""
LOG_MEASURES = frozenset({"latency_us", "energy_uj", "luts", "ffs", "spikes_per_inference"})


ROUNDING = ("weight_bits", "membrane_bits", "leak", "leak_bits", "input_bits")
"""What a training that knows the accelerator's rounding depends on."""


def check(spec: "CampaignSpec", kind: Kind | None) -> None:
    """All checks of a campaign whose data set holds ``kind``, where that is known without reading it."""
    _check_names(spec)
    _check_designs(spec)
    _check_templates(spec)
    _check_references(spec)
    for config in edge_configurations(spec):
        _check_one(spec, config)
    _check_warmup(spec)
    _check_monitored(spec)
    _check_allocation(spec)
    if kind is not None and (fault := encoding_fault(spec, kind)):
        raise ValueError(fault)


def _check_names(spec: "CampaignSpec") -> None:
    """Every parameter is known and stands in one table only; [designs] holds accelerator parameters."""
    known = {*TrialParameters.model_fields, *(name for text in templates(spec) for name in variables(text))}
    seen: dict[str, str] = {}
    for table in ("space", "fixed", "designs"):
        for name in getattr(spec, table):
            if name not in known:
                raise ValueError(f"{table}.{name}: there is no parameter {name!r}{nearest(name, known)}")
            if name in seen:
                raise ValueError(f"{table}.{name}: {name} is also in [{seen[name]}]: keep one of the two")
            seen[name] = table
    if "hidden_layers" in spec.space:
        raise ValueError(
            "space.hidden_layers: the number of layers cannot be searched: give it under [fixed]"
        )


def _check_designs(spec: "CampaignSpec") -> None:
    """[designs] holds what no training depends on, and not too much of it."""
    aware = _possible(spec, "quantization_aware")
    for name, values in spec.designs.items():
        if name not in ACCELERATOR_NAMES or (name in ROUNDING and True in aware):
            raise ValueError(f"designs.{name}: training depends on {name}: move it to [space] or [fixed]")
        if not values:
            raise ValueError(f"designs.{name}: the list is empty: give at least one value")
    if math.prod(len(values) for values in spec.designs.values()) > MAX_DESIGNS:
        raise ValueError(f"designs: more than {MAX_DESIGNS} combinations: shorten a list")


def templates(spec: "CampaignSpec") -> tuple[str, ...]:
    """The text forms of the network that a trial may have, variables in braces; none for hidden_layers."""
    return tuple(text for text in _possible(spec, "network") if isinstance(text, str))


def layer_count(spec: "CampaignSpec") -> int:
    """Layers of neurons, as many in every network of a campaign."""
    texts = templates(spec)
    return depth(texts[0]) if texts else int(spec.fixed.get("hidden_layers", 1)) + 1


def _possible(spec: "CampaignSpec", name: str) -> tuple[Any, ...]:
    """The values that a parameter may have: those searched, the fixed one, or the default."""
    searched = spec.space.get(name)
    if searched is not None:
        return searched.choices if isinstance(searched, Categorical) else ()
    return (spec.fixed.get(name, TrialParameters.model_fields[name].default),)


def _check_templates(spec: "CampaignSpec") -> None:
    """All networks of a campaign have as many layers, for the optimiser models the spikes of each."""
    texts = templates(spec)
    depths = {depth(text): text for text in texts}
    if len(depths) > 1:
        one, other = list(depths.values())[:2]
        raise ValueError(
            f"space.network: {one!r} and {other!r} have different numbers of layers, which cannot be"
            " searched: make one campaign of each"
        )
    if texts and {"hidden_layers", "hidden_width"} & {*spec.space, *spec.fixed}:
        raise ValueError(
            f"fixed.network: {texts[0]!r} stands beside hidden_layers or hidden_width, which it replaces:"
            " keep one of the two forms"
        )


def _check_references(spec: "CampaignSpec") -> None:
    for name, objective in spec.objectives.items():
        if not math.isfinite(objective.reference):
            raise ValueError(f"objectives.{name}.reference: {objective.reference} is not a number: give one")
        if name == "accuracy" and not 0.0 <= objective.reference < 1.0:
            raise ValueError(
                f"objectives.accuracy.reference: accuracy is a share from 0 to 1, not "
                f"{objective.reference:g}: write 0.8 for 80 %"
            )
        if objective.scale == "log" and name not in LOG_MEASURES:
            raise ValueError(
                f"objectives.{name}.scale: {name} can be zero, which a log scale cannot show: "
                f"leave scale out, or choose among {', '.join(sorted(LOG_MEASURES))}"
            )
        if spec.scale(name) == "log" and objective.reference <= 0:
            raise ValueError(
                f"objectives.{name}.reference: {objective.reference:g} is not above zero, as its log scale "
                "needs: give the worst value still of interest"
            )


def edge_configurations(spec: "CampaignSpec") -> Iterator[dict[str, Any]]:
    """Every pair of edges of the space: what makes a configuration impossible shows in one of them."""
    space = spec.search_space
    base = {name: _edges(variable)[-1] for name, variable in spec.space.items()}
    pairs = combinations(spec.space, 2) if len(spec.space) > 1 else [(next(iter(spec.space)),) * 2]
    for first, second in pairs:
        for one, two in product(_edges(spec.space[first]), _edges(spec.space[second])):
            config = {**base, first: one, second: two}
            yield {name: config[name] for name in space.active(config)}


def _check_one(spec: "CampaignSpec", config: dict[str, Any]) -> None:
    """One complete configuration; a fault is laid at the table that holds the parameter at fault."""
    try:
        design_grid(spec.complete(config), spec.designs)
    except ValidationError as error:
        location = error.errors()[0]["loc"]
        tables = ("space", "fixed", "designs")
        table = next((f"{t}." for t in tables if location and location[0] in getattr(spec, t)), "")
        raise ValueError(f"{table}{sentence(error, TrialParameters)}") from None


def _check_warmup(spec: "CampaignSpec") -> None:
    """Silence must be judged in at least one epoch of the shortest training."""
    table = "space" if "epochs" in spec.space else "fixed"
    default = TrialParameters.model_fields["epochs"].default
    shortest = min(_edges(spec.space["epochs"])) if table == "space" else spec.fixed.get("epochs", default)
    if spec.silence.warmup_epochs >= shortest:
        raise ValueError(
            f"silence.warmup_epochs: {spec.silence.warmup_epochs} of {shortest} epochs leave none to judge: "
            f"lower it below {table}.epochs"
        )


def _check_monitored(spec: "CampaignSpec") -> None:
    """Silence is watched at layers that every network has."""
    layers = 1 if "stdp" in _possible(spec, "learning") else layer_count(spec)
    for layer in spec.silence.monitored_layers:
        if not -layers <= layer < layers:
            raise ValueError(
                f"silence.monitored_layers: {layer} is none of the {layers} layers that learn: give"
                f" -1 for the last, or 0 to {layers - 1}"
            )


def _check_allocation(spec: "CampaignSpec") -> None:
    """Lanes are chosen within a device's budget, so that a device must be named."""
    searched = spec.space.get("lanes")
    choices = {
        "fixed": [spec.fixed.get("lanes")],
        "designs": spec.designs.get("lanes", []),
        "space": searched.choices if isinstance(searched, Categorical) else [],
    }
    for table, values in choices.items():
        if "auto" in values and spec.device is None:
            raise ValueError(f"{table}.lanes: auto needs a budget to choose within: give device = 'pynq-z2'")


def encoding_fault(spec: "CampaignSpec", kind: Kind) -> str | None:
    """What is wrong where a trial may have an encoding that samples of that kind do not have."""
    searched = spec.space.get("encoding")
    default = TrialParameters.model_fields["encoding"].default
    table = "fixed" if searched is None else "space"
    asked = searched.choices if isinstance(searched, Categorical) else [spec.fixed.get("encoding", default)]
    allowed = KIND_ENCODINGS[kind]
    for encoding in asked:
        if encoding not in allowed:
            return (
                f"{table}.encoding: the data set {spec.data.set!r} holds {kind}, which {encoding!r} does not"
                f" encode: give {' or '.join(repr(name) for name in allowed)}"
            )
    return None


def _edges(variable: Variable) -> tuple[Any, ...]:
    """The values that can make a configuration impossible: every name, the ends of numbers."""
    if isinstance(variable, Categorical):
        names = [choice for choice in variable.choices if isinstance(choice, str | bool)]
        return (*names, *_ends([choice for choice in variable.choices if not isinstance(choice, str | bool)]))
    if isinstance(variable, Ordinal):
        return _ends(variable.values)
    return (variable.low, variable.high)


def _ends(numbers: Sequence[Any]) -> tuple[Any, ...]:
    return (min(numbers), max(numbers)) if numbers else ()
