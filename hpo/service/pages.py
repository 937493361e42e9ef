"""The web pages: a list of campaigns, one page per campaign, the login form, and what they load."""

from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Annotated
from urllib.parse import parse_qs

import jinja2
from fastapi import APIRouter, Depends
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from hpo.queries import spec_of
from hpo.service.access import SESSION_COOKIE, SESSION_S, Gate
from hpo.service.api import ServiceDep, body_text
from spikefront.errors import NotFoundError

MAX_LISTED = 200
_HERE = Path(__file__).parent
_TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(_HERE / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_MEDIA = {
    "style.css": "text/css; charset=utf-8",
    "campaign.js": "text/javascript; charset=utf-8",
    "actions.js": "text/javascript; charset=utf-8",
    "plotly.min.js": "text/javascript; charset=utf-8",
}

router = APIRouter(include_in_schema=False)


@router.get("/")
def index(service: ServiceDep) -> HTMLResponse:
    """Every campaign with its trials by state."""
    records = service.store.campaigns(MAX_LISTED)
    counts = service.store.counts_of([record.name for record in records])
    rows = [(record, counts[record.name]) for record in records]
    return _page("index.html", rows=rows, total=service.store.campaign_count())


@router.get("/campaigns/{name}")
def campaign(name: str, service: ServiceDep) -> HTMLResponse:
    """One campaign, live."""
    try:
        spec = spec_of(service.store, name)
    except NotFoundError as error:
        return _page("missing.html", HTTPStatus.NOT_FOUND, message=str(error))
    return _page("campaign.html", spec=spec, script_version=plotly_version())


@router.get("/login")
def login_form(request: Request) -> Response:
    """The form that asks for the token."""
    return (
        RedirectResponse("/", HTTPStatus.SEE_OTHER)
        if _gate(request) is None
        else _page("login.html", wrong=False)
    )


@router.post("/login")
def login(request: Request, text: Annotated[str, Depends(body_text)]) -> Response:
    """Exchange the token for a session cookie."""
    gate = _gate(request)
    if gate is not None and not gate.opens(_posted_token(text)):
        return _page("login.html", HTTPStatus.UNAUTHORIZED, wrong=True)
    answer = RedirectResponse("/", HTTPStatus.SEE_OTHER)
    if gate is not None:
        secure = request.url.scheme == "https"
        answer.set_cookie(
            SESSION_COOKIE, gate.session(), SESSION_S, secure=secure, httponly=True, samesite="strict"
        )
    return answer


@router.get("/healthz")
def health(service: ServiceDep) -> JSONResponse:
    """Whether the service answers and reaches its store; needs no token and says nothing else."""
    service.store.campaign_count()
    return JSONResponse({"status": "ok"})


@router.get("/static/{name}")
def static(name: str) -> Response:
    """One of the few files that pages load."""
    if name not in _MEDIA:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    content = _plotly() if name == "plotly.min.js" else (_HERE / "static" / name).read_text("utf-8")
    # The address of plotly.js holds its version, so browsers may keep it.
    keep = "private, max-age=604800" if name == "plotly.min.js" else "no-cache"
    return Response(content, media_type=_MEDIA[name], headers={"cache-control": keep})


def _page(template: str, status: int = HTTPStatus.OK, **values: object) -> HTMLResponse:
    return HTMLResponse(_TEMPLATES.get_template(template).render(**values), status)


def _posted_token(form: str) -> str:
    try:
        return parse_qs(form, max_num_fields=4).get("token", [""])[0].strip()
    except ValueError:  # more fields than the form has
        return ""


def _gate(request: Request) -> Gate | None:
    gate: Gate | None = request.app.state.gate
    return gate


@cache
def _plotly() -> str:
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs())


@cache
def plotly_version() -> str:
    """Version of the plotly.js that the page loads."""
    from plotly.offline import get_plotlyjs_version

    return str(get_plotlyjs_version())
