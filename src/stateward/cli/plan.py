"""``validate`` and ``plan``: look, and change nothing."""

from collections.abc import Callable
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

    from stateward.cli import invocation, sources
    from stateward.reporting import validation

    rendered: dict[str, Callable[[Any], options.Answer]] = {
        "json": validation.as_json,
        "markdown": validation.as_markdown,
        "text": validation.as_text,
    }

    def checked(asked: Any) -> tuple[int, options.Answer]:
        plan = asyncio.run(invocation.validated(asked))
        return exits.ERROR if validation.failed(plan) else exits.DONE, rendered[form](plan)

    raise exits.Exit(sources.each(invocation.of(given), form, checked))


@click.command()
@options.repository
@options.output("text", "json", "markdown")
@options.allow_deletes
@options.retry
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
