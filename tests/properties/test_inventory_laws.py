"""After a round groups, journal and files agree."""

from hypothesis import given
from hypothesis import strategies as st

from properties.judging import PLENTY, share, shown
from properties.worlds import Revision, revisions, workshop
from stateward.model.inventory import Disagreement


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
