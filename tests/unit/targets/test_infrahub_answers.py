"""What a server answers, told apart by shape. The shapes are those that a real one was seen to give."""

import json
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from stateward.errors import Code, StatewardError, TargetRefused, TargetUnavailable
from stateward.targets.infrahub import answers
from stateward.targets.infrahub.answers import (
    Answer,
    GraphqlError,
    Lasting,
    QueryRefused,
    Reply,
    Untouched,
)
from stateward.targets.infrahub.body import Body, Garbled, TooLarge

CANARY = "s3cr3t-canary"
JSON = {"content-type": "application/json"}


def reply(body: Any, status: int = 200, **headers: str) -> Reply:
    packed = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status=status, headers={**JSON, **named}, body=packed)


def failure(message: str, code: Any = None, status: Any = None, **more: Any) -> dict[str, Any]:
    return {"message": message, "extensions": {"code": code, "http_status": status}, **more}


def failed(*errors: Any, **data: Any) -> dict[str, Any]:
    return {"data": data or None, "errors": list(errors)}


MERGING = failure("A merge is currently in progress", "MERGE_IN_PROGRESS", 423)
SHED = {"data": None, "errors": [failure("Server is shedding load; retry later.", 429)]}


def query(own: Reply) -> Any:
    return answers.answer(own, (CANARY,), writing=False)


def mutation(own: Reply) -> Any:
    return answers.answer(own, (CANARY,), writing=True)


def rest(own: Reply) -> Any:
    return answers.document(own, (CANARY,))


def test_data_is_returned():
    assert query(reply({"data": {"a": 1}})).data == {"a": 1}


def test_errors_of_a_mutation_come_with_what_went_well():
    body = failed(failure("m", "ATTRIBUTE_REQUIRED", 422, path=["a1"]), a0={"ok": True}, a1=None)
    found = mutation(reply(body))

    assert found.data == {"a0": {"ok": True}, "a1": None}
    assert found.errors == (
        GraphqlError(message="m", path=("a1",), code="ATTRIBUTE_REQUIRED", status=422),
    )


BOTH = [query, mutation]


@pytest.mark.parametrize("read", [*BOTH, rest])
@pytest.mark.parametrize(
    ("own", "kind", "code"),
    [
        (reply(failed(failure("Invalid token", 401)), 401), TargetRefused, "CREDENTIALS"),
        (reply(b"<html>", 401), TargetRefused, "CREDENTIALS"),
        (reply(b"", 407), TargetRefused, "CREDENTIALS"),
        (reply({"errors": ["Branch: x not found."]}, 404), TargetRefused, "BRANCH"),
        (reply(failed(failure("Branch: x not found.", 400)), 400), TargetRefused, "BRANCH"),
        (reply({"detail": "Not Found"}, 404), TargetRefused, "ANSWER"),
        (reply(b"<html>", 404), TargetRefused, "ANSWER"),
        (reply(b"<html>", 403), TargetRefused, "ANSWER"),
        (reply(b"too large", 413), TargetRefused, "ANSWER"),
        (reply({"data": {}}, 418), TargetRefused, "ANSWER"),
        (reply(b"", 302, location="https://login/"), TargetRefused, "ANSWER"),
        (reply(SHED, 429, x_infrahub_admission="shed"), Untouched, "BUSY"),
        (reply(SHED, 429), TargetUnavailable, "BUSY"),
        (reply(b"Internal Server Error", 500), TargetUnavailable, "UNREACHABLE"),
        (reply(failed(failure("Database is down", 503)), 503), TargetUnavailable, "UNREACHABLE"),
        (reply(b"<html>Bad Gateway", 502), TargetUnavailable, "UNREACHABLE"),
        (reply(b"", 408), TargetUnavailable, "UNREACHABLE"),
        (reply(b'{"data": {"a'), TargetUnavailable, "ANSWER"),
        (reply(b'{"data": NaN}'), TargetUnavailable, "ANSWER"),
        (reply(b"[" * 100_000), TargetUnavailable, "ANSWER"),
        (reply(b""), TargetUnavailable, "ANSWER"),
    ],
)
def test_some_replies_mean_the_same_whatever_was_asked(read, own, kind, code):
    with pytest.raises(StatewardError) as caught:
        read(own)

    assert (type(caught.value), caught.value.code) == (kind, Code[f"TARGET_{code}"])


