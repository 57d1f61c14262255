"""Schemas from YAML text, for tests."""

from textwrap import dedent

from stateward.desired.documents import parse
from stateward.errors import Problem, Severity
from stateward.model.document import Document
from stateward.model.schema import Kind, Schema
from stateward.schema.files import load

HEADER = 'version: "1.0"\n'


def documents(*texts: str, header: str = HEADER) -> list[Document]:
    """Parse one file per text, named a.yml, b.yml and so on."""
    found: list[Document] = []
    for number, text in enumerate(texts):
        name = f"{chr(ord('a') + number)}.yml"
        parsed, problems = parse(name, (header + dedent(text)).encode())
        assert not problems
        found.extend(parsed)
    return found


def schema(*texts: str) -> Schema:
    """Load files that must be right, and must not even give a warning."""
    found, problems = load(documents(*texts))
    assert not problems
    assert found is not None
    return found


def kind(name: str, *texts: str) -> Kind:
    return schema(*texts).kinds[name]


def problems(*texts: str) -> list[Problem]:
    """Load files that must be wrong."""
    found, reported = load(documents(*texts))
    assert found is None
    return [problem for problem in reported if problem.severity is Severity.ERROR]


def warnings(*texts: str) -> list[Problem]:
    """Load files that must be right, but doubtful."""
    found, reported = load(documents(*texts))
    assert found is not None
    assert reported
    return list(reported)


def marked(text: str) -> tuple[str, list[str]]:
    """Take the arrows out of a text, and return the places they point at."""
    lines = dedent(text).split("\n")
    found = []
    for number, line in enumerate(lines, start=1):
        pieces = line.split("→")
        columns = [len("".join(pieces[:count])) + 1 for count in range(1, len(pieces))]
        found.extend(f"{number}:{column}" for column in columns)
    return dedent(text).replace("→", ""), sorted(found)


def places(found: list[Problem]) -> list[str]:
    """Return the line and column of each problem, lines counted after the header."""
    located = [problem.location for problem in found]
    return [f"{place.line - 1}:{place.column}" for place in located if place]
