"""``apply`` and ``run``: bring the target in line."""

from typing import Any

import click

from stateward.cli import exits, options


@click.command()
@options.repository
@options.output("text", "json", "markdown")
@options.allow_deletes
@options.detailed_exitcode
def apply(form: str, *, detailed_exitcode: bool, **given: Any) -> None:
    """Plan and apply a revision, or apply a plan that `plan --out FILE` wrote.

    REPO may be such a file: then the plan is made again, and applied only if it is the same one.
    """
    from stateward.cli import invocation

    asked, expected = invocation.of_plan_file(given)
    raise exits.Exit(
        _apply(asked, form, expected=expected, detailed=detailed_exitcode, relying=False)
    )


@click.command("run")
@options.repository
@options.output("text", "json", "markdown")
@options.allow_deletes
@options.detailed_exitcode
@click.option("--once", is_flag=True, help="Reconcile once and exit.")
@click.option("--dry-run", is_flag=True, help="Plan, report, and change nothing.")
@click.option("--full", is_flag=True, help="Read all of the target, whatever has changed in it.")
def run_command(
    form: str, *, detailed_exitcode: bool, once: bool, dry_run: bool, full: bool, **given: Any
) -> None:
    """Reconcile: fetch, plan, apply, report."""
    from stateward.cli import invocation

    if not once:
        raise click.UsageError("give --once: a round is run when it is asked for")
    asked = invocation.of(given)
    if not dry_run:
        raise exits.Exit(
            _apply(asked, form, expected=None, detailed=detailed_exitcode, relying=not full)
        )
    import asyncio

    found = asyncio.run(invocation.planned(asked))
    invocation.show_report(found, invocation.dry_report(found), form)
    raise exits.Exit(exits.of_plan(found, detailed=detailed_exitcode))


def _apply(asked: Any, form: str, *, expected: str | None, detailed: bool, relying: bool) -> int:
    import asyncio

    from stateward.cli import invocation

    found, report = asyncio.run(
        invocation.applied(asked, expected, options.progress(), relying=relying)
    )
    invocation.show_report(found, report, form)
    return exits.of_report(found, report, detailed=detailed)
