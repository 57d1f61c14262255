"""What was declared before, read from the revisions that stamps name."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rounds import Workshop, objects
from stateward.engine.history import Former, History, merged
from stateward.errors import Code, Severity
from stateward.model.identity import NodeId
from stateward.model.state import DesiredObject
from stateward.model.unit import Stamp
from unit.builders import device, key

UNKNOWN = NodeId("")
"""What is equal to nothing that a target holds."""
RED, BLUE = key("BuiltinTag", "red"), key("BuiltinTag", "blue")


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


def history(shop: Workshop) -> History:
    return History(shop.round().loader.load)


def was(*declared: DesiredObject) -> Former:
    return Former(paths=(), settings=None, objects={own.key: own for own in declared})


def former(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """Return what d1 may hold after revisions that declared it with these fields."""
    given = {("a", "r1"): was(device("d1", **first)), ("a", "r2"): was(device("d1", **second))}
    found, problems = merged([("a", "r1"), ("a", "r2")], given)
    assert problems == ()
    own = found[key("NetDevice", "d1")]
    return {**own.attributes, **own.relations}


class TestMerged:
    @pytest.mark.parametrize(
        ("first", "second", "field"),
        [
            ({"comment": "x"}, {}, {"comment": UNKNOWN}),
            ({}, {"comment": "x"}, {"comment": UNKNOWN}),
            ({"comment": "x"}, {"comment": "x"}, {"comment": "x"}),
            ({"comment": "x"}, {"comment": "y"}, {"comment": UNKNOWN}),
            ({"tags": frozenset({RED})}, {"tags": frozenset({BLUE})}, {"tags": frozenset({RED, BLUE})}),
            ({"buddy": key("NetDevice", "d2")}, {"buddy": None}, {"buddy": UNKNOWN}),
        ],
        ids=["earlier", "later", "same", "either-value", "either-peer", "either-one"],
    )  # fmt: skip
    def test_either_revision_may_stand_in_the_target(
        self, first: dict[str, Any], second: dict[str, Any], field: dict[str, Any]
    ) -> None:
        found = former(first, second)
        assert {name: found[name] for name in field} == field

    def test_objects_of_all_revisions_are_there(self) -> None:
        given = {("a", "r1"): was(device("d1")), ("a", "r2"): was(device("d2"))}
        found, _ = merged([("a", "r1"), ("a", "r2")], given)
        assert set(found) == {key("NetDevice", "d1"), key("NetDevice", "d2")}

    def test_revision_that_cannot_be_read_is_a_warning_of_its_unit(self) -> None:
        found, (problem,) = merged([("a", "r1")], {})
        assert found == {}
        assert problem.code is Code.LAST_APPLIED_UNKNOWN
        assert (problem.unit, problem.severity) == ("a", Severity.WARNING)
        assert "revision r1" in problem.message


class TestHistory:
    async def test_reads_a_revision_once(self, shop: Workshop) -> None:
        shop.commit({"a/1.yml": objects("BuiltinTag", {"name": "red"})})
        own = history(shop)
        loaded = await own.at("r1")
        shop.source.lost.add("r1")
        assert loaded is not None
        assert await own.at("r1") is loaded

    @pytest.mark.parametrize("revision", [None, "r1", "no-such"])
    async def test_is_nothing_where_it_cannot_be_read(
        self, shop: Workshop, revision: str | None
    ) -> None:
        shop.commit({"a/1.yml": objects("BuiltinTag", {"name": "red"})})
        shop.source.lost.add("r1")
        assert await history(shop).unit("a", revision) is None

    async def test_remembers_what_a_unit_was_and_forgets_what_nobody_asks_for(
        self, shop: Workshop
    ) -> None:
        shop.commit({f"{unit}/1.yml": objects("BuiltinTag", {"name": unit}) for unit in "ab"})
        first = history(shop)
        found = await first.unit("a", "r1")
        await first.unit("b", "r1")
        shop.source.lost.add("r1")
        second = History(shop.round().loader.load, first.formers)
        assert await second.unit("a", "r1") is found
        second.forget()
        assert first.formers == {("a", "r1"): found}

    async def test_does_not_remember_what_could_not_be_read(self, shop: Workshop) -> None:
        shop.commit({"a/1.yml": objects("BuiltinTag", {"name": "red"})})
        shop.source.lost.add("r1")
        own = history(shop)
        assert await own.unit("a", "r1") is None
        shop.source.lost.clear()
        again = History(shop.round().loader.load, own.formers)
        assert await again.unit("a", "r1") is not None

    @pytest.mark.parametrize(
        ("unit", "applied", "files"),
        [("a", "r1", ("a/1.yml", "a/2.yml")), ("b", "r1", ()), ("a", None, ()), ("a", "r9", ())],
        ids=["there", "no-unit", "never", "unreadable"],
    )
    async def test_knows_the_files_of_a_unit(
        self, shop: Workshop, unit: str, applied: str | None, files: tuple[str, ...]
    ) -> None:
        tag = objects("BuiltinTag", {"name": "red"})
        shop.commit({"a/1.yml": tag, "a/2.yml": tag})
        assert await history(shop).files(unit, Stamp(applied=applied)) == files

    async def test_keeps_of_settings_what_is_about_the_prune(self, shop: Workshop) -> None:
        settings = "protect: ['*/red']\nprune: false\nsuspend: true\ndependsOn: [b]\nmoved: [{from: [A, a], to: [A, b]}]\n"
        shop.commit({"a/1.yml": objects("BuiltinTag", {"name": "red"}), "a/.stateward.yaml": settings})  # fmt: skip
        found = await history(shop).settings("a", Stamp(applied="r1"))
        assert found is not None
        assert (found.protect, found.prune) == (("*/red",), False)
        assert found == replace(found, suspend=False, depends_on=(), moved={})

    async def test_has_no_settings_where_it_cannot_be_read(self, shop: Workshop) -> None:
        assert await history(shop).settings("a", Stamp(applied="r9")) is None
