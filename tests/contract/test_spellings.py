"""Values of every kind of attribute, spelled as people spell them: none is written twice."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from rounds import Workshop
from stateward.errors import Code
from stateward.model.plan import Plan
from targets import Fresh

SCHEMA = """
version: "1.0"
nodes:
  - namespace: {namespace}
    name: Thing
    human_friendly_id: [name__value]
    attributes:
      - {{name: name, kind: Text, unique: true}}
      - {{name: drop, kind: Dropdown, optional: true, choices: [{{name: one}}, {{name: "1"}}]}}
      - {{name: choice, kind: Number, optional: true, enum: [1, 20]}}
"""
ATTRIBUTE = "      - {{name: {name}, kind: {kind}, optional: true}}\n"
HEAD = "apiVersion: infrahub.app/v1\nkind: Object\nspec:\n  kind: {namespace}Thing\n  data:\n"
LINES = len(HEAD.splitlines())
KINDS = {
    "text": "Text", "area": "TextArea", "ident": "ID", "email": "Email", "color": "Color",
    "path": "File", "secret": "Password", "hashed": "HashedPassword", "number": "Number",
    "width": "Bandwidth", "flag": "Boolean", "checked": "Checkbox", "moment": "DateTime",
    "host": "IPHost", "network": "IPNetwork", "address": "IPAddress", "mac": "MacAddress",
    "url": "URL", "listed": "List", "json": "JSON", "anything": "Any",
}  # fmt: skip
"""Attributes by their names, one of each kind that takes no settings."""

ALIKE: Mapping[str, tuple[str, ...]] = {
    "flag": ("true", "True", "TRUE", "yes", "On"),
    "checked": ("false", "False", "no", "OFF"),
    "number": ("16", "0x10", "0o20", "1.6e1", "16.0", "+16", "016", '"16"', '" 16 "'),
    "width": ("1000", "1e3", '"1000"'),
    "choice": ("20", "0x14", '"20"'),
    "host": ("2001:db8::1", "2001:DB8::1", "2001:db8:0::0:1/128",
             "2001:0db8:0000:0000:0000:0000:0000:0001"),
    "host ": ("10.0.0.1/24", "10.0.0.1/255.255.255.0", "10.0.0.1/0.0.0.255"),
    "host  ": ("10.0.0.1", "10.0.0.1/32"),
    "host   ": ('"::ffff:10.0.0.1"', '"::FFFF:A00:1"'),
    "network": ("2001:db8::/32", "2001:DB8:0::/32", "2001:0db8:0000::/32"),
    "network ": ("10.0.0.0/24", "10.0.0.0/255.255.255.0"),
    "network  ": ("10.0.0.0", "10.0.0.0/32"),
    "address": ("2001:db8::1", "2001:DB8::0001", "2001:db8:0:0:0:0:0:1"),
    "mac": ("aa:bb:cc:dd:ee:0f", "AA-BB-CC-DD-EE-0F", "aabb.ccdd.ee0f", "aabb:ccdd:ee0f",
            "aabbcc-ddee0f", "AABBCCDDEE0F", "aa:bb:cc:dd:ee:f"),
    "listed": ("[a, 16, {b: yes, c: ~}]", '["a", 0x10, {c: null, b: "yes"}]',
              '"[\\"a\\", 16, {\\"b\\": \\"yes\\", \\"c\\": null}]"'),
    "listed ": ("[]", '""', '"[]"'),
    "json": ("{a: [1, {b: ~}], c: 1.5}", "{c: 15e-1, a: [1, {b: null}]}",
             '"{\\"c\\": 1.5, \\"a\\": [1, {\\"b\\": null}]}"'),
    "json ": ("{}", '""', '"{}"'),
    "anything": ("[1, 1.5]", "[1.0, 15e-1]"),
    "anything ": ("1", "true"),
    "listed  ": ("[1]", "[true]"),
    "json  ": ("[1, {a: 0}]", "[true, {a: false}]"),
    "text": ("10", '"10"', "'10'"),
    "area": ('"one\\n two\\n"', "|\n        one\n         two"),
}  # fmt: skip
"""Spellings of one value each, by the attribute; what follows its name only tells values apart.

