"""Write what is made of the chart's values: their schema, and the table in the README."""

import json
from collections.abc import Iterator
from pathlib import Path

import yaml

from values import schema

CHART = Path(__file__).parent / "stateward"
BEGIN, END = "<!-- values: made by `make values` -->\n", "<!-- end of values -->\n"
_MARK = "# -- "


def files() -> dict[Path, str]:
    """Return what is made, by file."""
    readme = (CHART / "README.md").read_text()
    head, _, rest = readme.partition(BEGIN)
    _, _, tail = rest.partition(END)
    values = (CHART / "values.yaml").read_text()
    return {
        CHART / "values.schema.json": json.dumps(schema(), indent=2) + "\n",
        CHART / "README.md": head + BEGIN + "".join(_table(values)) + END + tail,
    }


def _table(text: str) -> Iterator[str]:
    yield "| value | default | |\n|---|---|---|\n"
    lines = text.splitlines()
    for name, default, line in _entries(yaml.compose(text), ""):
        told = _told(lines, line)
        if default is not None or told:
            shown = "" if default is None else f"`{default}`"
            yield f"| `{name}` | {shown} | {told} |\n"


def _entries(node: yaml.MappingNode, above: str) -> Iterator[tuple[str, str | None, int]]:
    """Yield names, their defaults where they have one, and their lines from 0."""
    for key, value in node.value:
        name = f"{above}{key.value}"
        block = isinstance(value, yaml.MappingNode) and not value.flow_style
        default = None if block else json.dumps(yaml.safe_load(yaml.serialize(value)))
        yield name, default, key.start_mark.line
        if block:
            yield from _entries(value, f"{name}.")


def _told(lines: list[str], line: int) -> str:
    """Return the comment above a line, from its mark on."""
    found: list[str] = []
    for own in reversed(lines[:line]):
        text = own.strip()
        if not text.startswith("#"):
            return ""
        if text.startswith(_MARK):
            return " ".join([text.removeprefix(_MARK), *found]).replace("|", "\\|")
        found.insert(0, text.removeprefix("# "))
    return ""


def main() -> None:
    for path, text in files().items():
        path.write_text(text)


if __name__ == "__main__":
    main()
