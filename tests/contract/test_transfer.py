"""What passes between sources, and between instances, keeps its id and ends with one owner.

Each has a state database of its own, and knows of the other by the target's groups alone.
"""

from collections.abc import Iterable
from pathlib import Path
from uuid import uuid4

import pytest

from rounds import Workshop, objects
from stateward.errors import Code
from stateward.model.identity import ObjectKey
from stateward.model.plan import Action, Plan
from stateward.model.run import Report
from stateward.ports import Query, Target

TAG = "BuiltinTag"


class Side:
    """A repository that one source of one instance is about."""

    def __init__(self, target: Target, directory: Path, mark: str, instance: str, source: str):
        self.shop = Workshop(directory)
        self.shop.target = target
        self.mark = mark
        self.scope = {"instance": instance, "source": source}
        self.files: dict[str, str] = {"net/keep.yml": self.tags(f"of-{instance}-{source}")}

    def tags(self, *names: str, **fields: str) -> str:
        named = ({"name": f"{own}-{self.mark}", **fields} for own in names)
        return objects(TAG, *named)

    def commit(self, **files: str | None) -> None:
        """Have files, and others no more."""
        for name, text in files.items():
            self.files.pop(f"{name}/x.yml", None)
            if text is not None:
                self.files[f"{name}/x.yml"] = text
        self.shop.source.commit(self.files)

    async def apply(self) -> tuple[Plan, Report]:
        return await self.shop.apply(**self.scope)

    async def done(self) -> list[tuple[Action, str]]:
        """Apply; return what was done with which object."""
        plan, report = await self.apply()
        assert [own.error for own in report.runs] == [None] * len(report.runs)
        assert plan.blocked == ()
        again, second = await self.apply()
        assert (again.changes, second.writes) == ((), 0)
        return [(own.action, own.key.hfid[0].removesuffix(f"-{self.mark}")) for own in plan.changes]

    async def ids(self, names: Iterable[str]) -> dict[str, str]:
        keys = {ObjectKey(TAG, (f"{own}-{self.mark}",)): own for own in names}
        async with self.shop.target.session(None, write=False) as session:
            found = (await session.observe(Query(references=list(keys)))).references
        return {name: found[key][0] for key, name in keys.items() if key in found}


@pytest.fixture(params=["sources", "instances"])
async def sides(
    request: pytest.FixtureRequest, target: Target, tmp_path: Path
) -> tuple[Side, Side]:
    """Two that write to one target, neither of which knows of the other; both have something."""
    mark = uuid4().hex[:8]
    if request.param == "sources":
        names = ((f"t{mark}", "one"), (f"t{mark}", "two"))
    else:
        names = ((f"one{mark}", "default"), (f"two{mark}", "default"))
    found = []
    for number, (instance, source) in enumerate(names):
        (tmp_path / f"side{number}").mkdir()
        found.append(Side(target, tmp_path / f"side{number}", mark, instance, source))
    one, two = found
    one.commit(net=one.tags("a"))
    two.commit()
    await one.done()
    await two.done()
    return one, two


async def test_what_is_declared_first_and_then_dropped_keeps_its_id_and_changes_hands(
    sides: tuple[Side, Side],
) -> None:
    one, two = sides
    before = await one.ids("a")
    two.commit(net=two.tags("a"))
    assert await two.done() == [(Action.ADOPT, "a")]
    one.commit(net=None)
    assert await one.done() == [(Action.RELEASE, "a")]
    assert await one.ids("a") == before
    two.commit(net=two.tags("a", description="ours"))
    assert await two.done() == [(Action.UPDATE, "a")]
    two.commit(net=None)
    assert await two.done() == [(Action.DELETE, "a")], "it ended with one owner"
    assert await one.ids("a") == {}


async def test_who_came_later_and_drops_it_first_leaves_it_to_the_other(
    sides: tuple[Side, Side],
) -> None:
    one, two = sides
    two.commit(net=two.tags("a"))
    await two.done()
    two.commit(net=None)
    assert await two.done() == [(Action.RELEASE, "a")]
    one.commit(net=None)
    assert await one.done() == [(Action.DELETE, "a")]


async def test_plan_says_who_has_it_too(sides: tuple[Side, Side]) -> None:
    one, two = sides
    two.commit(net=two.tags("a"))
    plan = await two.shop.plan(**two.scope)
    group = f"stateward/{one.scope['instance']}/{one.scope['source']}/net"
    assert [(own.beside, own.adopted) for own in plan.changes] == [((group,), False)]


async def test_what_the_other_had_adopted_is_never_deleted(sides: tuple[Side, Side]) -> None:
    one, two = sides
    await one.shop.make(TAG, name=f"found-{one.mark}")
    for own in (one, two):
        own.commit(more=own.tags("found"))
        assert await own.done() == [(Action.ADOPT, "found")]
    for own in (one, two):
        own.commit(more=None)
        assert await own.done() == [(Action.RELEASE, "found")]
    assert set(await one.ids(["found"])) == {"found"}


async def test_what_is_dropped_first_is_deleted_and_made_anew(sides: tuple[Side, Side]) -> None:
    one, two = sides
    before = await one.ids("a")
    one.commit(net=None)
    assert await one.done() == [(Action.DELETE, "a")]
    two.commit(net=two.tags("a"))
    assert await two.done() == [(Action.CREATE, "a")]
    assert await two.ids("a") != before


async def test_directory_moves_whole(sides: tuple[Side, Side]) -> None:
    one, two = sides
    names = [f"b{number:02}" for number in range(14)]
    one.commit(more=one.tags(*names))
    await one.done()
    before = await one.ids(names)
    two.commit(more=two.tags(*names))
    assert {own for own, _ in await two.done()} == {Action.ADOPT}
    one.commit(more=None)
    assert {own for own, _ in await one.done()} == {Action.RELEASE}, "no guard is in the way"
    assert await two.ids(names) == before
    async with one.shop.target.session(None, write=False) as session:
        assert f"stateward/{one.scope['instance']}/{one.scope['source']}/more" not in (
            await session.groups(f"stateward/{one.scope['instance']}/")
        )


async def test_what_is_declared_in_two_ways_waits_and_names_the_other(
    sides: tuple[Side, Side],
) -> None:
    one, two = sides
    two.commit(net=two.tags("a", description="otherwise"))
    plan, _ = await two.apply()
    (problem,) = plan.problems
    group = f"stateward/{one.scope['instance']}/{one.scope['source']}/net"
    assert problem.code is Code.STRANGER
    assert f"exists and belongs to {group}: differs in description" in problem.message
    one.commit(net=one.tags("a", description="otherwise"))
    await one.done()
    assert await two.done() == [(Action.ADOPT, "a")]
