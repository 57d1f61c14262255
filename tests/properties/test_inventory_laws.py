"""After a round groups, journal and files agree."""

from hypothesis import given
from hypothesis import strategies as st

from properties.judging import PLENTY, everything, members, share, shown
from properties.worlds import Revision, revisions, workshop
from stateward.model.inventory import Disagreement
from stateward.model.mutation import Enrol


@share(20)
@given(st.lists(revisions(), min_size=1, max_size=3))
async def test_after_every_round_nothing_differs_but_what_it_says_it_kept(
    history: list[Revision],
) -> None:
    with workshop() as shop:
        for revision in history:
            shop.commit(revision.files())
            plan, report = await shop.apply(allow_deletes=PLENTY)
            found = (await shop.verify()).found
            kept = any(run.survivors for run in report.runs)
            told = {own.what for own in found}
            assert told <= ({Disagreement.UNDECLARED} if kept else set()), (
                shown(plan, report),
                found,
            )


@share(30)
@given(st.data(), revisions())
async def test_members_that_somebody_took_out_are_members_again(
    data: st.DataObject, revision: Revision
) -> None:
    with workshop() as shop:
        shop.commit(revision.files())
        await shop.apply()
        before = await everything(shop)
        held = [
            (own.id, node, before.objects[node].key.kind)
            for own in sorted(before.groups.values(), key=lambda own: own.name)
            for node in sorted(own.members)
        ]
        taken = data.draw(st.lists(st.sampled_from(held), unique=True))
        await shop.do(*(Enrol(id=node, kind=kind, leave=(own,)) for own, node, kind in taken))
        found = await shop.repair()
        assert found.after is not None
        assert found.after.found == ()
        assert members(await everything(shop)) == members(before)
        assert (await shop.plan()).is_empty
