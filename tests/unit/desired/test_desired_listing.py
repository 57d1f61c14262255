"""What ``.infrahub.yml`` lists."""

import pytest

from stateward.desired import listing
from stateward.desired.documents import parse
from stateward.desired.listing import Listing
from stateward.errors import Code


def read(text: str) -> tuple[Listing, list[str]]:
    documents, problems = parse(".infrahub.yml", text.encode())
    assert not problems
    found, problems = listing.read(documents)
    assert all(own.code is Code.LISTED_FILE for own in problems)
    return found, [str(own.location) for own in problems]


@pytest.mark.parametrize(
    ("text", "schemas", "objects"),
    [
        ("", None, []),
        ("queries: []", None, []),
        ("schemas: null", None, []),
        ("schemas: []", [], []),
        ("schemas: [schemas/, a//b/../c.yml, ./d]", ["schemas", "a/c.yml", "d"], []),
        ("objects: [objects]\nmenus: [menus/menu.yml]", None, ["objects", "menus/menu.yml"]),
        ("objects: ['']", None, ["."]),
        ("schemas: [a]\n---\nschemas: [b]", ["a"], []),
    ],
)
def test_lists(text: str, schemas: list[str] | None, objects: list[str]) -> None:
    found, problems = read(text)
    assert not problems
    assert (None if found.schemas is None else [path for path, _ in found.schemas]) == schemas
    assert [path for path, _ in found.objects] == objects


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("- a", "1:1"),
        ("a", "1:1"),
        ("schemas: a", "1:10"),
        ("schemas: {a: b}", "1:10"),
        ("objects: [1]", "1:10"),
        ("menus:\n  - a\n  - {}", "2:3"),
    ],
)
def test_what_is_no_list_of_paths(text: str, place: str) -> None:
    assert read(text)[1] == [f".infrahub.yml:{place}"]


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        ([], set()),
        (["a"], {"a/1.yml", "a/b/2.yml"}),
        (["a/"], {"a/1.yml", "a/b/2.yml"}),
        (["./a/b"], {"a/b/2.yml"}),
        (["a/1.yml", "ab"], {"a/1.yml", "ab/3.yml"}),
        (["."], {"a/1.yml", "a/b/2.yml", "ab/3.yml"}),
        (["b", "a/1"], set()),
    ],
)
def test_named(paths: list[str], expected: set[str]) -> None:
    assert listing.named(["a/1.yml", "a/b/2.yml", "ab/3.yml"], paths) == expected


def test_missing() -> None:
    found, _ = read("objects:\n  - a\n  - a/1.yml\n  - b\n  - .\n  - a/gone.yml\n  - ../x\n  - /a")
    problems = dict(listing.missing(found, found.objects, ["a/1.yml"]))
    assert {path: str(own.location) for path, own in problems.items()} == {
        "b": ".infrahub.yml:4:5",
        "a/gone.yml": ".infrahub.yml:6:5",
        "../x": ".infrahub.yml:7:5",
        "/a": ".infrahub.yml:8:5",
    }
    assert {own.code for own in problems.values()} == {Code.LISTED_FILE}


def test_files_without_objects() -> None:
    found, _ = read("objects: [a/1.yml, a/2.yml, a]\nmenus: [m.yml]\nschemas: [a/3.yml]")
    problems = dict(listing.without_objects(found, {"a/1.yml", "m.yml", "a/3.yml"}))
    assert {path: str(own.location) for path, own in problems.items()} == {
        "a/1.yml": ".infrahub.yml:1:11",
        "m.yml": ".infrahub.yml:2:9",
    }
