"""A takeover writes memberships and nothing else, and what was loaded as declared is all taken."""

from dataclasses import replace

from hypothesis import given

from properties.judging import content, everything, ids, members, share, shown
from properties.worlds import Revision, revisions, workshop
from rounds import Workshop
from stateward.engine import adopting
from stateward.model.adoption import Taking
from stateward.model.mutation import Create, Enrol, Update
from stateward.model.plan import Action
from watching import MemoryJournal, Watched


async def load(shop: Workshop, revision: Revision) -> None:
    """Have another tool load what a revision declares: it leaves no groups of ours."""
    shop.commit(revision.files())
    await shop.apply(journal=MemoryJournal())
    await shop.forget()


@share(40)
@given(revisions())
async def test_what_another_tool_loaded_is_taken_over_whole(revision: Revision) -> None:
    with workshop() as shop:
        await load(shop, revision)
        before = await everything(shop)
        found = await shop.adopt()
        after = await everything(shop)
        assert found.complete, shown(found.rest)
        assert (await shop.plan()).is_empty
        assert ids(after) == ids(before)
        held = {name for own in members(after).values() for name in own}
        assert held == content(before).keys()


@share(40)
@given(revisions(), revisions())
async def test_what_differs_is_taken_as_it_is_and_a_round_is_left_the_rest(
    loaded: Revision, declared: Revision
) -> None:
    with workshop() as shop:
        await load(shop, loaded)
        before = await everything(shop)
        shop.commit(declared.files())
        taking = Taking(differing=True)
        seen = await adopting.foresee(shop.round(), taking, None)
        watched = Watched(shop.target)
        found = await shop.adopt(target=watched, differing=True)
        assert replace(seen.rest, groups={}, ids={}) == replace(found.rest, groups={}, ids={})
        assert seen.taken == found.taken
        _only_memberships(watched, {own.id for own in (await everything(shop)).groups.values()})
        after = await everything(shop)
        assert ids(after) == ids(before)
        assert {name: own[0] for name, own in content(after).items()} == {
            name: own[0] for name, own in content(before).items()
        }
        plan = await shop.plan()
        assert plan.digest == found.rest.digest, shown(plan)
        again = {own.node for own in plan.changes if own.action in {Action.ADOPT, Action.DELETE}}
        assert again <= {None}, shown(
            plan
        )  # what is to be made for several is claimed by the others


def _only_memberships(watched: Watched, tracking: set[str]) -> None:
    for own in watched.sent:
        assert isinstance(own, Enrol) or (
            isinstance(own, Create | Update) and own.id in tracking
        ), own
