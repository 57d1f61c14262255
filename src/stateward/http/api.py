"""The programming interface, as a table: what can be asked, by whom, and how it is answered.

Routes and the description are made of the same table, so that they cannot disagree.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from stateward.daemon import bugs
from stateward.errors import Code, StatewardError
from stateward.http import answers, asked
from stateward.http.access import Access, Scope
from stateward.http.asked import Asked, Fields
from stateward.http.view import View
from stateward.model.event import Action, Level, event

PREFIX = "/api/v1"
_TOP = "."
"""The unit of a repository's top directory."""

Handle = Callable[[Asked], Awaitable[Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One thing that can be asked."""

    name: str
    told: str
    method: str
    path: str
    scope: Scope
    handle: Handle
    places: Fields = field(default_factory=dict)
    """What stands in the path."""
    query: Fields = field(default_factory=dict)
    body: Fields | None = None
    answer: str
    """The name of the schema that answers are of."""
    media_type: str = "application/json"


def routes(operations: Sequence[Operation], access: Access, view: View) -> list[Route]:
    return [
        Route(
            PREFIX + _spelled(own),
            _endpoint(own, access, view),
            methods=[own.method],
            name=own.name,
        )
        for own in operations
    ]


def _spelled(own: Operation) -> str:
    """A unit's name has slashes."""
    return own.path.replace("{unit}", "{unit:path}")


def _endpoint(
    own: Operation, access: Access, view: View
) -> Callable[[Request], Awaitable[Response]]:
    async def answered(request: Request) -> Response:
        try:
            access.check(request, own.scope, view.means.clock())
            answer = await own.handle(await _read(own, request))
        except StatewardError as error:
            answer = answers.refused(error)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody is there to read it
        except Exception as error:  # noqa: BLE001 - a bug in an answer must not go unseen
            message = bugs.told(error)
            view.means.emit(event(Action.BUG, Level.ERROR, message=message))
            answer = answers.problem(Code.BUG, 500, message)
        answer.headers.setdefault("cache-control", "no-store")
        return answer

    return answered


async def _read(own: Operation, request: Request) -> Asked:
    path = dict(request.path_params)
    if path.get("unit") == "":
        path["unit"] = _TOP  # clients leave a last segment out that is a single dot
    return Asked(
        path=path,
        query=asked.query(request, own.query),
        body=await asked.body(request, own.body) if own.body is not None else {},
        headers=request.headers,
    )
