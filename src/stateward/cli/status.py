"""``status``: how the units stand that a daemon looks after."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from stateward.cli import exits, options

if TYPE_CHECKING:
    from stateward.model.status import Overview

_AGAIN = 2.0
"""Seconds between looks, where one goes on looking."""


@click.command()
@options.recorded
@options.output("text", "json")
@click.option("--watch", is_flag=True, help="Show it again every two seconds, until interrupted.")
def status(form: str, repo: str | None, config: str | None, *, watch: bool) -> None:
    """Show how each unit stands, why it waits, on what, and until when."""
    import asyncio
    import time

    from stateward.wiring.daemon import overviews

    if watch and form == "json":
        raise click.UsageError("--watch is for people: ask for --format json as often as you like")
    found = asyncio.run(overviews(repo, config))
    try:
        while watch:
            click.clear()  # nothing is written where nobody looks
            _say(found, form, repo, config)
            time.sleep(_AGAIN)
            found = asyncio.run(overviews(repo, config))
    except KeyboardInterrupt:
        raise exits.Exit(exits.of_status(found)) from None
    _say(found, form, repo, config)
    raise exits.Exit(exits.of_status(found))


def _say(found: "Sequence[Overview]", form: str, repo: str | None, config: str | None) -> None:
    import time

    from stateward.reporting import status as rendering
    from stateward.reporting.typed import options as options_of

    if form == "json":
        options.say_json(rendering.as_json(found, time.time()))
    else:
        options.say(rendering.as_text(found, time.time(), options_of(repo=repo, config=config)))
