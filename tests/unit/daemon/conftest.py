"""What tests of the daemon begin with."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from desks import Desk
from rounds import Workshop
from stateward.stores.commands import SqliteCommands
from stateward.stores.statuses import SqliteStatuses
from watching import Watched


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    shop = Workshop(tmp_path)
    statuses = SqliteStatuses(tmp_path / "state.db")
    commands = SqliteCommands(tmp_path / "state.db", lambda: 0.0)
    yield Desk(shop=shop, target=Watched(shop.target), statuses=statuses, commands=commands)
    await commands.close()
    await statuses.close()
