"""Every failure in one shape: ``{"error": {"kind": ..., "message": ...}}``."""

import logging
from collections.abc import Mapping
from http import HTTPStatus

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from spikefront.errors import SpikefrontError

_log = logging.getLogger("spikefront.service")


def failure(
    status: int, message: str, headers: Mapping[str, str] | None = None, kind: str | None = None
) -> JSONResponse:
    """An error answer; without a ``kind`` the HTTP status' own name stands there, as in "NotFound"."""
    kind = kind or HTTPStatus(status).phrase.title().replace(" ", "").replace("-", "")
    return JSONResponse({"error": {"kind": kind, "message": message}}, status, headers)


def install(app: FastAPI) -> None:
    """Make every error that a route may end in answer in that shape."""
    app.add_exception_handler(SpikefrontError, _own)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unforeseen)


def _own(_request: Request, error: Exception) -> JSONResponse:
    status = error.http_status if isinstance(error, SpikefrontError) else 500
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.error("%s", error)
    return failure(status, str(error), kind=type(error).__name__)


def _invalid(_request: Request, error: Exception) -> JSONResponse:
    first = error.errors()[0] if isinstance(error, RequestValidationError) else {}
    where = " ".join(str(part) for part in first.get("loc", ("request",)))
    message = f"{where}: {first.get('msg', 'invalid')}, not {first.get('input')!r:.60}; change it."
    return failure(HTTPStatus.UNPROCESSABLE_ENTITY, message, kind="InputError")


def _http(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        return _unforeseen(request, error)
    generic = error.detail == HTTPStatus(error.status_code).phrase
    message = f"{error.detail}: {request.method} {request.url.path:.100}." if generic else error.detail
    return failure(error.status_code, message, error.headers)


def _unforeseen(_request: Request, _error: Exception) -> JSONResponse:
    # The server logs the traceback; the caller learns nothing of the inside.
    return failure(500, "Something went wrong inside Spikefront; its log says what.", kind="InternalError")
