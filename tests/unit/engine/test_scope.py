"""Rounds that are about some units: those are changed, and what is gone is looked after."""

from pathlib import Path

import pytest
from applying import outcomes

from rounds import Workshop, objects
from stateward.errors import TargetUnavailable
from stateward.model.run import Outcome
from watching import MemoryJournal, Watched


def tags(*names: str) -> str:
    return objects("BuiltinTag", *({"name": own} for own in names))


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


async def test_only_the_units_that_are_asked_for_are_changed(shop: Workshop) -> None:
    shop.commit({"a/x.yml": tags("a"), "b/x.yml": tags("b"), "c/x.yml": tags("c")})
    _, report = await shop.apply(units=frozenset({"a", "c"}))
    assert outcomes(report) == {
        "a": Outcome.APPLIED,
        "b": Outcome.SKIPPED,
        "c": Outcome.APPLIED,
    }
    assert await shop.members("b") == set()


async def test_a_pattern_narrows_them_further(shop: Workshop) -> None:
    shop.commit({"a/x.yml": tags("a"), "b/x.yml": tags("b")})
    _, report = await shop.apply(units=frozenset({"a"}), unit="b")
    assert set(outcomes(report).values()) == {Outcome.SKIPPED}


async def test_what_is_gone_is_looked_after_whatever_was_asked_for(shop: Workshop) -> None:
    shop.commit({"a/x.yml": tags("a"), "b/x.yml": tags("b", "c")})
    await shop.apply()
    shop.commit({"a/x.yml": tags("a"), "d/x.yml": tags("b")})
    _, report = await shop.apply(units=frozenset({"d"}), allow_deletes=5)
    assert outcomes(report) == {"a": Outcome.SKIPPED, "b": Outcome.APPLIED, "d": Outcome.APPLIED}
    assert await shop.members("d") == {"BuiltinTag/b"}


async def test_a_round_that_is_told_to_end_before_it_writes_leaves_nothing(shop: Workshop) -> None:
    shop.commit({"a/x.yml": tags("a")})
    watched, journal = Watched(shop.target), MemoryJournal()

    def stop(_done: int, _all: int) -> None:
        raise TargetUnavailable("stop")

    with pytest.raises(TargetUnavailable):
        await shop.apply(target=watched, journal=journal, progress=stop)
    assert (watched.writes, journal.runs) == (0, {})


async def test_a_round_that_is_told_to_end_later_writes_down_how_far_it_came(
    shop: Workshop,
) -> None:
    shop.target.batch = 1  # type: ignore[misc]
    shop.commit({"a/x.yml": tags("a", "b", "c", "d", "e")})
    journal = MemoryJournal()

    def stop(done: int, _all: int) -> None:
        if done:
            raise TargetUnavailable("stop")

    _, report = await shop.apply(journal=journal, progress=stop)
    assert outcomes(report) == {"a": Outcome.FAILED}
    assert await journal.unfinished(shop.target.name) == []
    through = await shop.members("a")
    assert 0 < len(through) < 5
    _, report = await shop.apply(journal=journal)
    assert outcomes(report) == {"a": Outcome.APPLIED}
    assert len(await shop.members("a")) == 5
