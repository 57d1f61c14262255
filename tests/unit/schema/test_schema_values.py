"""Values in the server's spelling: each pair was sent to, and read back from, Infrahub 1.11.9."""

from array import array
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stateward.errors import Code
from stateward.model.document import Map, Seq, SpelledFloat, SpelledInt, Word
from stateward.model.schema import Attribute
from stateward.schema.spelling import SPELLINGS
from stateward.schema.values import Invalid, normalise, spell


def spelled(number: SpelledInt | SpelledFloat, text: str) -> SpelledInt | SpelledFloat:
    number.text = text
    return number


def sequence(*items: Any) -> Seq:
    found = Seq()
    found.extend(items)
    found.marks = array("Q", [0] * len(items))
    return found


def mapping(**items: Any) -> Map:
    found = Map()
    found.update(items)
    return found


def attribute(kind: str, **rules: Any) -> Attribute:
    return Attribute(name="value", kind=kind, **rules)


@pytest.mark.parametrize(
    ("kind", "given_", "expected"),
    [
        ("Text", "leaf1", "leaf1"),
        ("Text", "", ""),
        ("Text", "  kept as it is\r\n", "  kept as it is\r\n"),
        ("Text", 10, "10"),
        ("Text", spelled(SpelledInt(8), "010"), "010"),
        ("Text", 1.5, "1.5"),
        ("Text", spelled(SpelledFloat(1.1), "1.10"), "1.10"),
        ("Text", Word("off"), "off"),
        ("Text", "a" * 4092, "a" * 4092),
        ("Text", "é" * 2046, "é" * 2046),
        ("TextArea", "a" * 20000, "a" * 20000),
        ("Email", "not an address", "not an address"),
        ("Color", "mauve", "mauve"),
        ("HashedPassword", "secret", "secret"),
        ("Number", 5, 5),
        ("Number", "5", 5),
        ("Number", " 7 ", 7),
        ("Number", -3, -3),
        ("Number", 5.0, 5),
        ("Number", 2**63 - 1, 2**63 - 1),
        ("Number", spelled(SpelledInt(31), "0x1F"), 31),
        ("Bandwidth", 2**31, 2**31),
        ("Boolean", True, True),
        ("Boolean", False, False),
        ("Boolean", Word("yes"), True),
        ("Checkbox", Word("Off"), False),
        ("IPHost", "10.0.0.1", "10.0.0.1/32"),
        ("IPHost", "10.0.0.1/24", "10.0.0.1/24"),
        ("IPHost", "10.0.0.1/255.255.255.0", "10.0.0.1/24"),
        ("IPHost", "2001:DB8::1", "2001:db8::1/128"),
        ("IPHost", "fe80::1%eth0", "fe80::1/128"),
        ("IPNetwork", "10.0.0.0/24", "10.0.0.0/24"),
        ("IPNetwork", "10.0.0.0", "10.0.0.0/32"),
        ("IPNetwork", "10.0.0.0/255.255.255.0", "10.0.0.0/24"),
        ("IPAddress", "2001:DB8::0001", "2001:db8::1"),
        ("MacAddress", "aa-bb-cc-dd-ee-ff", "AA:BB:CC:DD:EE:FF"),
        ("MacAddress", "aabb.ccdd.eeff", "AA:BB:CC:DD:EE:FF"),
        ("MacAddress", "aabb:ccdd:eeff", "AA:BB:CC:DD:EE:FF"),
        ("MacAddress", "aabbcc-ddeeff", "AA:BB:CC:DD:EE:FF"),
        ("MacAddress", "aabbccddeeff", "AA:BB:CC:DD:EE:FF"),
        ("MacAddress", "aabbccddeef", "0A:AB:BC:CD:DE:EF"),
        ("MacAddress", "1:2:3:4:5:6", "01:02:03:04:05:06"),
        ("MacAddress", "aa:bb:cc:dd:ee:ff\n", "AA:BB:CC:DD:EE:FF"),
        ("DateTime", "2026-01-02", "2026-01-02"),
        ("DateTime", "20260102", "20260102"),
        ("DateTime", "2024-02-29", "2024-02-29"),
        ("DateTime", "2026-01-02T03", "2026-01-02T03"),
        ("DateTime", "2026-01-02 03:04", "2026-01-02 03:04"),
        ("DateTime", "2026-01-02t03:04:05z", "2026-01-02t03:04:05z"),
        ("DateTime", "20260102T030405Z", "20260102T030405Z"),
        ("DateTime", "2026-01-02T03:04:05+02:00", "2026-01-02T03:04:05+02:00"),
        ("DateTime", "2026-01-02T03:04:05.123456789Z", "2026-01-02T03:04:05.123456789Z"),
        ("DateTime", "0001-01-01T14:00+14:00", "0001-01-01T14:00+14:00"),
        ("DateTime", "9999-12-31T23:59:59+02:00", "9999-12-31T23:59:59+02:00"),
        ("DateTime", "", ""),
        ("URL", "http://x", "http://x"),
        ("URL", "HTTP://X:99999", "HTTP://X:99999"),
        ("URL", "http://user:pw@[2001:db8::1]:80/a?b#c", "http://user:pw@[2001:db8::1]:80/a?b#c"),
        ("URL", "/path", "/path"),
        ("List", sequence("a", 1, mapping(b=Word("no"))), ["a", 1, {"b": "no"}]),
        ("List", '["a"]', ["a"]),
        ("List", "", []),
        ("JSON", mapping(a=sequence(1, 1.5, None, True)), {"a": [1, 1.5, None, True]}),
        ("JSON", '{"a": 1}', {"a": 1}),
        ("JSON", [1], [1]),
        ("JSON", "", {}),
        ("JSON", {"a": spelled(SpelledInt(8), "010")}, {"a": 8}),
        ("Any", 5, 5),
        ("Any", "x", "x"),
        ("Any", sequence(1), [1]),
        ("Any", sequence(1, 1.5), [1.0, 1.5]),
        ("Any", sequence("a", Word("no")), ["a", "no"]),
        ("Any", [1] * 1020, [1] * 1020),
        ("Any", ["a" * 8162], ["a" * 8162]),
        ("SomethingNew", 5, 5),
        ("Text", None, None),
        ("Number", None, None),
    ],
)
def test_value_as_the_server_spells_it(kind: str, given_: Any, expected: Any) -> None:
    found = normalise(attribute(kind), given_)
    assert found == expected
    assert type(found) is type(expected)
    assert normalise(attribute(kind), found) == found


