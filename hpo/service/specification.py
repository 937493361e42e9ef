"""Reading a posted specification from a stranger: bounded before any parser sees it.

The parsers of TOML and YAML are written in Python and take time that grows with the square of some inputs,
and a few YAML aliases stand for gigabytes of values. A campaign is a page of text, so the bounds are far from
any real one.
"""

from http import HTTPStatus

import yaml
from starlette.exceptions import HTTPException

from hpo.campaign import CampaignSpec
from spikefront.errors import SpecError

MAX_CHARACTERS = 65_536
MAX_LINE = 1_000
MAX_DEPTH = 32
FORMS = {
    "application/json": "json",
    "application/toml": "toml",
    "application/yaml": "yaml",
    "application/x-yaml": "yaml",
    "text/yaml": "yaml",
}


def read_specification(text: str, content_type: str) -> CampaignSpec:
    """Check a posted campaign.

    Raises:
        SpecError: it is too large, not what its type says, or no campaign.
        HTTPException: 415 for a content type that is not in ``FORMS``.
    """
    form = FORMS.get(content_type.partition(";")[0].strip().lower())
    if form is None:
        detail = (
            f"A specification of type {content_type!r:.60} cannot be read; send one of {', '.join(FORMS)}."
        )
        raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail)
    if len(text) > MAX_CHARACTERS:
        raise SpecError(f"The specification has {len(text)} characters; keep it under {MAX_CHARACTERS}.")
    if form == "toml":
        _check_lines(text)
    elif form == "yaml":
        _check_events(text)
    return CampaignSpec.from_text(text, form, "the specification")


def _check_lines(text: str) -> None:
    # A key of n dotted parts costs the square of n.
    longest = max((len(line) for line in text.splitlines()), default=0)
    if longest > MAX_LINE:
        raise SpecError(
            f"The specification has a line of {longest} characters; break it up under {MAX_LINE}."
        )


def _check_events(text: str) -> None:
    depth = 0
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if isinstance(event, yaml.AliasEvent):
                raise SpecError(
                    f"The specification has the YAML alias *{event.anchor:.40}; write its values out."
                )
            if depth > MAX_DEPTH:
                raise SpecError(f"The specification is nested more than {MAX_DEPTH} deep; flatten it.")
    except yaml.YAMLError:
        return  # the reader names the fault
