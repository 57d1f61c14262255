"""What was made of a revision is used again for the same one, and for no other."""

import gc
from pathlib import Path
from uuid import uuid4

import pytest

from rounds import Workshop, objects
from stateward.engine.load import Loaded
from stateward.engine.memo import Memo
from stateward.engine.round import Round
from stateward.heap import undisturbed
from stateward.model.mutation import Create
from unit.builders import schema


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


def tag(name: str) -> dict[str, str]:
    return {"a/x.yml": objects("BuiltinTag", {"name": name})}


async def declared(round_: Round, revision: str | None) -> set[str]:
    return {str(own.key) for own in (await round_.plan(revision)).changes}


async def test_a_revision_is_loaded_once_however_often_it_is_planned(shop: Workshop) -> None:
    revision = shop.commit(tag("red"))
    round_ = shop.round()
    first = await round_.files(revision)
    assert await declared(round_, revision) == {"BuiltinTag/red"}
    assert await round_.files(revision) is first
    assert await declared(round_, revision) == {"BuiltinTag/red"}


async def test_what_is_held_back_is_looked_up_once(shop: Workshop) -> None:
    """However long that takes: what a unit was at its revision is no other thing the next time."""
    units = {f"{unit}/1.yml": objects("BuiltinTag", {"name": unit}) for unit in "abc"}
    for gone in ("", "a", "b"):
        units.pop(f"{gone}/1.yml", None)
        shop.commit(units)
        await shop.apply()
    round_ = shop.round()
    first = await round_.plan()
    assert {own.unit for own in first.blocked} == {"a", "b"}
    shop.source.lost.update({"r1", "r2"})
    again = await round_.plan()
    assert (again.digest, again.problems) == (first.digest, first.problems)
    assert {unit for unit, _ in round_.memo.formers} == {"a", "b"}
    anew = await shop.round().plan()
    assert anew.problems != first.problems, "nothing was looked up at all"


async def test_another_revision_is_another_one(shop: Workshop) -> None:
    round_ = shop.round()
    for name in ("red", "blue"):
        assert await declared(round_, shop.commit(tag(name))) == {f"BuiltinTag/{name}"}


async def test_what_a_name_stands_for_is_looked_up_each_time(shop: Workshop) -> None:
    round_ = shop.round()
    for name in ("red", "blue"):
        shop.commit(tag(name))
        assert await declared(round_, None) == {f"BuiltinTag/{name}"}


async def test_what_depends_on_the_target_is_asked_of_it_each_time(shop: Workshop) -> None:
    await shop.apply(shop.commit(tag("red")))
    device = str(uuid4())
    interface = objects("NetInterface", {"name": "eth0", "device": device})
    revision = shop.commit({**tag("red"), "b/x.yml": interface})
    round_ = shop.round()
    assert await declared(round_, revision) == set()
    await shop.do(Create(id=device, kind="NetDevice", attributes={"name": "leaf1"}))
    assert await declared(round_, revision) == {"NetInterface/leaf1/eth0"}


async def test_the_revision_before_is_there_without_being_loaded_again(shop: Workshop) -> None:
    round_ = shop.round()
    loads: list[str | None] = []
    load = round_.loader.load

    async def counted(revision: str | None) -> Loaded:
        loads.append(revision)
        return await load(revision)

    memo = Memo()
    revisions = [shop.commit(tag(name)) for name in ("red", "blue", "green")]
    for revision in revisions[:2]:
        await memo.loaded(revision, counted)
    before = await memo.earlier(revisions[0], counted)
    assert loads == revisions[:2]
    one = schema()
    assert memo.desired(before, one) is memo.desired(before, one)
    await memo.loaded(revisions[2], counted)
    await memo.earlier(revisions[1], counted)
    await memo.earlier(revisions[0], counted)
    assert loads == [*revisions, revisions[0]]


def test_the_collector_is_as_it_was_before() -> None:
    assert gc.isenabled()
    with undisturbed():
        assert not gc.isenabled()
        with undisturbed():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()
