"""Names of sessions' groups: those that the SDK gives, to the letter."""

import hashlib
from typing import Any

import pytest

from stateward.errors import Code, ConfigError
from stateward.tracking.naming import MOST_DESCRIBED, describe, group_name

SPELLED: list[tuple[dict[str, Any], str]] = [
    ({"tenant": "acme"}, '{"tenant":"acme"}'),
    ({"b": 1, "a": [1, None, True, {"z": 1, "y": 2}]}, '{"a":[1,null,true,{"y":2,"z":1}],"b":1}'),
    ({"a": ("x", False)}, '{"a":["x",false]}'),
    ({"path": "x/y"}, '{"path":"x\\/y"}'),
    ({"a": "é\u2028<>&😀"}, '{"a":"\\u00e9\\u2028<>&\\ud83d\\ude00"}'),
    ({"a": '\x7f\x01"e-07'}, '{"a":"\x7f\\u0001\\"e-07"}'),
    ({"a": "\\u007f"}, '{"a":"\\\\u007f"}'),
    ({"é": 1, "f": 2, "Z": 3}, '{"Z":3,"f":2,"\\u00e9":1}'),
    ({"a": 1.0, "b": 0.1, "c": -0.0, "d": 1e16}, '{"a":1.0,"b":0.1,"c":-0.0,"d":1e+16}'),
    (
        {"a": 1e-7, "b": 1e-05, "c": 1.5e-10, "d": 5e-324},
        '{"a":1e-7,"b":1e-5,"c":1.5e-10,"d":5e-324}',
    ),
    ({"a": 2**70}, '{"a":1180591620717411303424}'),
]
"""Parameters, and how the SDK's library writes them down: seen with infrahub-sdk 1.23.2."""


@pytest.mark.parametrize(("params", "text"), SPELLED)
def test_the_name_ends_with_the_digest_of_the_parameters(params: dict[str, Any], text: str) -> None:
    digest = hashlib.md5(text.encode()).hexdigest()  # noqa: S324
    assert group_name("site", params) == f"site-{digest}"


def test_without_parameters_the_name_is_the_identifier() -> None:
    assert group_name("site", {}) == "site"


def test_types_tell_parameters_apart() -> None:
    assert group_name("site", {"n": 1}) != group_name("site", {"n": "1"})


@pytest.mark.parametrize(
    ("identifier", "params"),
    [
        ("", {}),
        ("a\nb", {}),
        ("site/", {}),
        ("site/adopted", {}),
        ("stateward/default/default/objects", {}),
        ("site", {"a": {1, 2}}),
        ("site", {"a": float("nan")}),
        ("site", {"a": {1: 2}}),
    ],
)
def test_what_cannot_be_a_name_is_refused(identifier: str, params: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as caught:
        group_name(identifier, params)
    assert caught.value.code is Code.SESSION


def test_the_description_is_the_parameters_and_fits() -> None:
    assert describe({"tenant": "acme", "rack": 4}, None) == "tenant: acme, rack: 4"
    assert describe({}, None) == ""
    assert describe({"a": "x" * 100}, 20) == "a: xxxxxxxxxxxx..."
    assert len(describe({"a": "x" * 9999}, None)) < MOST_DESCRIBED
