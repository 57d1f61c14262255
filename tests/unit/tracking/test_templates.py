"""Objects below one that is made from a template: the target may have brought them by then."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from stateward.errors import Code
from stateward.model.identity import ObjectKey
from stateward.model.mutation import Create, Enrol, Update
from stateward.model.plan import Action, Change, FieldChange
from stateward.model.run import EntryState
from stateward.model.unit import Stamp
from stateward.ports import Query, Session
from stateward.targets.embedded import EmbeddedTarget
from stateward.tracking.session import Tracking
from targets import World, new_id
from unit.builders import key, schema
from watching import MemoryJournal, Watched

SERVER, CARD = key("NetServer", "s"), key("NetCard", "s", "c")
GROUP = "stateward/i/s/a"


@pytest.fixture
def target(tmp_path: Path) -> Watched:
    return Watched(EmbeddedTarget(f"sqlite:///{tmp_path}/target.db"))


@pytest.fixture
async def part(target: Watched) -> str:
    """The part of the template that is below it."""
    async with target.session(schema(), write=True) as session:
        await session.load_schema()
        template = await World(session).make("TemplateNetServer", template_name="t")
        below = {"server": template}
        return await World(session).make("TemplateNetCard", below, template_name="c", name="c")


@pytest.fixture
async def tracking(target: Watched, part: str) -> AsyncIterator[Tracking]:
    del part  # it is there
    async with target.session(schema(), write=True) as session:
        observed = await session.observe(Query(keys=[key("TemplateNetServer", "t")]))
        (template,) = observed.objects
        found = Tracking(
            session=session,
            journal=MemoryJournal(),
            ids={key("TemplateNetServer", "t"): template},
            group_of=lambda _: GROUP,
            new_id=new_id,
            runs={"a": "run-a"},
        )
        await found.stamp({"a": Stamp(attempted=("r1",))})
        target.sent.clear()
        yield found


def create(own: ObjectKey, **fields: object) -> Change:
    written = tuple(FieldChange(name, None, value) for name, value in fields.items())
    return Change(action=Action.CREATE, unit="a", key=own, fields=written)


def brings(target: Watched, part: str | None) -> None:
    """Have the target make a card along with a server, as one does that knows templates.

    Without the ``part`` of the template that it is a copy of, it is as if somebody made it by hand.
    """

    async def look(session: Session) -> None:
        own = target.sent[-1]
        if isinstance(own, Create) and own.kind == "NetServer":
            relations = {"server": own.id, **({"name.source": part} if part else {})}
            await World(session).make("NetCard", relations, name="c")

    target.look = look


FROM_TEMPLATE = create(SERVER, name="s", object_template=key("TemplateNetServer", "t"))
PLAIN = create(SERVER, name="s")
BELOW = create(CARD, name="c", server=SERVER, speed=10)


async def carried(tracking: Tracking, *changes: Change) -> None:
    for change in changes:
        (result,) = await tracking.apply([change])
        assert result.refusal is None


async def members(tracking: Tracking) -> dict[ObjectKey, str]:
    found = await tracking.session.observe(
        Query(groups=[GROUP], fields={"NetCard": frozenset({"speed"})})
    )
    own = {node: found.objects[node] for node in found.groups[GROUP].members}
    assert all(one.attributes["speed"] == 10 for one in own.values() if one.key == CARD)
    return {one.key: node for node, one in own.items()}


async def test_what_was_brought_becomes_a_member_and_is_written_to(
    tracking: Tracking, target: Watched, part: str
) -> None:
    brings(target, part)
    await carried(tracking, FROM_TEMPLATE, BELOW)
    assert [type(own) for own in target.sent] == [Create, Enrol, Update]
    there = await members(tracking)
    assert there.keys() == {SERVER, CARD}
    assert isinstance(tracking.journal, MemoryJournal)
    (*_, entry) = tracking.journal.entries
    assert (entry.state, entry.action, entry.node) == (
        EntryState.APPLIED,
        Action.CREATE,
        there[CARD],
    )


async def test_what_somebody_made_by_hand_stays_theirs(tracking: Tracking, target: Watched) -> None:
    brings(target, None)
    await carried(tracking, FROM_TEMPLATE)
    (result,) = await tracking.apply([BELOW])
    assert result.refusal is not None
    assert result.refusal.code is Code.UNIQUE
    assert (await members(tracking)).keys() == {SERVER}


async def test_what_was_brought_and_deleted_is_made_again(
    tracking: Tracking, target: Watched, part: str
) -> None:
    brings(target, part)
    await carried(tracking, FROM_TEMPLATE, BELOW)
    gone = (await members(tracking))[CARD]
    await carried(tracking, Change(action=Action.DELETE, unit="a", key=CARD, node=gone), BELOW)
    assert (await members(tracking))[CARD] != gone


async def test_what_was_not_brought_is_made(tracking: Tracking, target: Watched) -> None:
    await carried(tracking, FROM_TEMPLATE, BELOW)
    assert [type(own) for own in target.sent] == [Create, Create]
    assert (await members(tracking)).keys() == {SERVER, CARD}


async def test_below_what_no_template_made_nothing_is_looked_for(
    tracking: Tracking, target: Watched
) -> None:
    looks = target.looks
    await carried(tracking, PLAIN, BELOW)
    assert (target.looks, [type(own) for own in target.sent]) == (looks, [Create, Create])
