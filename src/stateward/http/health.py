"""Whether the daemon is alive, and whether it can work: two different things.

A mistake in somebody's files is neither, nor is a commit that is refused: it must not have the
process killed, or cut off.
"""

from collections.abc import Iterator

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from stateward.http.answers import Json
from stateward.http.view import View


def routes(view: View) -> list[Route]:
    async def healthz(_request: Request) -> Response:
        """Answer: whoever does so is on the loop that all else is on."""
        return PlainTextResponse("ok\n")

    async def readyz(_request: Request) -> Response:
        found = dict(hindrances(view))
        return Json({"ready": not found, "because": found}, status_code=503 if found else 200)

    return [Route("/healthz", healthz), Route("/readyz", readyz)]


def hindrances(view: View) -> Iterator[tuple[str, str]]:
    """Say what keeps the daemon from working. Anybody may read it: no names, no reasons."""
    if view.means.stop.is_set():
        yield "daemon", "stopping"
    crews = view.leading()
    if not crews:
        yield "leader", "another daemon is at work, or the lease cannot be had: this one stands by"
        return  # it does not even look
    tenders = [own for crew in crews for own in crew.tenders]
    if any(own.source is None for own in tenders):
        yield "sources", "not all of them were looked at yet"
    elif all(own.blind for own in tenders):
        yield "sources", "none of them can be looked at"
    if not all(own.keeper.remembers for own in tenders):
        yield "state", "the state database cannot be used"
    if all(own.resting() > 0 for own in crews):
        yield "target", "it failed again and again: it is given a rest"
