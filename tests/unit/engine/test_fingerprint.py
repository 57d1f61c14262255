"""What a commit touches: the units whose fingerprint it changes, and no others."""

from pathlib import Path

import pytest

from rounds import SCHEMA, Workshop, objects
from stateward.engine.fingerprint import fingerprints

A = objects("LocationCountry", {"name": "nl"})
B = objects("LocationCountry", {"name": "de"})
FILES = {"a/x.yml": A, "b/x.yml": B, "README.md": "hello"}


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


async def found(shop: Workshop, files: dict[str, str], ours: str = "a/b/") -> dict[str, str]:
    """Return the fingerprints of a commit, as another process would compute them."""
    shop.commit(files)
    loaded = await shop.round().loader.load()
    return dict(fingerprints(loaded, None, ours))


@pytest.mark.parametrize(
    ("change", "touched"),
    [
        ({}, set()),
        ({"README.md": "good bye"}, set()),
        ({"a/x.yml": B, "b/x.yml": B}, {"a"}),
        ({"a/x.yml": A + "\n# a comment"}, {"a"}),
        ({"a/y.yml": objects("LocationCountry", {"name": "be"})}, {"a"}),
        ({"b/.stateward.yaml": "prune: false"}, {"b"}),
        ({"b/.stateward.yaml": "moved: [{from: [A, b], to: [A, c]}]"}, {"b"}),
        ({"b/.stateward.yaml": "prune: [what"}, {"b"}),
        ({"a/x.yml": "kind: Object\nspec: ["}, {"a"}),
        ({"schema.yml": SCHEMA.replace("Text", "TextArea", 1)}, {"a", "b"}),
        ({"c/x.yml": objects("LocationCountry", {"name": "be"})}, {"c"}),
    ],
)
async def test_a_commit_touches(shop: Workshop, change: dict[str, str], touched: set[str]) -> None:
    before = await found(shop, FILES)
    after = await found(shop, {**FILES, **change})
    assert {unit for unit in before | after if before.get(unit) != after.get(unit)} == touched


async def test_where_a_setting_stands_is_no_part_of_it(shop: Workshop) -> None:
    ignore = "ignore: [{kind: BuiltinTag, fields: [description]}]"
    before = await found(shop, {**FILES, "b/.stateward.yaml": ignore})
    assert await found(shop, {**FILES, "b/.stateward.yaml": f"# a comment\n{ignore}"}) == before


async def test_what_is_gone_has_none(shop: Workshop) -> None:
    assert set(await found(shop, {"a/x.yml": A})) == {"a"}


async def test_what_is_configured_counts(tmp_path: Path) -> None:
    before = await found(Workshop(tmp_path), FILES)
    after = await found(Workshop(tmp_path, prune=False), FILES)
    assert before.keys() == after.keys()
    assert not set(before.values()) & set(after.values())


async def test_what_the_groups_are_called_counts(shop: Workshop) -> None:
    before, after = await found(shop, FILES), await found(shop, FILES, "a/c/")
    assert not set(before.values()) & set(after.values())
