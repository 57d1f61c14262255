"""``doctor``: what is wrong with an address, a token, a permission, before anything is planned."""

from typing import Any

import click

from stateward.cli import exits, options


@click.command()
@options.place
@options.output("text", "json")
def doctor(form: str, **given: Any) -> None:
    """Look at all that a run needs, and say what is wrong and what to do. Nothing is changed."""
    import asyncio

    from stateward.reporting import doctor as rendering
    from stateward.wiring import Invocation
    from stateward.wiring.doctor import examine

    found = asyncio.run(examine(Invocation(**given)))
    if form == "json":
        options.say_json(rendering.as_json(found))
    else:
        options.say(rendering.as_text(found))
    raise exits.Exit(exits.ERROR if rendering.failed(found) else exits.DONE)
