"""A leader that was left behind, and does not know: the target tells it, before it writes."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from applying import outcomes, run_of, stamp

from candidates import WITHIN, Candidate, MemoryLease, Record
from rounds import Workshop, objects
from stateward.errors import LeaseLost
from stateward.model.mutation import Update
from stateward.model.plan import Plan
from stateward.model.run import Fault, Outcome
from stateward.model.unit import Stamp
from stateward.ports import Session
from stateward.tracking.session import GROUP_KIND
from watching import MemoryJournal, Watched

Lead = Callable[[str], Awaitable[Candidate]]
OLD = "Kept equal to Git by Stateward: applied=r1 files=f1 attempted=r2,r3"


def tags(*names: str) -> str:
    return objects("BuiltinTag", *({"name": own} for own in names))


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


@pytest.fixture
def lead() -> Lead:
    """Makes daemons that take over from each other; the clocks of those before stand still."""
    record = Record()

    async def lead(name: str) -> Candidate:
        own = Candidate(MemoryLease(record), name)
        own.own.runs = True
        await own.own.step()
        if not own.own.held:
            own.now += WITHIN
            await own.own.step()
        assert own.own.held
        return own

    return lead


async def term(shop: Workshop, unit: str) -> int:
    return (await stamp(shop, unit) or Stamp()).term


async def test_a_stamp_of_before_there_were_terms_reads_as_it_did() -> None:
    assert Stamp.parse(OLD) == Stamp(applied="r1", files="f1", attempted=("r2", "r3"))
    assert str(Stamp.parse(OLD)) == OLD
    new = Stamp(applied="r1", files="f1", term=7)
    assert Stamp.parse(str(new)) == new
    assert new.attempt("r2").term == 7


async def test_the_term_goes_along_with_what_is_written(shop: Workshop, lead: Lead) -> None:
    a = await lead("a")
    shop.commit({"a/x.yml": tags("red"), "b/x.yml": tags("blue")})
    await shop.apply(mandate=a.own)
    assert [await term(shop, "a"), await term(shop, "b")] == [1, 1]
    b = await lead("b")
    shop.commit({"a/x.yml": tags("red", "green"), "b/x.yml": tags("blue")})
    await shop.apply(mandate=b.own)
    assert [await term(shop, "a"), await term(shop, "b")] == [2, 1]


async def test_who_was_left_behind_writes_nothing_though_its_clock_lets_it(
    shop: Workshop, lead: Lead
) -> None:
    a = await lead("a")
    shop.commit({"a/x.yml": tags("red"), "b/x.yml": tags("blue")})
    await shop.apply(mandate=a.own)
    b = await lead("b")
    shop.commit({"a/x.yml": tags("red", "green"), "b/x.yml": tags("blue")})
    await shop.apply(mandate=b.own)
    assert a.own.held
    shop.commit({"a/x.yml": tags("red", "green"), "b/x.yml": tags("blue", "black")})
    watched, journal = Watched(shop.target), MemoryJournal()
    with pytest.raises(LeaseLost, match="SW5004 lead-lost: term 1 is over"):
        await shop.apply(mandate=a.own, target=watched, journal=journal)
    assert (watched.writes, journal.runs) == (0, {})
    assert not a.own.held
    _, report = await shop.apply(mandate=b.own)
    assert outcomes(report) == {"a": Outcome.UNCHANGED, "b": Outcome.APPLIED}


async def test_who_is_left_behind_while_it_plans_writes_nothing(shop: Workshop, lead: Lead) -> None:
    a = await lead("a")
    shop.commit({"a/x.yml": tags("red")})
    await shop.apply(mandate=a.own)
    shop.commit({"a/x.yml": tags("red", "green")})

    async def meanwhile(session: Session, plan: Plan) -> None:
        later = {"description": str(Stamp(applied="r1", files="f1", term=2))}
        group = plan.groups[plan.units["a"].group]
        assert await session.apply([Update(id=group, kind=GROUP_KIND, attributes=later)]) == [None]
        watched.sent.clear()

    watched, journal = Watched(shop.target), MemoryJournal()
    with pytest.raises(LeaseLost):
        await shop.apply(mandate=a.own, target=watched, journal=journal, look=meanwhile)
    assert (watched.writes, journal.runs) == (0, {})


async def test_a_lead_that_is_lost_on_the_way_ends_the_round_before_the_next_write(
    shop: Workshop, lead: Lead
) -> None:
    a = await lead("a")
    shop.commit({"a/x.yml": tags(*"abcdefgh")})

    async def sleep(_session: Session) -> None:
        if len(watched.sent) == 3:
            a.now += WITHIN

    watched = Watched(shop.target, look=sleep)
    _, report = await shop.apply(mandate=a.own, target=watched)
    run = run_of(report, "a")
    assert (run.outcome, run.fault) == (Outcome.FAILED, Fault.TRANSIENT)
    assert (run.error or "").startswith("SW5004 lead-lost: ")
    assert len(watched.sent) == 3
    assert len(await shop.members("a")) < 8
    _, report = await shop.apply(mandate=(await lead("b")).own)
    assert outcomes(report) == {"a": Outcome.APPLIED}


async def test_a_round_with_nothing_to_do_asks_for_nothing_more(shop: Workshop, lead: Lead) -> None:
    shop.commit({"a/x.yml": tags("red")})
    await shop.apply()
    by_hand, led = Watched(shop.target), Watched(shop.target)
    await shop.apply(target=by_hand)
    await shop.apply(target=led, mandate=(await lead("a")).own)
    assert led.looks == by_hand.looks
    assert led.writes == 0


async def test_what_is_applied_by_hand_leaves_the_term_as_it_is(shop: Workshop, lead: Lead) -> None:
    a = await lead("a")
    shop.commit({"a/x.yml": tags("red")})
    await shop.apply(mandate=a.own)
    shop.commit({"a/x.yml": tags("red", "green")})
    await shop.apply()
    assert await term(shop, "a") == 1


async def test_a_schema_is_a_write_too(shop: Workshop, lead: Lead) -> None:
    a = await lead("a")

    async def sleep(_session: Session, _plan: Plan) -> None:
        a.now += WITHIN

    shop.commit({"a/x.yml": tags("red")})
    watched = Watched(shop.target)
    with pytest.raises(LeaseLost):
        await shop.apply(mandate=a.own, target=watched, look=sleep)
    assert watched.schemas == 0
