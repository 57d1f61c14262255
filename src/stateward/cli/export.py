"""``export``: a target, read back as object files."""

from typing import Any

import click

from stateward.cli import options


@click.command()
@options.place
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    metavar="K",
    help="Only objects of this kind, or of kinds that inherit from it.",
)
@click.option("--unit", metavar="U", help="Only objects of this unit.")
@options.output("yaml", "json")
def export(form: str, kinds: tuple[str, ...], unit: str | None, **given: Any) -> None:
    """Read a target back as object files."""
    import asyncio

    from stateward.cli import invocation
    from stateward.reporting import export as rendering

    found = asyncio.run(invocation.exported(given, kinds, unit))
    if form == "json":
        options.say_json(rendering.as_json(found))
    else:
        options.say(rendering.as_yaml(found))
