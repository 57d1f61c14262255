"""A round that is made aside takes effect as a whole, or not at all."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from applying import outcomes, refuse_making

from rounds import Workshop, objects
from stateward.errors import TargetRefused
from stateward.model.run import Merge
from stateward.model.schema import Schema
from stateward.ports import Session
from stateward.reporting import report as rendering
from stateward.targets.embedded import EmbeddedTarget
from watching import Watched, WatchedSession

MERGE = Merge(branch="aside", added=1, updated=2, removed=0, conflicts=0)


@dataclass
class Copied(Watched):
    """A target of which a copy is written to, that takes its place when a round is concluded."""

    directory: Path = Path()
    merges: bool = True
    concluded: bool | None = None

    @asynccontextmanager
    async def session(self, declared: Schema | None, *, write: bool) -> AsyncIterator[Session]:
        own, copy = self.directory / "target.db", self.directory / "aside.db"
        if own.exists():
            shutil.copy(own, copy)
        target = EmbeddedTarget(f"sqlite:///{copy}")
        async with target.session(declared, write=write) as session:
            yield CopiedSession(session, self)
        if self.concluded:
            copy.replace(own)


@dataclass
class CopiedSession(WatchedSession):
    target: Copied

    @property
    def aside(self) -> bool:
        return True

    async def conclude(self, *, well: bool) -> Merge | None:
        if well and not self.target.merges:
            raise TargetRefused("somebody else changed the same")
        self.target.concluded = well
        return MERGE if well else None


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    shop = Workshop(tmp_path)
    shop.commit({"a/tags.yml": objects("BuiltinTag", {"name": "old"})})
    return shop


def change(shop: Workshop) -> None:
    shop.commit(
        {
            "a/tags.yml": objects("BuiltinTag", {"name": "new"}),
            "b/tags.yml": objects("BuiltinTag", {"name": "other"}),
        }
    )


async def there(shop: Workshop) -> set[str]:
    found = (await shop.observe("BuiltinTag")).objects.values()
    return {own.key.hfid[0] for own in found}


async def test_all_of_it_stands_when_all_is_well(shop: Workshop, tmp_path: Path) -> None:
    await shop.apply()
    change(shop)
    aside = Copied(shop.target, directory=tmp_path)
    plan, report = await shop.apply(target=aside, allow_deletes=1)
    assert report.merge == MERGE
    assert await there(shop) == {"new", "other"}
    text = rendering.as_text(report, plan)
    assert "on a branch that was merged" in text
    assert rendering.as_json(report, plan)["merge"]["updated"] == 2


async def test_nothing_of_it_stands_when_one_change_fails(shop: Workshop, tmp_path: Path) -> None:
    await shop.apply()
    change(shop)
    aside = Copied(shop.target, directory=tmp_path, refuse=refuse_making("other"))
    _, report = await shop.apply(target=aside, allow_deletes=1)
    assert report.merge is None
    assert outcomes(report) == {"a": "failed", "b": "failed"}
    (first, second) = report.runs
    assert first.error == "thrown away, because another change failed"
    assert "not today" in (second.error or "")
    assert not any(run.summary["create"] or run.summary["delete"] for run in report.runs)
    assert await there(shop) == {"old"}
    _, report = await shop.apply(allow_deletes=1)
    assert outcomes(report) == {"a": "applied", "b": "applied"}
    assert await there(shop) == {"new", "other"}


async def test_merge_that_is_refused_is_the_error_of_all(shop: Workshop, tmp_path: Path) -> None:
    await shop.apply()
    change(shop)
    aside = Copied(shop.target, directory=tmp_path, merges=False)
    _, report = await shop.apply(target=aside, allow_deletes=1)
    assert outcomes(report) == {"a": "failed", "b": "failed"}
    assert all("somebody else changed the same" in (run.error or "") for run in report.runs)
    assert await there(shop) == {"old"}


async def test_round_without_changes_makes_nothing_aside(shop: Workshop, tmp_path: Path) -> None:
    await shop.apply()
    aside = Copied(shop.target, directory=tmp_path)
    _, report = await shop.apply(target=aside)
    assert (report.writes, report.merge, aside.concluded) == (0, None, None)
