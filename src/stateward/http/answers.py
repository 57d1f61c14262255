"""What is wrong with a request, as RFC 9457 has it, with our codes."""

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from stateward.errors import Code

MEDIA_TYPE = "application/problem+json"


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
