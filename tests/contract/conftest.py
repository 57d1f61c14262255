"""One target, whichever it is: the suites ask for ``target`` and ``world`` and no more."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from states import PostgresStore, SqliteStore, Store

import branches
from live import Lab
from sessions import Desk
from stateward.model.schema import Schema
from stateward.ports import Target
from stateward.targets.embedded import EmbeddedTarget
from targets import Fresh, World, schema


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """A place for a journal, whichever it is."""
    if request.param == "sqlite":
        return SqliteStore(path=tmp_path / "some/where/state.db")
    return PostgresStore(database=request.getfixturevalue("database"))


@pytest.fixture
def file(tmp_path: Path) -> SqliteStore:
    """The one that is a file."""
    return SqliteStore(path=tmp_path / "some/where/state.db")


@pytest.fixture(scope="session")
def suite_schema() -> Schema:
    return schema()


@pytest.fixture(params=["embedded", pytest.param("infrahub", marks=pytest.mark.live)])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Target:
    """A target that may be written to. A server is one for all tests: nothing is ever emptied."""
    if request.param == "embedded":
        return EmbeddedTarget(f"sqlite:///{tmp_path}/target.db")
    lab: Lab = request.getfixturevalue("lab")
    return lab.target(tmp_path)


@pytest.fixture(scope="session")
def branch(lab: Lab) -> Iterator[str]:
    """A branch of the server, for schemas that are to be gone afterwards."""
    with branches.fresh(lab, "contract") as found:
        yield found.name


@pytest.fixture(params=["embedded", pytest.param("infrahub", marks=pytest.mark.live)])
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Fresh:
    """A target without any of the suite's kinds: on a server these are kinds of each test's own."""
    letters = str.maketrans("0123456789", "ghijklmnop")
    namespace = f"Own{uuid4().hex[:8].translate(letters)}"
    if request.param == "embedded":
        return Fresh(EmbeddedTarget(f"sqlite:///{tmp_path}/target.db"), namespace)
    lab: Lab = request.getfixturevalue("lab")
    own: str = request.getfixturevalue("branch")
    return Fresh(lab.target(tmp_path, own), namespace)


@pytest.fixture
async def world(target: Target, suite_schema: Schema) -> AsyncIterator[World]:
    """A session on the target, with the suite's schema loaded."""
    async with target.session(suite_schema, write=True) as session:
        await session.load_schema()
        yield World(session)


@pytest.fixture
async def desk(target: Target, suite_schema: Schema, tmp_path: Path) -> AsyncIterator[Desk]:
    """A client of the tracking library, on a target that has the suite's schema."""
    found = Desk(target, suite_schema, tmp_path / "state.db")
    async with found.client:
        found.watched.schemas = 0
        yield found


@pytest.fixture
async def other(target: Target, suite_schema: Schema, tmp_path: Path) -> AsyncIterator[Desk]:
    """Another client, as another process has one."""
    found = Desk(target, suite_schema, tmp_path / "state.db")
    async with found.client:
        yield found
