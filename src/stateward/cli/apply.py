"""``apply`` and ``run``: bring the target in line."""

from typing import Any

import click
from click.core import ParameterSource

from stateward.cli import exits, options


@click.command()
@options.repository
@options.output("text", "json", "markdown")
@options.allow_deletes
@options.retry
@options.detailed_exitcode
def apply(form: str, *, detailed_exitcode: bool, **given: Any) -> None:
    """Plan and apply a revision, or apply a plan that `plan --out FILE` wrote.

    REPO may be such a file: then the plan is made again, and applied only if it is the same one.
    """
    from stateward.cli import invocation

    asked, expected = invocation.of_plan_file(given)
    code, answer = _applied(
        asked, form, expected=expected, detailed=detailed_exitcode, relying=False
    )
    options.answer(answer)
    raise exits.Exit(code)


@click.command("run")
@options.repository
@options.output("text", "json", "markdown")
@options.allow_deletes
@options.retry
@options.detailed_exitcode
@click.option(
    "--once", is_flag=True, help="Reconcile once and exit; without it, until told to end."
)
@click.option("--dry-run", is_flag=True, help="Plan, report, and change nothing.")
@click.option("--full", is_flag=True, help="Read all of the target, whatever has changed in it.")
@click.option(
    "--log-format",
    type=click.Choice(["console", "json"]),
    default="console",
    show_default=True,
    help="How the daemon tells on stderr what it does.",
)
@click.pass_context
def run_command(
    context: click.Context,
    /,
    form: str,
    *,
    detailed_exitcode: bool,
    once: bool,
    dry_run: bool,
    full: bool,
    log_format: str,
    **given: Any,
) -> None:
    """Reconcile: fetch, plan, apply, report; once, or for as long as the process lives."""
    from stateward.cli import invocation

    if not once:
        _only_once(context)
        raise exits.Exit(_tend(invocation.of(given), log_format))
    from stateward.cli import sources

    def round_(asked: Any) -> tuple[int, options.Answer]:
        if dry_run:
            return _planned(asked, form, detailed=detailed_exitcode)
        return _applied(asked, form, expected=None, detailed=detailed_exitcode, relying=not full)

    raise exits.Exit(sources.each(invocation.of(given), form, round_))


_ONCE = (
    "detailed_exitcode",
    "dry_run",
    "full",
    "form",
    "rev",
    "worktree",
    "allow_deletes",
    "retry",
)
"""What a single round can be told, and a daemon cannot."""


def _only_once(context: click.Context) -> None:
    for name in _ONCE:
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            option = "format" if name == "form" else name.replace("_", "-")
            raise click.UsageError(f"--{option} goes with --once only")


def _tend(asked: Any, log_format: str) -> int:
    import asyncio
    import gc
    import sys

    from stateward.reporting import logs
    from stateward.wiring.daemon import tend

    gc.enable()  # other commands end before it matters
    emit = logs.emitter(log_format, sys.stderr)
    logs.take_over(emit)
    return asyncio.run(tend(asked, emit))


def _planned(asked: Any, form: str, *, detailed: bool) -> tuple[int, options.Answer]:
    import asyncio

    from stateward.cli import invocation

    found = asyncio.run(invocation.planned(asked))
    report, typed = invocation.dry_report(found), invocation.typed(asked)
    answer = invocation.report_answer(found, report, form, typed)
    return exits.of_plan(found, detailed=detailed), answer


def _applied(
    asked: Any, form: str, *, expected: str | None, detailed: bool, relying: bool
) -> tuple[int, options.Answer]:
    import asyncio

    from stateward.cli import invocation

    found, report = asyncio.run(
        invocation.applied(asked, expected, options.progress(), relying=relying)
    )
    answer = invocation.report_answer(found, report, form, invocation.typed(asked))
    return exits.of_report(found, report, detailed=detailed), answer
