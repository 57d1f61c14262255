"""``onError: stop``: after the first change that is refused nothing more of the unit is begun."""

from pathlib import Path

import pytest
from applying import Requests, outcomes, refuse_deleting, refuse_making, run_of, stamp

from rounds import Workshop, objects
from stateward.errors import Code
from stateward.model.mutation import Refusal
from stateward.model.run import EntryState
from stateward.model.unit import Stamp
from watching import MemoryJournal, Watched

STOP = "onError: stop\n"


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


def tags(*names: str) -> str:
    return objects("BuiltinTag", *({"name": own} for own in names))


async def test_what_was_not_begun_is_skipped_and_told(shop: Workshop) -> None:
    shop.commit({"a/x.yml": tags("a1", "a2", "a3", "a4", "a5"), "a/.stateward.yaml": STOP})
    journal = MemoryJournal()
    target = Watched(shop.target, refuse=refuse_making("a2"))
    _, report = await shop.apply(target=target, journal=journal)
    assert await shop.members("a") == {"BuiltinTag/a1"}
    skipped = {
        str(own.key): own.detail for own in journal.entries if own.state is EntryState.SKIPPED
    }
    reason = "another change of the unit failed, and onError is stop"
    assert skipped == {f"BuiltinTag/a{own}": reason for own in (3, 4, 5)}
    own = run_of(report, "a")
    assert own.error == "BuiltinTag/a2: SW1308 constraint: not today (3 skipped)"
    assert own.summary["create"] == 1


async def test_what_is_under_way_ends_and_is_written_down(shop: Workshop) -> None:
    shop.commit({"a/x.yml": tags("a1", "a2", "a3", "a4"), "a/.stateward.yaml": STOP})
    target = Requests(shop.target, refuse=refuse_making("a1"), batch=2, in_flight=2)
    journal = MemoryJournal()
    await shop.apply(target=target, journal=journal)
    ended = {
        str(own.key): own.state for own in journal.entries if own.state is not EntryState.STARTED
    }
    assert ended["BuiltinTag/a1"] is EntryState.FAILED
    begun = {str(own.key) for own in journal.entries if own.state is EntryState.STARTED}
    assert all(ended[own] in {EntryState.APPLIED, EntryState.FAILED} for own in begun)
    assert await shop.members("a") == {own for own in begun if ended[own] is EntryState.APPLIED}


async def test_other_units_go_on_unless_they_need_what_is_missing(shop: Workshop) -> None:
    shop.commit(
        {
            "a/x.yml": tags("a1", "a2", "a3", "a4"),
            "a/.stateward.yaml": STOP,
            "b/x.yml": objects("NetDevice", {"name": "d1", "tags": ["a4"]}, {"name": "d2"}),
            "c/x.yml": tags("c1"),
        }
    )
    target = Watched(shop.target, refuse=refuse_making("a1"))
    _, report = await shop.apply(target=target)
    assert outcomes(report) == {"a": "failed", "b": "failed", "c": "applied"}
    assert run_of(report, "a").summary["create"] <= 1, "what is sent with it is under way"
    assert await shop.members("c") == {"BuiltinTag/c1"}
    assert await shop.members("b") == {"NetDevice/d2"}


async def test_survivor_stops_nothing(shop: Workshop) -> None:
    shop.commit({"a/x.yml": tags("a1", "a2", "a3"), "a/.stateward.yaml": STOP})
    await shop.apply()
    first = (await shop.find("BuiltinTag", "a1")).id
    shop.commit({"a/x.yml": tags("a3"), "a/.stateward.yaml": STOP})
    refusal = Refusal(code=Code.REJECTED, message="somebody needs it")
    target = Watched(shop.target, refuse=refuse_deleting(first, refusal=refusal), batch=1)
    _, report = await shop.apply(target=target)
    assert outcomes(report) == {"a": "applied"}
    assert await shop.members("a") == {"BuiltinTag/a1", "BuiltinTag/a3"}


async def test_next_round_goes_on_where_it_stopped(shop: Workshop) -> None:
    revision = shop.commit({"a/x.yml": tags("a1", "a2", "a3"), "a/.stateward.yaml": STOP})
    await shop.apply(target=Watched(shop.target, refuse=refuse_making("a1"), batch=1))
    assert await stamp(shop, "a") == Stamp(attempted=(revision,))
    _, report = await shop.apply()
    assert run_of(report, "a").summary["create"] == 3
    assert (await shop.plan()).is_empty
