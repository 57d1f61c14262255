"""``status``: how the units stand that a daemon looks after."""

import click

from stateward.cli import exits, options


@click.command()
@options.recorded
@options.output("text", "json")
def status(form: str, repo: str | None, config: str | None) -> None:
    """Show how each unit stands, why it waits, on what, and until when."""
    import asyncio
    import time

    from stateward.reporting import status as rendering
    from stateward.wiring.daemon import overviews

    found = asyncio.run(overviews(repo, config))
    if form == "json":
        options.say_json(rendering.as_json(found, time.time()))
    else:
        options.say(rendering.as_text(found, time.time()))
    raise exits.Exit(exits.of_status(found))
