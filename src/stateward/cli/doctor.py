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

    from stateward.cli import sources
    from stateward.reporting import doctor as rendering
    from stateward.wiring import Invocation
    from stateward.wiring.doctor import examine

    rendered = rendering.as_json if form == "json" else rendering.as_text

    def looked_at(asked: Invocation) -> tuple[int, options.Answer]:
        found = asyncio.run(examine(asked))
        return exits.ERROR if rendering.failed(found) else exits.DONE, rendered(found)

    raise exits.Exit(sources.each(Invocation(**given), form, looked_at))
