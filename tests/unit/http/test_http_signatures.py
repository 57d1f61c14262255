"""What proves a call: the words of the forges' own documentation, and what falls short of them."""

import pytest
from calling import SECRET, signed

from stateward.http import signatures
from stateward.model.forge import Forge

BODY = b'{"ref": "refs/heads/main"}'


def mark(
    forge: Forge, headers: dict[str, str], body: bytes, secret: str = SECRET, now: float = 1000
) -> bytes | None:
    lower = {name.lower(): value for name, value in headers.items()}
    check = signatures.check(forge, lower, secret, now)
    for at in range(0, len(body), 7):
        check.feed(body[at : at + 7])
    return check.mark()


def test_githubs_own_example_is_taken() -> None:
    signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert mark(
        Forge.GITHUB,
        {"X-Hub-Signature-256": signature},
        b"Hello, World!",
        "It's a Secret to Everybody",
    )


def test_the_example_of_standard_webhooks_is_taken() -> None:
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v0,nonsense v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    body = b'{"test": 2432232314}'
    known = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    for forge in (Forge.GENERIC, Forge.GITLAB):
        assert mark(forge, headers, body, known, now=1614265330 + 299)
        assert mark(forge, headers, body, known, now=1614265330 + 301) is None
        assert mark(forge, headers, body, known, now=1614265330 - 301) is None


@pytest.mark.parametrize("forge", Forge)
def test_a_call_is_known_by_its_body(forge: Forge) -> None:
    first = mark(forge, signed(forge, BODY), BODY)
    assert first is not None
    assert mark(forge, signed(forge, BODY), BODY) == first
    other = BODY + b" "
    assert mark(forge, signed(forge, other), other) not in {None, first}


@pytest.mark.parametrize("forge", Forge)
def test_what_is_not_proved_is_not_taken(forge: Forge) -> None:
    given = signed(forge, BODY)
    assert mark(forge, {}, BODY) is None
    assert mark(forge, dict.fromkeys(given, ""), BODY) is None
    assert mark(forge, dict.fromkeys(given, "\xff\udcff"[:1]), BODY) is None
    assert mark(forge, signed(forge, BODY, "another"), BODY) is None
    for other in Forge:
        if other is not forge and (other, forge) != (Forge.GENERIC, Forge.GITLAB):
            assert mark(forge, signed(other, BODY), BODY) is None
    if forge is not Forge.GITLAB:
        assert mark(forge, given, BODY + b" ") is None


@pytest.mark.parametrize(
    "changed",
    [
        {"webhook-id": ""},
        {"webhook-id": "2"},
        {"webhook-timestamp": ""},
        {"webhook-timestamp": "1001"},
        {"webhook-timestamp": "-1000"},
        {"webhook-timestamp": "1e3"},
        {"webhook-timestamp": "\u0661000"},
        {"webhook-timestamp": "9" * 5000},
        {"webhook-signature": ""},
    ],
    ids=str,
)
def test_each_part_of_a_standard_call_counts(changed: dict[str, str]) -> None:
    assert mark(Forge.GENERIC, signed(Forge.GENERIC, BODY) | changed, BODY) is None


def test_of_many_signatures_only_the_first_are_looked_at() -> None:
    headers = signed(Forge.GENERIC, BODY)
    right = headers["webhook-signature"]
    assert mark(Forge.GENERIC, headers | {"webhook-signature": f"{'v1,x ' * 7}{right}"}, BODY)
    late = headers | {"webhook-signature": f"{'v1,x ' * 8}{right}"}
    assert mark(Forge.GENERIC, late, BODY) is None


def test_a_secret_that_only_looks_encoded_is_taken_as_it_is() -> None:
    known = "whsec_this is no base64"
    assert mark(Forge.GENERIC, signed(Forge.GENERIC, BODY, known), BODY, known)
