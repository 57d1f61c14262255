"""What telling a daemon something takes, whether it runs or not."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import NamedTuple
from uuid import uuid4

from stateward.daemon.control import About, Control
from stateward.wiring import Invocation, set_up


class Told(NamedTuple):
    """What is needed to tell a daemon something."""

    control: Control
    about: About
    approval: timedelta
    """How long an approval counts."""


@asynccontextmanager
async def control(
    unit: str | None, *, repo: str | None, config: str | None, source: str | None
) -> AsyncIterator[Told]:
    """Open the way to the daemon that looks after a unit, or all of a source."""
    setup = set_up(Invocation(repo=repo, config=config, source=source))
    setup.state.keep_out_of_git()
    commands, statuses = setup.state.commands(time.time), setup.state.statuses()
    own = Control(
        commands=commands, statuses=statuses, clock=time.time, new_id=lambda: str(uuid4())
    )
    about = About(source=setup.source.name, unit=unit, actor=setup.actor)
    try:
        yield Told(own, about, setup.configuration.run.approval)
    finally:
        await commands.close()
        await statuses.close()
