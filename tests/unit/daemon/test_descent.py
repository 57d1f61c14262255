"""A branch that is set back or rewritten: refused, until it goes on or somebody allows it."""

from pathlib import Path

import pytest

from desks import Desk, tags
from repositories import Repository, far
from rounds import SCHEMA
from stateward.errors import Code
from stateward.model.command import Verb
from stateward.model.event import Action
from stateward.model.status import Why
from stateward.sources.repository import RepositorySource
from stateward.wiring.daemon import follows


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    found = Repository(tmp_path / "work")
    found.commit(schema=SCHEMA, a__x=tags("red"))
    return found


@pytest.fixture(params=["here", "elsewhere"])
async def room(
    desk: Desk, repository: Repository, tmp_path: Path, request: pytest.FixtureRequest
) -> Desk:
    """A source that was applied twice: red, then green as well."""
    if request.param == "here":
        source = RepositorySource(repository.path, revision="HEAD", timeout=30)
    else:
        source = far(repository.path, tmp_path / "cache")
    desk.shop.source = source  # type: ignore[assignment]
    desk.follows = follows(source, None)
    desk.tender = desk.tended()
    await desk.turn()
    repository.commit(a__x=tags("red", "green"))
    await desk.turn()
    assert await desk.shop.members("a") == {"BuiltinTag/red", "BuiltinTag/green"}
    return desk


async def refused(desk: Desk) -> str:
    """Look and work, and return what is said of the units, where nothing was changed."""
    writes = desk.target.writes
    await desk.turn()
    assert desk.target.writes == writes
    pause = desk.known["a"].pause
    assert pause is not None
    assert (pause.why, pause.until) == (Why.REWOUND, None)
    return pause.message


async def test_a_branch_that_was_set_back_is_refused(room: Desk, repository: Repository) -> None:
    newest = repository.git("rev-parse", "HEAD")
    repository.git("reset", "-q", "--hard", "HEAD~1")
    old = repository.git("rev-parse", "HEAD")
    message = await refused(room)
    assert message.startswith(
        f"{Code.REWOUND} rewound: {old[:12]} did not come after {newest[:12]}"
    )
    assert f"`stateward allow-rewind {old[:12]}`" in message
    assert room.told(Action.SOURCE_FAILED)[-1]["message"] == message
    room.now += 5000  # not even for drift
    assert await refused(room) == message
    assert len(room.told(Action.SOURCE_FAILED)) == 1


async def test_a_branch_that_was_rewritten_is_refused(room: Desk, repository: Repository) -> None:
    repository.git("reset", "-q", "--hard", "HEAD~1")
    repository.commit(a__x=tags("blue"))
    assert "did not come after" in await refused(room)
    repository.commit(a__x=tags("white"))  # a newer one of the same branch is no better
    assert "did not come after" in await refused(room)


async def test_a_commit_that_goes_on_from_what_was_applied_is_applied(
    room: Desk, repository: Repository
) -> None:
    newest = repository.git("rev-parse", "HEAD")
    repository.git("reset", "-q", "--hard", "HEAD~1")
    await refused(room)
    repository.git("reset", "-q", "--hard", newest)
    repository.commit(a__x=tags("blue", "red"))
    await room.turn()
    assert room.known["a"].pause is None
    assert await room.shop.members("a") == {"BuiltinTag/red", "BuiltinTag/blue"}
    assert room.told(Action.SOURCE_BACK)


async def test_a_branch_that_is_put_back_where_it_was_goes_on(
    room: Desk, repository: Repository
) -> None:
    newest = repository.git("rev-parse", "HEAD")
    repository.git("reset", "-q", "--hard", "HEAD~1")
    await refused(room)
    repository.git("reset", "-q", "--hard", newest)
    await room.turn()
    assert room.known["a"].pause is None
    assert room.tender.descent.refused is None


async def test_it_is_refused_after_a_restart_too(room: Desk, repository: Repository) -> None:
    repository.git("reset", "-q", "--hard", "HEAD~1")
    room.tender = room.tended()
    await room.tender.recall()
    assert "did not come after" in await refused(room)


async def test_where_the_state_was_lost_the_target_knows(
    room: Desk, repository: Repository
) -> None:
    repository.git("reset", "-q", "--hard", "HEAD~1")
    room.tender = room.tended()
    writes = room.target.writes
    await room.turn()
    assert room.target.writes == writes
    assert "did not come after" in room.told(Action.SOURCE_FAILED)[-1]["message"]


async def test_what_is_not_there_any_more_was_left_behind(room: Desk, tmp_path: Path) -> None:
    other = Repository(tmp_path / "other")
    other.commit(schema=SCHEMA, a__x=tags("blue"))
    source = RepositorySource(other.path, revision="HEAD", timeout=30)
    room.shop.source = source  # type: ignore[assignment]
    room.follows = follows(source, None)
    room.tender = room.tended()
    await room.tender.recall()
    assert "did not come after" in await refused(room)


async def test_with_less_history_what_cannot_be_told_is_let_through(
    tmp_path: Path, repository: Repository
) -> None:
    old = repository.git("rev-parse", "HEAD")
    for name in ("one", "two"):
        new = repository.commit(name)
    source = far(repository.path, tmp_path / "cache", depth=1)
    await source.checkout()
    assert await follows(source, 1)(old, new)
    assert not await follows(source, None)(old, new)


async def test_somebody_may_allow_exactly_this_commit(room: Desk, repository: Repository) -> None:
    repository.git("reset", "-q", "--hard", "HEAD~1")
    first = repository.git("rev-parse", "HEAD")
    await refused(room)
    await room.give(Verb.ALLOW_REWIND, digest="f" * 12)
    await refused(room)
    await room.give(Verb.ALLOW_REWIND, digest=first[:12])
    await room.turn()
    assert room.known["a"].pause is None
    assert await room.shop.members("a") == {"BuiltinTag/red"}
    assert [own.digest for own in await room.commands.standing()] == ["f" * 12]
    repository.commit(a__x=tags("red", "white"))
    await room.turn()
    assert await room.shop.members("a") == {"BuiltinTag/red", "BuiltinTag/white"}


async def test_where_it_is_allowed_in_general_it_goes_along(
    desk: Desk, repository: Repository
) -> None:
    repository.commit(a__x=tags("red", "green"))
    source = RepositorySource(repository.path, revision="HEAD", timeout=30)
    desk.shop.source = source  # type: ignore[assignment]
    desk.tender = desk.tended()
    await desk.turn()
    repository.git("reset", "-q", "--hard", "HEAD~1")
    await desk.turn()
    assert await desk.shop.members("a") == {"BuiltinTag/red"}


async def test_a_target_that_nobody_applied_to_takes_any_commit(
    desk: Desk, repository: Repository
) -> None:
    source = RepositorySource(repository.path, revision="HEAD", timeout=30)
    desk.shop.source = source  # type: ignore[assignment]
    desk.follows = follows(source, None)
    desk.tender = desk.tended()
    await desk.turn()
    assert await desk.shop.members("a") == {"BuiltinTag/red"}
    overviews = await desk.statuses.overviews()
    assert overviews[0].source.revision == repository.git("rev-parse", "HEAD")
