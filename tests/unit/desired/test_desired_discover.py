"""Which files matter, and which unit each belongs to."""

import pytest

from stateward.desired.discover import (
    File,
    Layout,
    Look,
    Rule,
    by_unit,
    is_object,
    is_yaml,
    look,
    strays,
    unreadable,
)
from stateward.desired.documents import parse
from stateward.errors import Code

OBJECT = "kind: Object\nspec: {kind: K}\n"


def file(text: str, path: str = "a/f.yml") -> File:
    documents, problems = parse(path, text.encode())
    return File(path=path, look=look(text.encode()), documents=documents, problems=problems)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kind: Object", Look.OBJECTS),
        ("---\nkind:   Menu\n", Look.OBJECTS),
        ('{"kind": "Object"}', Look.OBJECTS),
        ("{kind : 'Object'}", Look.OBJECTS),
        ("'kind': Object", Look.OBJECTS),
        ("\ufeffkind: Object", Look.OBJECTS),
        ("\ufeff# x\nkind: Object", Look.OBJECTS),
        ("apiVersion: infrahub.app/v1\nkind: Objct", Look.OBJECTS),
        ("kind: Object\n<<<<<<< HEAD", Look.OBJECTS),
        ("kind: Objects", Look.OTHER),
        ("mankind: Object", Look.OTHER),
        ("man-kind: Object", Look.OTHER),
        ("kindly: Object", Look.OTHER),
        ("kinds: [kind: Object]", Look.OBJECTS),
        ("apiVersion: v1\nkind: Pod", Look.OTHER),
        ("version: '1.0'\nnodes: []", Look.SCHEMA),
        ('{"version": "1.0", "generics": []}', Look.SCHEMA),
        ("version: '1.0'\nextensions: [", Look.SCHEMA),
        ("nodes: []", Look.OTHER),
        ("version: '1.0'", Look.OTHER),
        ("version: '1.0'\nnodes: []\n---\nkind: Object", Look.OBJECTS),
        ("metadata: {generics: 1}\nconversion: 2", Look.OTHER),
        ("", Look.NOTHING),
        ("\n  \n", Look.NOTHING),
        ("\ufeff# kind: Object\n---\n...\n# x", Look.NOTHING),
        ("---\n# kind: Object", Look.NOTHING),
        ("---x", Look.OTHER),
        ("a", Look.OTHER),
        ("~", Look.OTHER),
    ],
)
def test_look(text: str, expected: Look) -> None:
    assert look(text.encode()) is expected


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_look_at_another_encoding(encoding: str) -> None:
    assert look("kind: Object".encode(encoding)) is Look.OBJECTS


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "data",
    [
        b"kind:" + b" " * 2_000_000 + b"x",
        b"kind" + b"\t" * 10_000_000,
        b"kind: " * 2_000_000,
        b"#" * 10_000_000 + b"\nx",
        b"# #\n" * 2_000_000 + b"x",
        b"--- " * 2_000_000 + b"x",
        b"\n" * 2_000_000 + b"x",
        b"nodes " * 2_000_000,
        b"version:\n" * 5_000_000 + b"nodes " * 5_000_000,
        b"\xff" * 10_000_000,
    ],
    ids=["spaces", "tabs", "kinds", "comment", "comments", "markers", "lines", "nodes", "versions", "bytes"],
)  # fmt: skip
def test_a_look_takes_time_in_proportion(data: bytes) -> None:
    assert look(data) in {Look.OTHER, Look.SCHEMA}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kind: Object", True),
        ("{kind: Menu, apiVersion: infrahub.app/v1}", True),
        ("{kind: Object, apiVersion: infrahub.app/v2}", True),
        ("{kind: Object, apiVersion: null}", True),
        ("{kind: Object, apiVersion: kubernetes.crossplane.io/v1}", False),
        ("{kind: Object, apiVersion: [1]}", False),
        ("{kind: Pod}", False),
        ("{kind: [Object]}", False),
        ("{kind: {Object: 1}}", False),
        ("{kind: null}", False),
        ("[kind, Object]", False),
        ("Object", False),
    ],
)
def test_is_object(text: str, expected: bool) -> None:
    (document,) = parse("f.yml", text.encode())[0]
    assert is_object(document) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (OBJECT, []),
        (OBJECT + "---\nversion: '1'\nnodes: []\n", []),
        (OBJECT + "---\nkind: Pod\n", []),
        (OBJECT + "---\nkind: Objct\nspec: {}\n", ["4:7 kind 'Objct'"]),
        (OBJECT + "---\nkind: {a: 1}\nspec: {}\n", ["4:7 no kind"]),
        (OBJECT + "---\nspec: {}\n", ["4:1 no kind"]),
        (OBJECT + "---\napiVersion: infrahub.a\n", ["4:1 no kind"]),
        (OBJECT + "---\n{}\n", []),
        (OBJECT + "---\n{apiVersion: other/v1, kind: Object, spec: {}}\n", []),
        (OBJECT + "---\n- a\n", ["4:1 expected a mapping with kind and spec"]),
        (OBJECT + "---\ntext\n", ["4:1 expected a mapping with kind and spec"]),
        ("# kind: Object\nkind: Pod\nspec: {}", []),
        ("# kind: Object\n- a", []),
        ("apiVersion: infrahub.app/v1\nkind: Objct\nspec: {}", ["2:7 kind 'Objct'"]),
        ("apiVersion: infrahub.app/v1\nspec: {}", ["1:1 no kind"]),
    ],
)
def test_strays(text: str, expected: list[str]) -> None:
    found = list(strays(file(text)))
    assert {one.code for one in found} <= {Code.ENVELOPE}
    assert [
        f"{one.location.line}:{one.location.column} " + one.message.split(": ")[1]
        for one in found
        if one.location is not None
    ] == expected


