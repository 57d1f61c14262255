"""A target that is examined says how it is, and stays as it is."""

from stateward.model.finding import Level
from stateward.model.schema import Schema
from stateward.ports import Query, Target
from targets import World


async def test_nothing_is_wrong(world: World, target: Target, suite_schema: Schema) -> None:
    await world.site()
    found = await target.diagnose(suite_schema, {"SuiteSite", "SuiteDevice"})
    assert "schema" in {own.subject for own in found}
    assert [own for own in found if own.level is Level.ERROR] == []
    assert all(own.advice for own in found if own.level is not Level.OK)


async def test_nothing_is_changed(world: World, target: Target) -> None:
    site = await world.site()
    before = await world.session.observe(Query(ids=[site]))
    await target.diagnose(None, ())
    assert await world.session.observe(Query(ids=[site])) == before


async def test_files_may_bring_no_schema(target: Target) -> None:
    found = await target.diagnose(None, {"NoSuchKind"})
    assert [own.level for own in found if own.subject == "schema"] in ([Level.OK], [])
