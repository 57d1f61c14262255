"""``rollback``: take a recorded run back."""

import click

from stateward.cli import exits, options


@click.command()
@click.argument("run")
@options.recorded
@click.option("--target", metavar="URL", help="The target; default: the configuration's.")
@click.option("--dry-run", is_flag=True, help="Show what would be taken back, and change nothing.")
@click.option("--force", is_flag=True, help="Take back what somebody changed since, too.")
@options.allow_deletes
@options.output("text", "json", "markdown")
def rollback(
    form: str,
    run: str,
    *,
    repo: str | None,
    config: str | None,
    target: str | None,
    dry_run: bool,
    force: bool,
    allow_deletes: int | None,
) -> None:
    """Take a run back: its unit stands as before it, and is held until its files are others.

    The beginning of a run's id is enough. A rollback is a run, and can be taken back itself.
    """
    import asyncio

    from stateward.cli import invocation
    from stateward.wiring.rollback import rollback as opened

    async def carry_out() -> int:
        async with opened(run, repo=repo, config=config, target=target) as (own, record):
            if dry_run:
                plan = await own.plan(record, force=force, allow_deletes=allow_deletes)
                invocation.show_plan(plan, form)
                return exits.of_plan(plan, detailed=False)
            plan, report = await own.apply(
                record, force=force, allow_deletes=allow_deletes, progress=options.progress()
            )
            invocation.show_report(plan, report, form)
            return exits.of_report(plan, report, detailed=False)

    raise exits.Exit(asyncio.run(carry_out()))