The last ones are no spellings, but a server would not write the one over the other.
"""

APART: Mapping[str, tuple[str, ...]] = {
    "text": ('""', '" x "', '"x"', '"X"', '"\\r\\n"', '"\\n"', '"é"', '"e\\u0301"', '"\\0"', "1_000", "010",
             "8", "1.10", "1.1", "0x10", "1e3", "yes", "2026-01-02", '"\\ufeff"', '"\\U0001F600"',
             f'"{"é" * 2046}"'),
    "area": ('""', f'"{"é" * 50_000}"', '"\\r\\n"', '"\\0"'),
    "ident": ("12", '""'), "email": ("X@Y", "x@y", '" "'), "color": ('"#FFF"', '"#fff"', "red"),
    "path": ("/a/b", "a//b"), "secret": ('" p "', "p", "0x10"), "hashed": ('" p "', "123"),
    "number": ("0", "9223372036854775807", "-9223372036854775808"),
    "moment": ('""', "2026-01-02", '"20260102"', "2026-01-02T00:00:00Z", "2026-01-02t03:04:05z",
               "2026-01-02T03:04:05+02:00", "2026-01-02T01:04:05Z", "2026-01-02 03:04:05.123456-11:30",
               "2026-01-02T03:04:05+02:00[Europe/Berlin]", "0001-01-01T14:00:00+14:00",
               "9999-12-31T23:59:59.999999999Z"),
    "host": ("0.0.0.0/0", '"::/0"', "fe80::1%eth0"),
    "network": ("0.0.0.0/0", '"::/0"', '"::ffff:10.0.0.0/120"'),
    "url": ("http://x", "HTTP://X", "http://x/", "/path", "http://é.example/ü", '"http://x/a b"'),
    "drop": ("one", "1"),
    "listed": ("[2]", '["2"]', "[a, a]", '["e\\u0301"]', "[1e22, 0.1, 5e-324, -0.0]",
              "[123456789012345678901234567890]", f'["{"x" * 10_000}"]'),
    "json": ("{a: 2}", '{a: "2"}', "[]", '{"é": "\\0", "": "e\\u0301", "/": "</p>"}',
             "{1: x, true: y, ~: z}", "{a: 18446744073709551616, b: 1.7976931348623157e308}",
             "{a: 0.30000000000000004, b: 1e-7, c: 123456789.123456789}", f'{{a: "{"x" * 20_000}"}}'),
    "anything": ("5", '"5"', "false", '""', "[]", "[true]", "[a, b]", '["é"]', "[9223372036854775807]"),
}  # fmt: skip
"""Values that are not the same, however alike they look: each is kept as it is."""

REFUSED: Mapping[str, tuple[tuple[str, Code], ...]] = {
    "text": ((f'"{"x" * 4093}"', Code.CONSTRAINT), ("[a]", Code.TYPE), ("true", Code.TYPE)),
    "number": (("1_000", Code.TYPE), ("1.5", Code.TYPE), ("9223372036854775808", Code.CONSTRAINT)),
    "width": (("10G", Code.TYPE),),
    "choice": (("2", Code.ENUM),),
    "flag": (("1", Code.TYPE), ('"true"', Code.TYPE)),
    "moment": (("10m", Code.TYPE), ("2026-02-30", Code.TYPE), ("2026-01-02T24:00:00Z", Code.TYPE),
               ("2026-01-02T03:04:05+24:00", Code.TYPE), ("0001-01-01T00:00:00+14:00", Code.TYPE),
               ("9999-12-31T23:59:59-12:00", Code.TYPE), ('" 2026-01-02"', Code.TYPE)),
    "host": (("010.0.0.1", Code.TYPE), ('" 10.0.0.1"', Code.TYPE), ("10.1", Code.TYPE)),
    "network": (("10.0.0.1/24", Code.TYPE),),
    "address": (("10.0.0.1/24", Code.TYPE),),
    "mac": (("aa:bb-cc:dd:ee:ff", Code.TYPE), ("112233445566", Code.TYPE)),
    "url": (("example.org", Code.TYPE), ("mailto:x@y", Code.TYPE)),
    "drop": (("One", Code.ENUM),),
    "listed": (("{a: 1}", Code.TYPE), ("a", Code.TYPE), (r'''"[\"\\ud800\"]"''', Code.TYPE)),
    "json": (("5", Code.TYPE), (r'''"{\"a\": \"\\ud800\"}"''', Code.TYPE), ("{a: .inf}", Code.TYPE)),
    "anything": (("1.5", Code.TYPE), ("{a: 1}", Code.TYPE), ("[~]", Code.TYPE), ("[[1]]", Code.TYPE),
                 ("[a, 1]", Code.TYPE), ("[true, 1]", Code.TYPE), ("9223372036854775808", Code.CONSTRAINT),
                 (f'"{"x" * 4093}"', Code.CONSTRAINT), (f'["{"x" * 9_000}"]', Code.CONSTRAINT)),
}  # fmt: skip
"""What a server does not take, or could not give back."""

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def shop(fresh: Fresh, tmp_path: Path) -> Workshop:
    found = Workshop(tmp_path)
    found.target = fresh.target
    return found


def commit(shop: Workshop, fresh: Fresh, items: Iterable[str]) -> None:
    schema = SCHEMA.format(namespace=fresh.namespace)
    schema += "".join(ATTRIBUTE.format(name=name, kind=kind) for name, kind in KINDS.items())
    body = HEAD.format(namespace=fresh.namespace) + "".join(items)
    shop.source.commit({"schema.yml": schema, "things/all.yml": body})


def spelled(turn: int) -> list[str]:
    """Give objects of all values; with each turn, another one has each spelling of one value.

    Each has a value of many attributes: a server takes its time for every single object.
    """
    things: dict[str, str] = {}
    for name, texts in ALIKE.items():
        for number in range(len(texts)):
            text = texts[(number + turn) % len(texts)]
            _add(things, f"alike-{name.count(' ')}-{number}", name, text)
    for name, texts in APART.items():
        for number, text in enumerate(texts):
            _add(things, f"apart-{number}", name, text)
    return list(things.values())


def _add(things: dict[str, str], thing: str, attribute: str, text: str) -> None:
    things.setdefault(thing, f"    - name: {thing}\n")
    things[thing] += f"      {attribute.strip()}: {text}\n"


def item(number: int, attribute: str, text: str) -> str:
    return f"    - name: wrong-{number}\n      {attribute}: {text}\n"


def differences(plan: Plan) -> list[str]:
    told = [f"{own.key}: {own.action} {own.fields}"[:200] for own in plan.changes]
    return told + [str(own) for own in plan.problems]


async def test_no_spelling_is_written_twice_and_no_wrong_value_once(
    fresh: Fresh, shop: Workshop
) -> None:
    commit(shop, fresh, spelled(0))
    plan, report = await shop.apply(instance=fresh.namespace)
    assert not plan.problems
    assert [own.error for own in report.runs] == [None]
    assert report.runs[0].summary["create"] == len(spelled(0))

    assert differences(await shop.plan(instance=fresh.namespace)) == []
    _, report = await shop.apply(instance=fresh.namespace)
    assert report.writes == 0

    commit(shop, fresh, spelled(1))
    assert differences(await shop.plan(instance=fresh.namespace)) == []

    wrong = [(name, *own) for name, all_ in REFUSED.items() for own in all_]
    commit(shop, fresh, (item(number, *own[:2]) for number, own in enumerate(wrong)))
    plan = await shop.plan(instance=fresh.namespace)
    told = [(own.location, own.code) for own in plan.problems]
    expected = [(LINES + 2 * number + 2, own[2]) for number, own in enumerate(wrong)]
    assert [(at and at.line, code) for at, code in told] == expected
    assert {at and at.file for at, _ in told} == {"things/all.yml"}
    assert plan.changes == ()
