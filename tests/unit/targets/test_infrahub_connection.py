"""Where an Infrahub is: what is read from an address, what is refused, and what is not repeated."""

from typing import Any

import pytest

from stateward.errors import Code, ConfigError
from stateward.targets.infrahub.connection import Connection, parse, spellings

CANARY = "s3cr3t-canary"
AWKWARD = 'a"b/<é'


def connection(**more: Any) -> Connection:
    given = {"address": "https://infrahub", "branch": "main", "in_flight": 2}
    return Connection(**{**given, "timeout": 1.0, "write_timeout": 1.0, **more})


@pytest.mark.parametrize(
    ("url", "address", "branch"),
    [
        ("http://localhost:8000", "http://localhost:8000", None),
        ("http://localhost:8000/", "http://localhost:8000", None),
        ("HTTPS://Infrahub.Example.com:443/a/b/", "https://infrahub.example.com/a/b", None),
        ("http://h:80?branch=main", "http://h", "main"),
        ("http://h/?branch=feat%2Fone", "http://h", "feat/one"),
        ("http://[::1]:8000/x?branch=été", "http://[::1]:8000/x", "été"),
    ],
)
def test_an_address_is_read(url, address, branch):
    assert parse(url) == (address, branch)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        (f"http://admin:{CANARY}@h", "a user, a password"),
        (f"http://{CANARY}@h", "a user, a password"),
        (f"http://h:{CANARY}", "not a valid URL"),
        ("http://h:0", "not a valid URL"),
        (f"http://h?token={CANARY}", "no other parameters"),
        (f"http://h?branch=a&token={CANARY}", "no other parameters"),
        ("http://h?branch=a&branch=b", "once"),
        (f"http://h?{CANARY}", "cannot be read"),
        ("http://h?branch=", "branch"),
        ("http://h?branch=../../api", "branch"),
        ("http://h?branch=a%0Ab", "branch"),
        (f"http://h#{CANARY}", "fragment"),
        ("http://h#", "fragment"),
        ("http://h/../x", "path"),
        (f"http://h/{CANARY};x", "path"),
        ("http://h/a%2fb", "path"),
        ("http://", "host"),
        ("http://-h", "host"),
        (f"ftp://{CANARY}@h", "expected http"),
        (f"{CANARY}", "expected http"),
        (f"http://h {CANARY}", "spaces"),
        (f"http://h\n{CANARY}", "spaces"),
    ],
)
def test_an_address_that_says_too_much_is_refused_and_not_repeated(url, why):
    with pytest.raises(ConfigError, match=why) as caught:
        parse(url)

    assert caught.value.code is Code.TARGET_UNKNOWN
    assert CANARY not in repr(caught.value) + str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"token": ""},
        {"token": f"{CANARY}\r\nX-Other: 1"},
        {"token": f"{CANARY} é"},
        {"password": CANARY},
        {"username": "admin"},
        {"client_key": "key.pem"},
        {"in_flight": 0},
        {"in_flight": 11},
        {"timeout": 0.0},
        {"write_timeout": float("inf")},
        {"branch": "a/../b"},
        {"branch": "a?b"},
        {"proxy": f"socks5://{CANARY}@p"},
        {"proxy": f"http://p:{CANARY}"},
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_sent(wrong):
    with pytest.raises(ConfigError) as caught:
        connection(**wrong)

    assert CANARY not in repr(caught.value)


def test_the_name_has_the_branch_and_no_secret():
    own = connection(token=CANARY, branch="feat/é", proxy=f"http://u:{CANARY}@p:1")

    assert own.name == "https://infrahub?branch=feat/%C3%A9"
    assert own.graphql == "https://infrahub/graphql/feat/%C3%A9"
    assert CANARY not in repr(own)


def test_secrets_are_known_in_every_spelling_that_a_server_may_use():
    own = connection(username="u", password=AWKWARD, proxy=f"http://u:{CANARY}%40@p:1")

    assert {'a"b/<é', 'a\\"b/<é', 'a\\"b/<\\u00e9', "a%22b%2F%3C%C3%A9"} <= set(own.secrets)
    assert {"a&quot;b/&lt;é", f"{CANARY}%40", f"{CANARY}@"} <= set(own.secrets)


def test_the_longest_spelling_comes_first():
    assert spellings(["abc", "abcdef"]) == ("abcdef", "abc")
