"""What every request passes before any route sees it, whatever its method or path.

Host (against DNS rebinding), Origin (against pages of other sites), the token, and the size of the body; and
the headers that every answer carries. One place, so that a new route cannot forget any of it.
"""

from collections.abc import Collection
from http import HTTPStatus

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hpo.service.access import SESSION_COOKIE, Gate, host_name
from hpo.service.failures import failure

MAX_BODY_BYTES = 1_000_000
OPEN_PATHS = frozenset({"/login", "/healthz", "/static/style.css"})

# Plotly draws with style elements of its own, so styles may be inline; scripts never.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # "no-referrer" would make browsers send "Origin: null" with the login form.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


class Guard:
    """ASGI middleware around the whole application; ``gate`` is None where no token is asked for."""

    def __init__(self, app: ASGIApp, gate: Gate | None, allowed_hosts: Collection[str]) -> None:
        self._app = app
        self._gate = gate
        self._allowed_hosts = frozenset(host.lower() for host in allowed_hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer or refuse one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            refusal = self._refusal(Request(scope))
            await (refusal or self._app)(scope, _limited(receive), _with_headers(send))
        else:  # there are no websocket routes
            await send({"type": "websocket.close", "code": 1008})

    def _refusal(self, request: Request) -> Response | None:
        return (
            self._wrong_host(request)
            or self._wrong_origin(request)
            or self._unknown_caller(request)
            or _declared_too_large(request)
        )

    def _wrong_host(self, request: Request) -> Response | None:
        hosts = request.headers.getlist("host")
        if len(hosts) == 1 and host_name(hosts[0]) in self._allowed_hosts:
            return None
        message = (
            f"The service does not answer to the host {', '.join(hosts)!r:.80}; "
            "use its own address, or name the host in SPIKEFRONT_ALLOWED_HOSTS."
        )
        return failure(HTTPStatus.BAD_REQUEST, message)

    def _wrong_origin(self, request: Request) -> Response | None:
        own = {f"{scheme}://{request.headers['host'].lower()}" for scheme in ("http", "https")}
        origins = {origin.lower() for origin in request.headers.getlist("origin")}
        if origins <= own:
            return None
        return failure(
            HTTPStatus.FORBIDDEN, "Requests from pages of other sites are refused; use this one's."
        )

    def _unknown_caller(self, request: Request) -> Response | None:
        if self._gate is None or request.url.path in OPEN_PATHS or self._is_known(self._gate, request):
            return None
        if request.method in {"GET", "HEAD"} and not request.url.path.startswith("/api/"):
            return RedirectResponse("/login", status_code=HTTPStatus.SEE_OTHER)
        message = "This service needs its token; send it as 'Authorization: Bearer TOKEN'."
        return failure(HTTPStatus.UNAUTHORIZED, message, {"www-authenticate": "Bearer"})

    @staticmethod
    def _is_known(gate: Gate, request: Request) -> bool:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and gate.opens(token.strip()):
            return True
        return gate.knows(request.cookies.get(SESSION_COOKIE, ""))


def _declared_too_large(request: Request) -> Response | None:
    length = request.headers.get("content-length", "0")
    if length.isascii() and length.isdigit() and len(length) < 20 and int(length) <= MAX_BODY_BYTES:
        return None
    return failure(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _TOO_LARGE)


_TOO_LARGE = f"The request's body is larger than {MAX_BODY_BYTES} bytes; send less."


def _limited(receive: Receive) -> Receive:
    seen = 0

    async def limited() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > MAX_BODY_BYTES:
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _TOO_LARGE)
        return message

    return limited


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
            headers.setdefault("cache-control", "no-store")
        await send(message)

    return sending