@pytest.mark.parametrize(
    "body",
    [b"<html>hello", b"[]", b"1", b"null", b'"x"', b"{}", b'{"data": []}', b'{"errors": []}'],
)
def test_what_is_no_answer_is_refused_and_after_a_change_nothing_is_certain(body):
    headers = {"content_type": "text/html"} if body.startswith(b"<") else {}
    with pytest.raises(TargetRefused) as asked:
        query(reply(body, **headers))
    with pytest.raises(TargetUnavailable) as changed:
        mutation(reply(body, **headers))

    assert asked.value.code is changed.value.code is Code.TARGET_ANSWER
    assert not isinstance(changed.value, Untouched | Lasting)


@pytest.mark.parametrize(
    ("errors", "kind", "code"),
    [
        ([failure("denied", "PERMISSION_DENIED", 403)], TargetRefused, Code.TARGET_PERMISSION),
        ([failure("who?", "AUTHENTICATION_REQUIRED", 401)], TargetRefused, Code.TARGET_CREDENTIALS),
        ([MERGING], Untouched, Code.TARGET_BUSY),
        ([failure("help", "MERGE_RECOVERY_REQUIRED", 423)], Lasting, Code.TARGET_BUSY),
        (
            [failure("Neo4j", "UNDEFINED_ERROR", 500, path=["a"])],
            TargetUnavailable,
            Code.TARGET_UNREACHABLE,
        ),
        ([failure("down", "DATABASE_ERROR", 503)], TargetUnavailable, Code.TARGET_UNREACHABLE),
        ([failure("Cannot query field 'x'", "UNDEFINED_ERROR", 500)], QueryRefused, Code.REJECTED),
        (["only words"], QueryRefused, Code.REJECTED),
        ([{"message": ["nested"]}], QueryRefused, Code.REJECTED),
        ([7, None], QueryRefused, Code.REJECTED),
    ],
)
def test_a_query_that_met_an_error_raises(errors, kind, code):
    with pytest.raises(StatewardError) as caught:
        query(reply(failed(*errors, a=None)))

    assert (type(caught.value), caught.value.code) == (kind, code)


def test_a_refused_query_has_its_errors():
    with pytest.raises(QueryRefused, match="a \\(and 1 more\\)") as caught:
        query(reply(failed(failure("a"), failure("b"))))

    assert [own.message for own in caught.value.errors] == ["a", "b"]


@pytest.mark.parametrize("status", [200, 403])
def test_a_denied_change_is_an_error_about_the_whole_request(status):
    found = mutation(reply(failed(failure("denied", "PERMISSION_DENIED", 403)), status))

    assert [(own.path, own.code) for own in found.errors] == [((), "PERMISSION_DENIED")]
    assert found.data == {}


def test_a_denied_query_names_the_permission():
    body = failed(failure("You do not have: object:Lab:Thing:view", "PERMISSION_DENIED", 403))
    with pytest.raises(TargetRefused, match="object:Lab:Thing:view") as caught:
        query(reply(body, 403))

    assert caught.value.code is Code.TARGET_PERMISSION


@pytest.mark.parametrize(
    "body",
    [
        failed({**MERGING, "path": ["a0"]}, {**MERGING, "path": ["a1"]}, a0=None, a1=None),
        failed(MERGING),
    ],
)
@pytest.mark.parametrize("status", [200, 423])
def test_changes_that_all_met_a_merge_did_not_happen(body, status):
    with pytest.raises(Untouched, match="merging"):
        mutation(reply(body, status))


@pytest.mark.parametrize(
    "body",
    [
        failed({**MERGING, "path": ["a1"]}, a0={"ok": True}, a1=None),
        failed({**MERGING, "path": ["a1"]}, a0=None, a1=None),
        failed({**MERGING, "path": ["a0"]}, failure("other", path=["a1"]), a0=None, a1=None),
    ],
)
def test_changes_of_which_only_some_met_a_merge_may_have_happened(body):
    assert mutation(reply(body)).errors


def test_a_merge_that_needs_help_is_not_waited_for():
    with pytest.raises(Lasting):
        mutation(reply(failed(failure("help", "MERGE_RECOVERY_REQUIRED", 423))))


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("5", 5),
        (" 10 ", 10),
        ("999999999", 600),
        ("-1", None),
        ("1e9", None),
        ("inf", None),
        ("²", None),
        ("9" * 5000, None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", None),
    ],
)
def test_the_wait_that_is_asked_for_is_believed_within_reason(given, read):
    with pytest.raises(TargetUnavailable) as caught:
        query(reply(b"", 503, retry_after=given))

    assert caught.value.retry_after == read


