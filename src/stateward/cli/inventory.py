"""``inventory``: whether tracking groups, journal and Git agree on what belongs to whom."""

from typing import Any

import click

from stateward.cli import exits, options


@click.group()
def inventory() -> None:
    """Compare tracking groups, journal and Git, and put right what is no risk."""


@inventory.command()
@options.units
@options.output("text", "json")
def verify(units: tuple[str, ...], form: str, **given: Any) -> None:
    """Say where they do not agree, object by object, and what to do; nothing is changed.

    Exits with 0 where all agree, with 2 where anything does not. UNIT may be a pattern.
    """
    import asyncio

    from stateward.cli import invocation
    from stateward.reporting import inventory as rendering
    from stateward.wiring.inventory import Asked, verified

    found = asyncio.run(verified(Asked(invocation=invocation.of(given), units=units)))
    options.answer(rendering.as_json(found) if form == "json" else rendering.as_text(found))
    raise exits.Exit(exits.of_inventory(found))


@inventory.command()
@options.units
@click.option("--dry-run", is_flag=True, help="Show what would be put right, and change nothing.")
@options.output("text", "json")
def repair(units: tuple[str, ...], form: str, *, dry_run: bool, **given: Any) -> None:
    """Put right what is no risk: memberships that are proved, and nothing else; say what is left.

    No object is made, changed or deleted. Exits with 0 where all agree afterwards, with 2 where
    anything is left. UNIT may be a pattern.
    """
    import asyncio

    from stateward.cli import invocation
    from stateward.reporting import repair as rendering
    from stateward.wiring.inventory import Asked, foreseen, repaired

    asked = Asked(invocation=invocation.of(given), units=units)
    work = foreseen(asked) if dry_run else repaired(asked, options.progress())
    found = asyncio.run(work)
    options.answer(rendering.as_json(found) if form == "json" else rendering.as_text(found))
    raise exits.Exit(exits.of_repair(found))
