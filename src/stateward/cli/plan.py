"""``validate`` and ``plan``: look, and change nothing."""

from typing import Any

import click

from stateward.cli import exits, options


@click.command()
@options.repository
@options.output("text", "json", "markdown")
def validate(form: str, **given: Any) -> None:
    """Check a revision's files: every problem at once, each with file, line and column.

    Without --target no target is asked, and every reference has to be declared by some unit.
    """
    import asyncio

    from stateward.cli import invocation
    from stateward.reporting import validation

    asked = invocation.of(given)
    plan = asyncio.run(invocation.validated(asked))
    if form == "json":
        options.say_json(validation.as_json(plan))
    else:
        options.say(
            validation.as_markdown(plan) if form == "markdown" else validation.as_text(plan)
        )
    raise exits.Exit(exits.ERROR if validation.failed(plan) else exits.DONE)


@click.command()
@options.repository
@options.output("text", "json", "markdown")
@options.allow_deletes
@options.detailed_exitcode
@click.option("--out", metavar="FILE", help="Write the plan to a file that `apply FILE` takes.")
@click.option("--against", metavar="REV", help="Compare with another revision instead of a target.")
def plan(
    form: str, out: str | None, against: str | None, *, detailed_exitcode: bool, **given: Any
) -> None:
    """Show what applying a revision would do. Nothing is changed."""
    import asyncio

    from stateward.cli import invocation
    from stateward.reporting.typed import NOWHERE

    asked = invocation.of(given)
    if against is not None:
        found, typed = asyncio.run(invocation.planned_against(asked, against)), NOWHERE
    else:
        found, typed = asyncio.run(invocation.planned(asked)), invocation.typed(asked)
    if out is not None:
        invocation.save(found, asked, out)
    invocation.show_plan(found, form, typed)
    raise exits.Exit(exits.of_plan(found, detailed=detailed_exitcode))