def test_documents_are_returned_and_so_is_what_was_wrong_with_ours():
    bad = {"detail": [{"loc": ["body", 0], "msg": "too short"}, {"msg": "x"}, "y"]}

    assert rest(reply([1])) == [1]
    assert rest(reply(bad, 422)) == bad
    assert answers.complaints(bad) == ("body.0: too short", "x", "y")
    assert answers.complaints({"errors": [failure("m")], "detail": "d"}) == ("m", "d")
    assert answers.complaints([bad]) == ()


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (403, failed(failure("denied", 403)), TargetRefused),
        (400, failed(failure("Invalid time", 400)), QueryRefused),
        (423, failed(failure("merge", 423)), Untouched),
        (409, {}, TargetRefused),
        (422, [], TargetRefused),
    ],
)
def test_other_documents_are_errors(status, body, kind):
    with pytest.raises(StatewardError) as caught:
        rest(reply(body, status))

    assert type(caught.value) is kind


HOSTILE = f"{CANARY} \x1b[31m\u202e\n{'x' * 1000}{CANARY}\ud800"


@pytest.mark.parametrize(
    "own",
    [
        reply(failed(failure(HOSTILE, "X", 422, path=["a"]), a=None)),
        reply(failed(failure(HOSTILE, "PERMISSION_DENIED", 403)), 403),
        reply({"errors": [HOSTILE]}, 401),
        reply({"errors": [f"Branch: {HOSTILE} not found."]}, 404),
        reply({"detail": HOSTILE}, 500),
        reply(HOSTILE.encode("utf-8", "replace"), 500),
        reply(HOSTILE.encode("utf-8", "replace"), 418),
        reply(b"\xff\xfe\x00" + CANARY.encode(), 502),
        reply(CANARY.encode(), 200, content_type="text/html"),
        reply(b"", 200, content_type=HOSTILE),
        reply(b"", 302, location=f"https://u:{CANARY}@login/{CANARY}?token={CANARY}#{CANARY}"),
        reply(b"", 302, location=f"http://[{CANARY}"),
        reply(b"", 302, location=HOSTILE),
    ],
)
@pytest.mark.parametrize("read", [query, rest, mutation])
def test_foreign_words_are_short_printable_and_without_our_secrets(own, read):
    said = words(read, own)

    assert CANARY not in said
    assert said.isprintable()
    assert len(said) < 450


def words(read: Callable[[Reply], Any], own: Reply) -> str:
    try:
        found = read(own)
    except StatewardError as error:
        return str(error)
    return found.errors[0].message if isinstance(found, Answer) else ""


def test_a_broken_login_does_not_show_its_token():
    own = reply(b'{"access_token": "fresh-canary", ', 200, content_type="text/plain")
    with pytest.raises(TargetRefused) as caught:
        rest(own)

    assert "fresh" not in repr(caught.value)
    assert caught.value.__cause__ is None


def packed(data: bytes) -> bytes:
    own = zlib.compressobj(wbits=31)
    return own.compress(data) + own.flush()


def test_a_body_is_put_together_up_to_its_limit():
    body = Body("", 4)
    body.feed(b"ab")
    body.feed(b"cd")

    assert body.whole() == b"abcd"
    with pytest.raises(TooLarge):
        body.feed(b"e")


def test_a_packed_body_is_unpacked_up_to_the_limit_and_no_further():
    body = Body("GZIP", 100)
    whole = packed(b"a" * 100)
    body.feed(whole[:9])
    body.feed(whole[9:])

    assert body.whole() == b"a" * 100
    with pytest.raises(TooLarge):
        Body("gzip", 99).feed(packed(b"a" * 50_000_000))


@pytest.mark.parametrize("encoding", ["br", "gzip, gzip", "deflate", CANARY])
def test_other_packing_was_not_asked_for(encoding):
    with pytest.raises(Garbled) as caught:
        Body(encoding, 9)

    assert CANARY not in str(caught.value)


def test_a_packed_body_that_is_not_whole_is_not_taken():
    cut = Body("gzip", 1000)
    cut.feed(packed(bytes(range(256)))[:-20])
    with pytest.raises(Garbled):
        cut.whole()
    with pytest.raises(Garbled):
        Body("gzip", 1000).feed(b"not packed")