@pytest.mark.parametrize(
    ("kind", "given_", "reason"),
    [
        ("Text", True, "true is not text: quote it if it is meant to be"),
        ("Text", ["a"], "a list is not text"),
        ("Text", {"a": 1}, "a mapping is not text"),
        ("Number", 5.5, "5.5 is not a whole number"),
        ("Number", float("inf"), "inf is not a whole number"),
        ("Number", True, "true is not a number"),
        ("Number", "0x1f", "'0x1f' is not a whole number"),
        ("Number", "1e3", "'1e3' is not a whole number"),
        ("Number", "9" * 5000, f"'{'9' * 58}… is not a whole number"),
        ("Number", [1], "a list is not a whole number"),
        ("Boolean", "true", "'true' is neither true nor false"),
        ("Boolean", 1, "1 is neither true nor false"),
        ("IPHost", "10.0.0.300", "'10.0.0.300' is not an IP address"),
        ("IPHost", "10.0.0.01", "'10.0.0.01' is not an IP address"),
        ("IPHost", "10.0.0.1/33", "'10.0.0.1/33' is not an IP address"),
        ("IPHost", 167772161, "167772161 is not an IP address: quote it if it is meant to be"),
        ("IPAddress", "10.0.0.1/24", "not an IP address without a prefix length"),
        ("IPNetwork", "10.0.0.1/24", "host bits are set: did you mean 10.0.0.0/24?"),
        ("IPNetwork", "nowhere", "'nowhere' is not an IP network"),
        ("MacAddress", "00-11-22-33-44-55-66-77", "is not a MAC address"),
        ("MacAddress", "aa:bb-cc:dd:ee:ff", "is not a MAC address"),
        ("MacAddress", " aa:bb:cc:dd:ee:ff", "is not a MAC address"),
        ("DateTime", "2026-13-02", "'2026-13-02' is not a date and time"),
        ("DateTime", "2026-02-30", "is not a date and time"),
        ("DateTime", "1900-02-29", "is not a date and time"),
        ("DateTime", "2026-01-02T25:00:00Z", "is not a date and time"),
        ("DateTime", "2026-01-02T03:60", "is not a date and time"),
        ("DateTime", "10m", "is not a date and time"),
        ("DateTime", "0001-01-01T13:59+14:00", "is not a date and time"),
        ("DateTime", "9999-12-31T12:00-12:00", "is not a date and time"),
        ("URL", "x", "'x' is not a URL: it needs a scheme and a host"),
        ("URL", "http://", "is not a URL"),
        ("URL", "file:///x", "is not a URL"),
        ("URL", "mailto:x@y", "is not a URL"),
        ("URL", "http://h:abc", "is not a URL"),
        ("URL", "http://[::1", "is not a URL"),
        ("URL", "http://a\x07", "is not a URL"),
        ("List", "a", "'a' is not JSON"),
        ("List", {"a": 1}, "a mapping is not a list"),
        ("List", "[" * 5000, "is not JSON"),
        ("JSON", '"x"', "is neither a mapping nor a list"),
        ("JSON", 5, "5 is neither a mapping nor a list"),
        ("JSON", "[NaN]", "nan has no JSON form"),
        ("JSON", "[" * 900 + "]" * 900, "the value is nested too deeply"),
        ("Any", 1.5, "1.5 cannot be kept by the server"),
        ("Any", {"a": 1}, "a mapping cannot be kept by the server"),
        ("Any", [None], "None cannot be kept by the server in a list"),
        ("Any", [[1]], "a list cannot be kept by the server in a list"),
        ("Any", ["a", 1], "a list of several types cannot be kept by the server"),
        ("Any", [True, 1], "a list of several types cannot be kept by the server"),
        ("Text", "a\ud800", "half a character is in it"),
        ("JSON", '{"a": "\\ud800"}', "half a character is in it"),
        ("JSON", {"\ud800": 1}, "half a character is in it"),
        ("List", '["\\udc00"]', "half a character is in it"),
    ],
)
def test_value_of_the_wrong_type(kind: str, given_: Any, reason: str) -> None:
    with pytest.raises(Invalid) as caught:
        normalise(attribute(kind), given_)
    assert caught.value.code is Code.TYPE
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("rules", "given_", "reason"),
    [
        ({"kind": "Text", "regex": "[a-z]+$"}, "1abc", "'1abc' does not match the regex [a-z]+$"),
        ({"kind": "Text", "regex": "("}, "x", "the schema's regex ( is broken"),
        ({"kind": "List", "regex": "^a"}, ["ab", "xc"], "does not match the regex ^a"),
        ({"kind": "Text", "min_length": 3}, "ab", "'ab' has a length of 2, the minimum is 3"),
        ({"kind": "Text", "max_length": 3}, "abcd", "has a length of 4, the maximum is 3"),
        ({"kind": "Number", "min_value": 5}, 4, "4 is below the minimum, 5"),
        ({"kind": "Number", "max_value": 100}, 101, "101 is above the maximum, 100"),
        ({"kind": "Number", "excluded_values": "7,10-20"}, 7, "7 is among the excluded values"),
        ({"kind": "Number", "excluded_values": "7,10-20"}, 15, "15 is among the excluded values"),
        ({"kind": "Number"}, 2**63, "9223372036854775808 does not fit into 64 bits"),
        ({"kind": "Any"}, 2**63, "9223372036854775808 does not fit into 64 bits"),
        ({"kind": "Any"}, [2**63], "9223372036854775808 does not fit into 64 bits"),
        ({"kind": "Any"}, "a" * 4093, "the text has 4093 bytes, at most 4092 are possible"),
        ({"kind": "Any"}, [1] * 1021, "the list has 8168 bytes, at most 8164 are possible"),
        ({"kind": "Text"}, "a" * 4093, "the text has 4093 bytes, at most 4092 are possible"),
        ({"kind": "Text"}, "é" * 2047, "the text has 4094 bytes, at most 4092 are possible"),
    ],
)
def test_value_outside_its_constraints(rules: dict[str, Any], given_: Any, reason: str) -> None:
    with pytest.raises(Invalid) as caught:
        normalise(Attribute(name="value", **rules), given_)
    assert caught.value.code is Code.CONSTRAINT
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("rules", "value"),
    [
        ({"kind": "Text", "regex": "[a-z]+"}, "abc1"),
        ({"kind": "List", "regex": "^a"}, ["ab", "ac"]),
        ({"kind": "Number", "min_value": 5, "max_value": 9, "excluded_values": "7"}, 5),
        ({"kind": "Text", "min_length": 2, "max_length": 3}, "ab"),
        ({"kind": "List", "choices": ("a",)}, ["b"]),
        ({"kind": "Number", "choices": (1, 2)}, 2),
    ],
)
def test_value_within_its_constraints(rules: dict[str, Any], value: Any) -> None:
    assert normalise(Attribute(name="value", **rules), value) == value


