"""``rollback``: take a recorded run back, all of its round, or a commit."""

import click

from stateward.cli import exits, options


@click.command()
@click.argument("run", required=False)
@click.option("--round", "whole", is_flag=True, help="Take back all that the run's round did.")
@click.option(
    "--commit",
    metavar="REV",
    help="Take back all that brought a commit about, in every unit: it, or its beginning.",
)
@options.source
@options.recorded
@click.option("--target", metavar="URL", help="The target; default: the configuration's.")
@click.option("--dry-run", is_flag=True, help="Show what would be taken back, and change nothing.")
@click.option("--force", is_flag=True, help="Take back what somebody changed since, too.")
@options.allow_deletes
@options.output("text", "json", "markdown")
def rollback(
    form: str,
    run: str | None,
    *,
    whole: bool,
    commit: str | None,
    source: str | None,
    repo: str | None,
    config: str | None,
    target: str | None,
    dry_run: bool,
    force: bool,
    allow_deletes: int | None,
) -> None:
    """Take a run back: its unit stands as before it, and is held until its files are others.

    The beginning of a run's id is enough. With --round, or by --commit in place of RUN, all units
    that were written are taken back in one plan. A rollback can be taken back itself.
    """
    import asyncio

    from stateward.cli import invocation
    from stateward.reporting.typed import ROLLBACK, Typed
    from stateward.reporting.typed import options as typed_options
    from stateward.wiring.rollback import Meant
    from stateward.wiring.rollback import rollback as opened

    told = typed_options(round=whole, commit=commit, source=source)
    where = typed_options(repo=repo, config=config, target=target, force=force)
    typed = Typed(
        again=("rollback", *((run,) if run else ()), *told, *where), about=None, meanwhile=ROLLBACK
    )
    meant = Meant(run=run, round=whole, commit=commit, source=source)

    async def carry_out() -> int:
        async with opened(meant, repo=repo, config=config, target=target) as (own, records):
            if dry_run:
                plan = await own.plan(*records, force=force, allow_deletes=allow_deletes)
                invocation.show_plan(plan, form, typed)
                return exits.of_plan(plan, detailed=False)
            plan, report = await own.apply(
                *records, force=force, allow_deletes=allow_deletes, progress=options.progress()
            )
            invocation.show_report(plan, report, form, typed)
            return exits.of_report(plan, report, detailed=False)

    raise exits.Exit(asyncio.run(carry_out()))
