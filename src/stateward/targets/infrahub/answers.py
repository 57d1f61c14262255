"""What an Infrahub answered, told apart: data, errors of single mutations, or nothing to go on.

Bytes and headers in, values or exceptions out. The server is not trusted: what of its words is
repeated is one printable line, not too long, and without our secrets. Two exceptions say more than
their base:

    TargetUnavailable
    ├─ Untouched    nothing of the request was carried out: it may be sent again, whatever it was
    └─ Lasting      sending it again helps nothing, though a later round may
    TargetRefused
    └─ QueryRefused    the errors of a query, for those who can tell what they mean
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, NoReturn

from stateward.errors import Code, TargetRefused, TargetUnavailable
from stateward.targets.infrahub.words import bare, shown, text

MOST_RETRY_AFTER = 600.0
"""Seconds: no server makes us wait for longer than this by asking for it."""

_MERGING = "MERGE_IN_PROGRESS"
_RECOVERING = "MERGE_RECOVERY_REQUIRED"
_DENIED = "PERMISSION_DENIED"
_NO_ACCOUNT = "AUTHENTICATION_REQUIRED"
_UNDEFINED = "UNDEFINED_ERROR"
_CODE = re.compile(r"[A-Z_]{1,64}")
_UNDONE = re.compile(
    r"^ForsetiClient\[.*would form this deadlock"
    r"|^The transaction has been terminated\. Retry your operation in a new transaction"
)
_NO_BRANCH = re.compile(r"Branch: .* not found\.?")


class Untouched(TargetUnavailable):
    """The target is busy or could not be reached: nothing of the request was carried out."""


class Lasting(TargetUnavailable):
    """The target cannot do it for now, and asking again at once does not help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphqlError:
    """One error of an answer. Without a path it is about the whole request: nothing ran."""

    message: str
    path: tuple[str | int, ...] = ()
    code: str = ""
    status: int = 0
    data: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def undone(self) -> bool:
        """Whether the server's database took the change back for another one that was in its way.

        Infrahub asks its database again for most changes, and tells of the rest in Neo4j's words.
        """
        return _UNDONE.search(self.message) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of a GraphQL request: by alias, what there is, and what went wrong."""

    data: Mapping[str, Any]
    errors: tuple[GraphqlError, ...] = ()


class QueryRefused(TargetRefused):
    """The target did not answer a query."""

    def __init__(self, message: str, errors: tuple[GraphqlError, ...]) -> None:
        self.errors = errors
        super().__init__(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An HTTP response as it came. Header names are lower-case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def accepted(self) -> bool:
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES


def answer(reply: Reply, hidden: Sequence[str], *, writing: bool) -> Answer:
    """Read the reply to a GraphQL request; a query that met an error raises."""
    _tell_status(reply, hidden)
    found = _graphql(reply, hidden, writing=writing)
    if not writing:
        _raise_for_query(found.errors)
    elif found.errors and _nothing_ran(found):
        _raise_for_state(found.errors)
    return found


def document(reply: Reply, hidden: Sequence[str], *, writing: bool = False) -> Any:
    """Read the reply to a REST request; errors about what was sent (422) are returned, too."""
    _tell_status(reply, hidden)
    body = _json(reply, hidden, writing=writing)
    if reply.accepted or (
        reply.status == HTTPStatus.UNPROCESSABLE_ENTITY and isinstance(body, dict)
    ):
        return body
    errors = tuple(_rest_errors(reply.status, body, hidden))
    _raise_for_place(reply, errors, hidden)
    _raise_for_query(errors)
    raise _strange(reply, f"HTTP {reply.status}", hidden)


def complaints(body: Any, hidden: Sequence[str] = ()) -> tuple[str, ...]:
    """Return what the body of a refused REST request complains of, fit to be printed."""
    return tuple(error.message for error in _rest_errors(0, body, hidden))


def _tell_status(reply: Reply, hidden: Sequence[str]) -> None:
    """Raise for a status that says it all, whatever came with it."""
    status = reply.status
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        place = shown(bare(reply.headers.get("location", "")), hidden) or "nowhere"
        raise TargetRefused(
            f"the target redirects to {place}: give the address that it answers at",
            code=Code.TARGET_ANSWER,
        )
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.PROXY_AUTHENTICATION_REQUIRED}:
        whom = "the target" if status == HTTPStatus.UNAUTHORIZED else "the proxy"
        raise TargetRefused(
            f"{whom} does not accept the credentials: {_words(reply, hidden)}",
            code=Code.TARGET_CREDENTIALS,
        )
    retry_after = _retry_after(reply)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        shed = reply.headers.get("x-infrahub-admission", "").strip().lower() == "shed"
        kind = Untouched if shed else TargetUnavailable
        raise kind(
            f"the target is too busy: {_words(reply, hidden)}",
            code=Code.TARGET_BUSY,
            retry_after=retry_after,
        )
    if status == HTTPStatus.REQUEST_TIMEOUT or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise TargetUnavailable(
            f"the target answers HTTP {status}: {_words(reply, hidden)}", retry_after=retry_after
        )


def _raise_for_place(reply: Reply, errors: Sequence[GraphqlError], hidden: Sequence[str]) -> None:
    """Raise if what was asked for is not there at all; on this the two interfaces differ."""
    if reply.status in {HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND} and any(
        _NO_BRANCH.fullmatch(own.message) for own in errors
    ):
        raise TargetRefused(
            f"the target has no such branch: {_first(errors)}", code=Code.TARGET_BRANCH
        )
    if reply.status == HTTPStatus.NOT_FOUND:
        raise _strange(reply, "HTTP 404", hidden)


def _graphql(reply: Reply, hidden: Sequence[str], *, writing: bool) -> Answer:
    body = _json(reply, hidden, writing=writing)
    errors = tuple(_errors(reply.status, body, hidden))
    _raise_for_place(reply, errors, hidden)
    shaped = isinstance(body, dict) and ("data" in body or errors)
    data = body.get("data") if shaped else None
    if not shaped or not isinstance(data, dict | None):
        raise _strange(reply, "JSON, but no GraphQL answer", hidden, writing=writing)
    if not reply.accepted and not errors:
        raise _strange(reply, f"HTTP {reply.status}", hidden)
    return Answer(data=data or {}, errors=errors)


def _json(reply: Reply, hidden: Sequence[str], *, writing: bool) -> Any:
    try:
        return json.loads(reply.body, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        kind = reply.headers.get("content-type", "")
        if "json" not in kind or not reply.accepted:
            what = f"HTTP {reply.status}, {shown(kind, hidden) or 'of no type'}"
            # Not ``from error``: it carries the whole document.
            raise _strange(reply, what, hidden, writing=writing) from None
        raise TargetUnavailable(
            f"the target's answer is not whole: {len(reply.body)} bytes, {type(error).__name__}",
            code=Code.TARGET_ANSWER,
        ) from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _errors(status: int, body: Any, hidden: Sequence[str]) -> Iterator[GraphqlError]:
    listed = body.get("errors") if isinstance(body, dict) else None
    for found in listed if isinstance(listed, list) else ():
        own = found if isinstance(found, dict) else {"message": found}
        more = own.get("extensions")
        more = more if isinstance(more, dict) else {}
        path, code, data = own.get("path"), more.get("code"), more.get("data")
        number = next(
            (n for n in (more.get("http_status"), code, status) if type(n) is int), status
        )
        yield GraphqlError(
            message=shown(text(own.get("message")), hidden),
            path=tuple(p for p in path if isinstance(p, str | int))
            if isinstance(path, list)
            else (),
            code=code if isinstance(code, str) and _CODE.fullmatch(code) else "",
            status=number,
            data=data if isinstance(data, dict) else {},
        )


def _rest_errors(status: int, body: Any, hidden: Sequence[str]) -> Iterator[GraphqlError]:
    yield from _errors(status, body, hidden)
    detail = body.get("detail") if isinstance(body, dict) else None
    for found in detail if isinstance(detail, list) else [detail] if detail else ():
        own = found if isinstance(found, dict) else {"msg": found}
        place = own.get("loc")
        at = ".".join(map(text, place)) + ": " if isinstance(place, list) else ""
        yield GraphqlError(message=shown(f"{at}{text(own.get('msg'))}", hidden), status=status)


def _nothing_ran(found: Answer) -> bool:
    failed = {error.path[0] for error in found.errors if error.path}
    whole = any(not error.path for error in found.errors)
    return all(value is None for value in found.data.values()) and (
        whole or failed >= set(found.data)
    )


def _raise_for_state(errors: Sequence[GraphqlError]) -> None:
    """Raise if the target as a whole does not take changes for now."""
    codes = {error.code for error in errors}
    if _RECOVERING in codes:
        raise Lasting(f"the target needs help: {_first(errors)}", code=Code.TARGET_BUSY)
    # The REST interface has numbers for codes, which are kept as the status.
    if codes == {_MERGING} or (
        codes == {""} and {error.status for error in errors} == {HTTPStatus.LOCKED}
    ):
        raise Untouched(f"the target is merging: {_first(errors)}", code=Code.TARGET_BUSY)


def _raise_for_query(errors: tuple[GraphqlError, ...]) -> None:
    if not errors:
        return
    _raise_for_state(errors)
    codes = {error.code for error in errors}
    statuses = {error.status for error in errors if error.path or error.code != _UNDEFINED}
    if _NO_ACCOUNT in codes or HTTPStatus.UNAUTHORIZED in statuses:
        raise TargetRefused(
            f"the target does not accept the credentials: {_first(errors)}",
            code=Code.TARGET_CREDENTIALS,
        )
    if _DENIED in codes or HTTPStatus.FORBIDDEN in statuses:
        raise TargetRefused(
            f"the target does not let this account do it: {_first(errors)}",
            code=Code.TARGET_PERMISSION,
        )
    if any(status >= HTTPStatus.INTERNAL_SERVER_ERROR for status in statuses):
        raise TargetUnavailable(f"the target failed: {_first(errors)}")
    raise QueryRefused(f"the target refused what was asked: {_first(errors)}", errors)


def _strange(
    reply: Reply, what: str, hidden: Sequence[str], *, writing: bool = False
) -> TargetRefused | TargetUnavailable:
    """Say that this is not Infrahub; after a change that was accepted, nothing is certain."""
    message = f"not an answer of Infrahub ({what})"
    if reply.accepted:
        # Nothing of it is repeated: it may be what is left of a login, with the token in it.
        kind = TargetUnavailable if writing else TargetRefused
        return kind(message, code=Code.TARGET_ANSWER)
    message = f"{message}: {_words(reply, hidden)}"
    return TargetRefused(message, code=Code.TARGET_ANSWER)


def _words(reply: Reply, hidden: Sequence[str]) -> str:
    """Return what a reply says in words, from whatever it is made of."""
    try:
        said = complaints(json.loads(reply.body), hidden)
    except (ValueError, RecursionError):
        said = ()
    return said[0] if said else shown(reply.body.decode("utf-8", "replace"), hidden) or "no words"


def _first(errors: Sequence[GraphqlError]) -> str:
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{errors[0].message}{more}"


def _retry_after(reply: Reply) -> float | None:
    asked = re.fullmatch(r"\s*([0-9]{1,9})\s*", reply.headers.get("retry-after", ""))
    return min(float(asked[1]), MOST_RETRY_AFTER) if asked else None
