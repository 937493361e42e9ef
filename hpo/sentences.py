"""Turning pydantic's findings into the one sentence a user reads."""

from collections.abc import Iterable
from difflib import get_close_matches
from reprlib import Repr
from typing import Any

from pydantic import BaseModel, ValidationError

_TABLE = "a table of keys is needed here, not {value}: see examples/digits.toml"
_KIND = 'a variable needs type = "float", "integer", "categorical" or "ordinal": give one of them'
_OWN_WORDS = {
    "missing": "this key is missing: add it (examples/digits.toml shows every table)",
    "union_tag_invalid": _KIND,
    "union_tag_not_found": _KIND,
    "model_type": _TABLE,
    "model_attributes_type": _TABLE,
    "dict_type": _TABLE,
    "too_short": "the table is empty: add at least one entry",
    "string_pattern_mismatch": "{value} does not fit: use letters, digits, '.', '_' and '-' only",
}
"""Sentences for pydantic's kinds of finding whose own words do not say what to do."""
_REPR = Repr()
_REPR.maxlevel, _REPR.maxstring, _REPR.maxother = 3, 57, 57


def nearest(name: str, known: Iterable[str]) -> str:
    """``": did you mean 'x'?"`` or the list of what there is, to end a sentence with."""
    names = list(known)
    close = get_close_matches(name, names, n=1)
    return f": did you mean {close[0]!r}?" if close else f": known are {', '.join(sorted(names))}"


def sentence(error: ValidationError, model: type[BaseModel]) -> str:
    """The first finding as one sentence: key, what was wrong, the value, the remedy."""
    found = error.errors()
    # A misspelt key is also a missing one: the misspelling is what the user can see.
    first = next((one for one in found if one["type"] == "extra_forbidden"), found[0])
    key = ".".join(str(part) for part in first["loc"] if not _is_tag(part))
    message = _message(first, model)
    return f"{key}: {message}" if key else message


def _is_tag(part: Any) -> bool:
    """Whether a step of the location is pydantic's name for a member of a union, not the user's key."""
    return part in ("float", "integer", "categorical", "ordinal", "constrained-int") or "tuple[" in str(part)


def _message(first: Any, model: type[BaseModel]) -> str:
    kind, value = first["type"], first.get("input")
    if kind == "value_error":
        return str(first["ctx"]["error"])
    if kind == "extra_forbidden":
        return (
            f"unknown key (value {_short(value)}){nearest(str(first['loc'][-1]), _keys(model, first['loc']))}"
        )
    if kind in _OWN_WORDS:
        return _OWN_WORDS[kind].format(value=_short(value))
    text = str(first["msg"])
    return f"{text[0].lower()}{text[1:]}, not {_short(value)}: change it"


def _keys(model: type[BaseModel], location: tuple[Any, ...]) -> list[str]:
    """The keys that the table at ``location[:-1]`` may hold."""
    current: Any = model
    for part in location[:-1]:
        field = getattr(current, "model_fields", {}).get(part)
        annotation = field.annotation if field else current
        current = _model_in(annotation)
    return list(getattr(current, "model_fields", {}))


def _model_in(annotation: Any) -> Any:
    """The pydantic model inside an annotation such as ``dict[str, Model]``, or the annotation itself."""
    for part in getattr(annotation, "__args__", ()):
        found = _model_in(part)
        if isinstance(found, type) and issubclass(found, BaseModel):
            return found
    return annotation


def _short(value: Any) -> str:
    """A value as text of bounded length, however large it is inside."""
    text = _REPR.repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
