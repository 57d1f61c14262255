"""A branch of a real server, with the SDK's scripts and ours on it."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import yaml
from scripting import Sdk

from branches import Branch, fresh
from live import Lab
from sessions import Desk
from targets import SCHEMA, schema


@pytest.fixture(scope="module")
def branch(lab: Lab) -> Iterator[Branch]:
    with fresh(lab, "sdk") as found:
        found.load_schema(yaml.safe_load(SCHEMA))
        yield found


@pytest.fixture
def sdk(lab: Lab, branch: Branch) -> Sdk:
    return Sdk(lab, branch.name)


@pytest.fixture
async def desk(lab: Lab, branch: Branch, tmp_path: Path) -> AsyncIterator[Desk]:
    found = Desk(lab.target(tmp_path, branch.name), schema(), tmp_path / "state.db")
    yield found
    await found.journal.close()
