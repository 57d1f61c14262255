"""All that is answered, put together."""

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from stateward.errors import Code
from stateward.http import answers

Routes = Sequence[BaseRoute]


def application(routes: Routes) -> Starlette:
    found = Starlette(routes=list(routes), exception_handlers={404: _nothing, 405: _otherwise})
    found.router.redirect_slashes = False  # it would send to whatever host is asked for
    return found


async def _nothing(request: Request, _error: Exception) -> Response:
    return answers.problem(Code.NO_SUCH_PAGE, 404, f"{request.url.path}: there is nothing here")


async def _otherwise(request: Request, error: Exception) -> Response:
    headers = error.headers if isinstance(error, HTTPException) else None
    message = f"{request.method}: this is not how {request.url.path} is asked"
    return answers.problem(Code.BAD_REQUEST, 405, message, headers=headers)