@pytest.mark.parametrize("kind", ["Dropdown", "Text"])
def test_choice_is_exact_and_the_nearest_is_named(kind: str) -> None:
    status = attribute(kind, choices=("active", "planned"))
    assert normalise(status, "active") == "active"
    with pytest.raises(Invalid) as caught:
        normalise(status, "Active")
    assert caught.value.code is Code.ENUM
    assert str(caught.value) == "'Active' is not one of active, planned: did you mean active?"


def test_many_choices_are_cut_short() -> None:
    many = attribute("Dropdown", choices=tuple(f"c{number}" for number in range(20)))
    with pytest.raises(Invalid, match=r"c11 and 8 more$"):
        normalise(many, "x")


@pytest.mark.parametrize("kind", ["Password", "HashedPassword"])
def test_secret_is_not_in_the_message(kind: str) -> None:
    with pytest.raises(Invalid) as caught:
        normalise(attribute(kind, min_length=20, regex="x"), "hunter2")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "expected"), [(True, "True"), (False, "False"), (5, "5"), ("a", "a"), (None, "None")]
)
def test_value_in_a_human_friendly_id(value: Any, expected: str) -> None:
    assert spell(value) == expected


_ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.ip_addresses().map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@settings(deadline=None)
@given(st.sampled_from(sorted(SPELLINGS)), _ANYTHING)
def test_normalising_again_changes_nothing(kind: str, value: Any) -> None:
    try:
        once = normalise(attribute(kind), value)
    except Invalid:
        return
    assert normalise(attribute(kind), once) == once
