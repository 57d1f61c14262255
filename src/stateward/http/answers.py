"""Answers: JSON, and what is wrong with a request as RFC 9457 has it, with our codes."""

import json
import math
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from stateward.errors import Code, ConfigError, StatewardError, Transient

MEDIA_TYPE = "application/problem+json"
_STATUS = {
    Code.BAD_REQUEST: 400,
    Code.UNKNOWN_CALLER: 401,
    Code.MAY_NOT_COMMAND: 403,
    Code.NO_SUCH_PAGE: 404,
    Code.NO_SUCH_UNIT: 404,
    Code.NO_SUCH_RUN: 404,
    Code.TOO_MANY: 429,
}
_AS_THINGS_STAND, _LATER = 409, 503
_RETRY_AFTER = 5.0


class Refused(ConfigError):
    """A request that is answered by what is wrong with it."""

    def __init__(self, code: Code, message: str, headers: Mapping[str, str] | None = None) -> None:
        self.headers = dict(headers or {})
        super().__init__(message, code=code)


class Json(Response):
    """JSON in ASCII: a name out of a repository may be no Unicode."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return json.dumps(content, allow_nan=False).encode()


def problem(
    code: Code, status: int, detail: str, *, headers: Mapping[str, str] | None = None
) -> Json:
    """Return an answer; its type is a name, since where the pages are is not known here."""
    return Json(
        {
            "type": f"urn:stateward:error:{code}",
            "title": code.slug.replace("-", " "),
            "status": status,
            "detail": detail,
            "code": code.value,
        },
        status_code=status,
        headers=dict(headers or {}),
        media_type=MEDIA_TYPE,
    )


def refused(error: StatewardError) -> Json:
    """Return what an error comes to for whoever asked."""
    headers = error.headers if isinstance(error, Refused) else {}
    status = _STATUS.get(error.code, _AS_THINGS_STAND)
    if isinstance(error, Transient):
        status = _LATER
        headers = {"retry-after": str(math.ceil(error.retry_after or _RETRY_AFTER))}
    return problem(error.code, status, str(error.args[0]), headers=headers)