def test_very_many_strays_are_not_all_listed() -> None:
    assert len(list(strays(file(OBJECT + "---\na\n" * 1000)))) == 100


@pytest.mark.parametrize(
    ("path", "rules", "unit"),
    [
        ("f.yml", (), "."),
        ("a/b/f.yml", (), "a/b"),
        ("a/f.yml", (Rule(path="a"),), "a"),
        ("a/b/f.yml", (Rule(path="a"),), None),
        ("a/b/f.yml", (Rule(path="a/*"),), "a/b"),
        ("a/b/c/f.yml", (Rule(path="a/*"),), None),
        ("a/f.yml", (Rule(path="a/**"),), "a"),
        ("a/b/c/f.yml", (Rule(path="a/**"),), "a/b/c"),
        ("ab/f.yml", (Rule(path="a/**"),), None),
        ("x/a/f.yml", (Rule(path="**/a"),), "x/a"),
        ("a/f.yml", (Rule(path="**/a"),), "a"),
        ("x/y/a/b/f.yml", (Rule(path="x/**/b"),), "x/y/a/b"),
        ("x/b/f.yml", (Rule(path="x/**/b"),), "x/b"),
        ("a/b/f.yml", (Rule(path="**"),), "a/b"),
        ("a1/f.yml", (Rule(path="a?"),), "a1"),
        ("a/f.yml", (Rule(path="a?"),), None),
        ("a.b/f.yml", (Rule(path="a.b"),), "a.b"),
        ("axb/f.yml", (Rule(path="a.b"),), None),
        ("[a]/f.yml", (Rule(path="[a]"),), "[a]"),
        ("a/f.yml", (Rule(path="/a/"),), "a"),
        ("f.yml", (Rule(path="."),), "."),
        ("a/f.yml", (Rule(path="."),), None),
        ("a/b/f.yml", (Rule(path="a", recursive=True),), "a"),
        ("a/b/c/f.yml", (Rule(path="a/*", recursive=True),), "a/b"),
        ("a/f.yml", (Rule(path="a/*", recursive=True),), None),
        ("a/b/f.yml", (Rule(path="*", recursive=True),), "a"),
        ("a/b/f.yml", (Rule(path=".", recursive=True),), "."),
        ("a/b/f.yml", (Rule(path="a/*", exclude=("a/b",)),), None),
        ("a/b/c/f.yml", (Rule(path="a/**", exclude=("a/b",)),), None),
        ("a/c/f.yml", (Rule(path="a/**", exclude=("a/b", "x*")),), "a/c"),
        ("a/b/c/f.yml", (Rule(path="a", recursive=True, exclude=("**/c",)),), None),
        ("a/b/f.yml", (Rule(path="a/*", exclude=("a/b",)), Rule(path="a/b")), "a/b"),
        ("a\nb/f.yml", (Rule(path="a*b"),), "a\nb"),
        ("x\ny/a/f.yml", (Rule(path="**/a"),), "x\ny/a"),
        ("a/\udcff/f.yml", (Rule(path="a/*"),), "a/\udcff"),
    ],
)
def test_layout(path: str, rules: tuple[Rule, ...], unit: str | None) -> None:
    assert Layout(rules).unit(path) == unit


@pytest.mark.parametrize(
    ("mode", "hint"),
    [
        ("100644", None),
        ("100755", None),
        ("120000", "symbolic link"),
        ("160000", "submodule"),
        ("100600", "not a regular file"),
    ],
)
def test_what_is_no_file(mode: str, hint: str | None) -> None:
    found = list(unreadable([("a/f.yml", mode)]))
    assert len(found) == (hint is not None)
    for path, problem in found:
        assert (path, problem.code, str(problem.location)) == (
            "a/f.yml",
            Code.NOT_A_FILE,
            "a/f.yml",
        )
        assert hint is not None
        assert hint in problem.message


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a/f.yml", True),
        ("f.yaml", True),
        ("f.json", True),
        ("f.YML", False),
        ("f.yml.j2", False),
        ("f", False),
        (".infrahub.yml", False),
        ("a/.stateward.yaml", False),
    ],
)
def test_is_yaml(path: str, expected: bool) -> None:
    assert is_yaml(path) is expected


def test_units() -> None:
    files = [
        file(OBJECT, "b/2.yml"),
        file(OBJECT, "b/1.yml"),
        file("kind: Object\nspec: {", "a/broken.yml"),
        file("other: [", "a/other.yml"),
        file("apiVersion: infrahub.app/v1\nkind: Objct", "c/typo.yml"),
        file("# kind: Object\nother: 1", "d/comment.yml"),
        file("version: '1'\nnodes: [", "e/schema.yml"),
        file("version: '1'\nnodes: []", "e/schema2.yml"),
        file(OBJECT, "x/out.yml"),
    ]
    assert [own.path for own in files if own.is_schema] == ["e/schema2.yml"]
    found = by_unit(files, Layout((Rule(path="?", exclude=("x",)),)))
    assert {unit: [own.path for own in files_] for unit, files_ in found.items()} == {
        "a": ["a/broken.yml"],
        "b": ["b/1.yml", "b/2.yml"],
        "c": ["c/typo.yml"],
    }
