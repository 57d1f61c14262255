"""What other tools hold as theirs is let go of, and never deleted: each kind of their groups."""

from pathlib import Path
from uuid import uuid4

import pytest

from repositories import Repository
from rounds import Workshop, objects
from stateward.model.identity import ObjectKey
from stateward.model.mutation import Delete, Relate
from stateward.model.plan import Action
from stateward.model.state import ObservedObject
from stateward.ports import Query, Target
from stateward.tracking.naming import group_name
from targets import SCHEMA

TAG, GROUP, REPOSITORY = "BuiltinTag", "CoreStandardGroup", "CoreRepository"
DEVICE, INTERFACE = "SuiteDevice", "SuiteInterface"
TOOLS = ("CoreGeneratorGroup", "CoreGeneratorAwareGroup", "CoreRepositoryGroup", "the SDK")


class Place:
    """A repository, a target, and another tool that works on it."""

    def __init__(self, target: Target, directory: Path) -> None:
        self.shop = Workshop(directory)
        self.shop.target = target
        self.mark = uuid4().hex[:8]
        self._upstream = directory / "upstream"

    def name(self, text: str) -> str:
        return f"{text}-{self.mark}"

    def commit(self, *files: str) -> None:
        named = {f"net/{number}.yml": text for number, text in enumerate(files)}
        self.shop.source.commit({"schema.yml": SCHEMA, **named})

    def tags(self, *names: str) -> str:
        return objects(TAG, *({"name": self.name(own)} for own in names))

    async def apply(self) -> dict[str, tuple[Action, str]]:
        """Apply; return what is done with which object, and why it stays."""
        plan, report = await self.shop.apply(instance=self.mark)
        assert [own.error for own in report.runs] == [None] * len(report.runs)
        found = {str(own.key): (own.action, own.stays or "") for own in plan.changes}
        return {name.replace(f"-{self.mark}", ""): own for name, own in found.items()}

    async def there(self, kind: str, *hfid: str) -> ObservedObject | None:
        key = ObjectKey(kind, tuple(hfid))
        wanted = {kind: frozenset({"member_of_groups"})}
        async with self.shop.target.session(None, write=False) as session:
            found = (await session.observe(Query(keys=[key], fields=wanted))).objects
        return next((own for own in found.values() if own.key == key), None)

    async def claim(self, tool: str, node: str) -> str:
        """Have another tool take an object into a group of its own; return what that is called."""
        sdk = tool not in TOOLS[:-1]
        kind = GROUP if sdk else tool
        name = group_name(self.name("script"), {"n": 1}) if sdk else self.name(tool)
        more = (
            {"content": "object", "repository": await self._repository()} if "Repo" in tool else {}
        )
        group = await self.shop.make(kind, name=name, **more)
        await self.shop.do(Relate(id=group, kind=kind, relationship="members", add=(node,)))
        return name

    async def _repository(self) -> str:
        """Register a repository that can be cloned and has nothing to import."""
        Repository(self._upstream).commit("nothing to import")
        return await self.shop.make(
            REPOSITORY, name=self.name("upstream"), location=str(self._upstream)
        )

    async def tidy(self) -> None:
        """A server asks repositories for news, and these are gone: its groups go along."""
        own = await self.there(REPOSITORY, self.name("upstream"))
        if own is not None:
            await self.shop.do(Delete(id=own.id, kind=REPOSITORY))


@pytest.fixture
def place(target: Target, tmp_path: Path) -> Place:
    return Place(target, tmp_path)


@pytest.mark.parametrize("tool", TOOLS)
async def test_object_that_another_tool_holds_is_released(place: Place, tool: str) -> None:
    place.commit(place.tags("kept", "claimed", "gone"))
    await place.apply()
    before = await place.there(TAG, place.name("claimed"))
    assert before is not None
    try:
        group = await place.claim(tool, before.id)
        place.commit(place.tags("kept"))
        assert await place.apply() == {
            f"{TAG}/claimed": (Action.RELEASE, f"claimed by the group {group}"),
            f"{TAG}/gone": (Action.DELETE, ""),
        }
        assert await place.there(TAG, place.name("gone")) is None
        after = await place.there(TAG, place.name("claimed"))
        assert after is not None
        assert after.id == before.id
        assert len(after.peers(["member_of_groups"])) == 1
        assert await place.apply() == {}
    finally:
        await place.tidy()


async def test_object_that_another_tool_holds_is_not_taken_along(place: Place) -> None:
    """Its device would be deleted, and cannot be without it."""
    port = {"kind": INTERFACE, "data": [{"name": "eth0"}]}
    device = {"name": place.name("leaf"), "site": place.name("ams"), "interfaces": port}
    site = objects("SuiteSite", {"name": place.name("ams")})
    place.commit(site, objects(DEVICE, device))
    await place.apply()
    before = await place.there(INTERFACE, place.name("leaf"), "eth0")
    assert before is not None
    group = await place.claim("CoreGeneratorGroup", before.id)
    place.commit(site)
    plan, report = await place.shop.apply(instance=place.mark)
    assert [(own.action, own.node, own.stays) for own in plan.changes] == [
        (Action.RELEASE, before.id, f"claimed by the group {group}")
    ]
    (survivor,) = (own for run in report.runs for own in run.survivors)
    assert survivor.key == ObjectKey(DEVICE, (place.name("leaf"),))
    assert str(before.key) in survivor.reason
    after = await place.there(INTERFACE, place.name("leaf"), "eth0")
    assert after is not None
    assert after.id == before.id
