"""Who leads, to the second: nobody waits for anything here."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from candidates import WITHIN, Candidate, MemoryLease, Record
from stateward.errors import LeaseLost
from stateward.model.event import Action

LEADS, WAITS, LOOKS = WITHIN / 2, WITHIN * 2 / 3, WITHIN / 10


class Pair:
    """Two candidates for one lease."""

    def __init__(self) -> None:
        self.record = Record()
        self.leases = [MemoryLease(self.record), MemoryLease(self.record)]
        self.a, self.b = (Candidate(own, name) for own, name in zip(self.leases, "ab", strict=True))

    def wait(self, seconds: float) -> None:
        self.a.now += seconds
        self.b.now += seconds


def run(own: Candidate) -> None:
    """Have it run for the lead, as a daemon does that is ready for it."""
    own.own.runs = True


@pytest.fixture
async def pair() -> Pair:
    """Two candidates, of which the first leads."""
    own = Pair()
    run(own.a)
    run(own.b)
    await own.a.own.step()
    await own.b.own.step()
    return own


async def test_the_first_leads_and_the_second_says_that_it_stands_by(pair: Pair) -> None:
    assert (pair.a.own.held, pair.b.own.held) == (True, False)
    assert [own.action for own in pair.a.events] == [Action.LEADING]
    (told,) = pair.b.events
    assert (told.action, told.fields) == (Action.STANDING_BY, {"leader": "a", "term": 1})
    pair.a.own.check()
    with pytest.raises(LeaseLost, match="SW5004 lead-lost: "):
        pair.b.own.check()


async def test_it_is_renewed_for_as_long_as_it_is_wanted(pair: Pair) -> None:
    for _ in range(100):
        pair.wait(await pair.a.own.step())
        await pair.b.own.step()
        assert (pair.a.own.held, pair.b.own.held) == (True, False)
    assert pair.a.own.term == 1
    assert len(pair.b.events) == 1


async def test_a_leader_that_is_not_heard_of_stops_before_the_other_begins(pair: Pair) -> None:
    pair.wait(LEADS - 0.1)
    assert pair.a.own.held
    pair.wait(0.1)
    assert not pair.a.own.held
    await pair.b.own.step()
    assert not pair.b.own.held
    pair.wait(WAITS - LEADS - 0.1)
    pause = await pair.b.own.step()
    assert pause == pytest.approx(0.1)
    pair.wait(pause)
    await pair.b.own.step()
    assert (pair.b.own.held, pair.b.own.term) == (True, 2)


async def test_another_one_has_taken_over_within_the_lease_time(pair: Pair) -> None:
    pair.wait(await pair.b.own.step())
    await pair.a.own.step()  # the last that is heard of it
    begun = pair.b.now
    while not pair.b.own.held:
        pair.wait(await pair.b.own.step())
    assert pair.b.now - begun <= WITHIN


async def test_a_leader_that_was_asleep_knows_before_it_writes(pair: Pair) -> None:
    pair.wait(3600)
    with pytest.raises(LeaseLost):
        pair.a.own.check()
    await pair.b.own.step()
    await pair.a.own.step()
    assert (pair.a.own.held, pair.b.own.held) == (False, True)
    assert pair.a.turns == [True, False]
    assert pair.a.told(Action.LEAD_LOST) == 1


async def test_who_lost_it_runs_again_when_it_is_ready_and_not_before(pair: Pair) -> None:
    pair.wait(LEADS)
    await pair.a.own.step()
    assert pair.a.turns == [True, False]
    await pair.a.own.step()
    assert not pair.a.own.held
    run(pair.a)
    await pair.a.own.step()
    assert (pair.a.own.held, pair.a.own.term) == (True, 2)


async def test_what_is_given_back_is_had_at_the_next_look(pair: Pair) -> None:
    await pair.a.own.end()
    assert not pair.a.own.held
    await pair.b.own.step()
    assert (pair.b.own.held, pair.b.own.term) == (True, 2)


async def test_what_is_not_given_back_lapses(pair: Pair) -> None:
    await pair.a.own.end(resign=False)
    await pair.b.own.step()
    assert not pair.b.own.held
    pair.wait(WAITS)
    await pair.b.own.step()
    assert pair.b.own.held


async def test_a_leader_that_is_cut_off_stops_in_time_and_says_so_once(pair: Pair) -> None:
    pair.leases[0].cut = True
    left = LEADS
    while pair.a.own.held:
        pause = await pair.a.own.step()
        assert pause <= left
        pair.wait(pause)
        left -= pause
    assert left >= 0
    await pair.a.own.step()
    assert pair.a.told(Action.LEASE_FAILED) == 1
    assert pair.a.told(Action.LEAD_LOST) == 1


async def test_a_renewal_whose_answer_was_lost_is_gone_on_with(pair: Pair) -> None:
    pair.leases[0].deaf = True
    pair.wait(await pair.a.own.step())
    pair.leases[0].deaf = False
    pair.wait(await pair.a.own.step())
    assert (pair.a.own.held, pair.a.own.term) == (True, 1)
    pair.wait(LEADS - LOOKS - 0.1)
    assert pair.a.own.held


async def test_a_renewal_counts_from_before_it_was_asked_for(pair: Pair) -> None:
    def slow() -> None:
        pair.a.now += 2

    pair.leases[0].asked = slow
    await pair.a.own.step()
    pair.a.now += LEADS - 2
    assert not pair.a.own.held


async def test_a_lead_that_came_too_late_is_none(pair: Pair) -> None:
    def slow() -> None:
        pair.b.now += LEADS

    pair.wait(WAITS)
    pair.leases[1].asked = slow
    await pair.b.own.step()
    assert pair.b.told(Action.LEADING) == 0
    pair.leases[1].asked = lambda: None
    await pair.b.own.step()
    assert (pair.b.own.held, pair.b.own.term) == (True, 3)


async def test_a_later_term_in_the_target_ends_the_lead(pair: Pair) -> None:
    pair.a.own.check(1)
    with pytest.raises(LeaseLost):
        pair.a.own.check(9)
    assert not pair.a.own.held
    await pair.a.own.step()
    assert pair.a.turns == [True, False]
    # Where the lease is still ours it was lost and made anew: we go on after what was seen.
    run(pair.a)
    await pair.a.own.step()
    assert pair.a.own.term == 10
    pair.a.own.check(9)


async def test_a_name_that_ran_before_does_not_wait_for_itself() -> None:
    record = Record()
    first = Candidate(MemoryLease(record))
    run(first)
    await first.own.step()
    again = Candidate(MemoryLease(record))
    run(again)
    await again.own.step()
    assert (again.own.held, again.own.term) == (True, 2)
    await first.own.step()
    assert not first.own.held


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["step", "sleep", "cut", "deaf", "mend", "ready", "resign"]),
        st.integers(0, 2),
        st.floats(0, WITHIN),
    ),
    max_size=60,
)


@given(STEPS)
async def test_whatever_happens_one_leads_at_a_time_and_terms_only_grow(
    steps: list[tuple[str, int, float]],
) -> None:
    record = Record()
    leases = [MemoryLease(record) for _ in range(3)]
    all_ = [Candidate(own, name) for own, name in zip(leases, "abc", strict=True)]
    terms: dict[int, str] = {}
    for what, who, seconds in steps:
        own, lease = all_[who], leases[who]
        if what == "sleep":
            for one in all_:
                one.now += seconds
        elif what == "step":
            await own.own.step()
        elif what == "ready":
            run(own)
        elif what == "resign":
            await own.own.end()
        else:
            lease.cut, lease.deaf = what == "cut", what == "deaf"
        holders = [one for one in all_ if one.own.held]
        assert len(holders) <= 1
        for one in holders:
            assert terms.setdefault(one.own.term, one.name) == one.name
            assert one.own.term == max(terms)
