"""Calls of forges: they say that it is time to fetch, and nothing else they say is believed.

The body is held against the secret as it comes, and never kept or understood. A call that is not
proved gets one answer, whatever is wrong: the path, the forge, the source, the signature.
"""

import asyncio
import secrets
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from stateward.errors import Code
from stateward.http import answers, signatures
from stateward.http.gate import Rate, Replays
from stateward.http.view import View
from stateward.model.forge import Forge

LARGEST = 5 << 20
"""Bytes of a call."""
TIMEOUT = 10.0
"""Seconds that it may take to arrive."""
A_SECOND, BURST, PLACES = 10.0, 60.0, 1024
KEPT, MOST_KEPT = 3600.0, 4096
_PATH = "/hooks/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """Somebody who may call."""

    forge: Forge
    secret: str = field(repr=False)
    sources: frozenset[str]
    """The sources that are looked at then."""

    def concerns(self, path: str) -> frozenset[str]:
        """Return the sources that a path is about: those of its forge, or one of them."""
        forge, slash, source = path.partition("/")
        if forge != self.forge.value:
            return frozenset()
        return self.sources & {source} if slash else self.sources


class _TooLarge(Exception):
    """More came than is taken."""


@dataclass(slots=True)
class Hooks:
    """All who may call, and what is known of calls."""

    hooks: Sequence[Hook]
    view: View
    count: Callable[[str, str], None]
    """Is told the forge and what became of a call."""
    replays: Replays
    clock: Callable[[], float]
    """The time of day as others have it, since they sign with it."""
    rate: Rate = field(default_factory=lambda: Rate(A_SECOND, BURST, PLACES))

    def routes(self) -> list[Route]:
        return [Route(f"{_PATH}{{path:path}}", self.called, methods=["POST"])]

    async def called(self, request: Request) -> Response:
        path, now = request.path_params["path"], self.clock()
        forge = _forge(path)
        if not self.rate.admits(request.client.host if request.client else "", now):
            self.count(forge, "limited")
            return _problem(Code.TOO_MANY, 429, "too many calls", {"retry-after": "1"})
        try:
            async with asyncio.timeout(TIMEOUT):
                found = await self._proved(request, path, now)
        except TimeoutError:
            self.count(forge, "slow")
            return _problem(Code.BAD_REQUEST, 408, f"all of it is expected within {TIMEOUT:g} s")
        except _TooLarge:
            self.count(forge, "large")
            return _problem(Code.BAD_REQUEST, 413, f"more than {LARGEST >> 20} MiB are not taken")
        except ClientDisconnect:
            return Response(status_code=400)  # nobody is there to read it
        return self._answered(forge, found, now)

    async def _proved(self, request: Request, path: str, now: float) -> dict[bytes, set[str]]:
        """Return what a call may have looked at, by the marks of the calls that it proves to be."""
        checks = [
            (signatures.check(own.forge, request.headers, own.secret, now), own.concerns(path))
            for own in self.hooks
        ]
        if int(request.headers.get("content-length") or 0) > LARGEST:
            raise _TooLarge
        size = 0
        async for piece in request.stream():
            size += len(piece)
            if size > LARGEST:
                raise _TooLarge
            for check, _ in checks:
                check.feed(piece)
        found: dict[bytes, set[str]] = {}
        for check, sources in checks:
            mark = check.mark()
            if mark is not None and sources:
                found.setdefault(mark, set()).update(sources)
        return found

    def _answered(self, forge: str, found: dict[bytes, set[str]], now: float) -> Response:
        if not found:
            self.count(forge, "refused")
            return _problem(
                Code.HOOK_REFUSED, 401, "no hook is configured that this call proves to be"
            )
        # Not all(): each has to be remembered.
        new = [sources for mark, sources in found.items() if self.replays.is_new(mark, now)]
        self.count(forge, "taken" if new else "repeated")
        self._hint({own for sources in new for own in sources})
        return answers.Json({"taken": True}, status_code=202)

    def _hint(self, sources: Collection[str]) -> None:
        for own in self.view.tenders:
            if own.tended.name in sources:
                own.hint.set()


def decoy() -> Hook:
    """Return a hook that nobody can be, so that where there is none a call takes as long."""
    return Hook(forge=Forge.GENERIC, secret=secrets.token_hex(), sources=frozenset())


def _forge(path: str) -> str:
    """Return which forge a path is about, in a word of ours."""
    name = path.partition("/")[0]
    return name if name in set(Forge) else "unknown"


def _problem(
    code: Code, status: int, detail: str, headers: Iterable[tuple[str, str]] | dict[str, str] = ()
) -> Response:
    # What is left of the body is not read.
    return answers.problem(code, status, detail, headers={"connection": "close", **dict(headers)})
