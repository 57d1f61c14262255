"""``history``, ``show`` and ``audit``: what was done, by whom, and whether the record is whole."""

import click

from stateward.cli import exits, options

_SUBJECT = click.argument("subject", required=False)


@click.command()
@_SUBJECT
@options.recorded
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    metavar="N",
    help="At most so many runs, the newest; 0 is all.",
)
@click.option(
    "--since",
    metavar="WHEN",
    help="Only runs since then: 90m, 12h, 7d, or a date with or without a time (UTC).",
)
@options.output("text", "json", "jsonl", "markdown")
def history(
    form: str,
    subject: str | None,
    repo: str | None,
    config: str | None,
    limit: int,
    since: str | None,
) -> None:
    """List recorded runs, the newest first; of one unit or one identifier, if it is given."""
    import asyncio

    from stateward.cli import recorded
    from stateward.reporting import history as rendering

    found = asyncio.run(recorded.runs(repo, config, subject, since, limit or None))
    if form == "json":
        options.say_json(rendering.as_json(found))
    elif form == "jsonl":
        for own in found:
            options.say_json_line(rendering.run(own))
    elif form == "markdown":
        options.say(rendering.as_markdown(found))
    else:
        options.say(rendering.as_text(found))


@click.command()
@click.argument("run")
@options.recorded
@options.output("text", "json", "markdown")
def show(form: str, run: str, repo: str | None, config: str | None) -> None:
    """Show one run with all its changes. The beginning of its id is enough."""
    import asyncio

    from stateward.cli import recorded
    from stateward.reporting import history as rendering

    found = asyncio.run(recorded.run(repo, config, run))
    if form == "json":
        options.say_json(rendering.as_json([found]))
    elif form == "markdown":
        options.say(rendering.run_as_markdown(found))
    else:
        options.say(rendering.run_as_text(found))


@click.group()
def audit() -> None:
    """Look after the record itself."""


@audit.command()
@options.recorded
@click.option(
    "--head",
    metavar="NUMBER:HASH",
    help="A head that was printed earlier: the record must still go back to it.",
)
@options.output("text", "json")
def verify(form: str, repo: str | None, config: str | None, head: str | None) -> None:
    """Check that no record was changed, added, dropped or swapped."""
    import asyncio

    from stateward.cli import recorded
    from stateward.reporting import audit as rendering

    found = asyncio.run(recorded.verify(repo, config, head))
    if form == "json":
        options.say_json(rendering.as_json(found))
    else:
        options.say(rendering.as_text(found))
    raise exits.Exit(exits.ERROR if found.broken else exits.DONE)


@audit.command("export")
@options.recorded
def export_records(repo: str | None, config: str | None) -> None:
    """Write every record as a line of JSON, each with its hash and that of the one before."""
    import asyncio

    from stateward.cli import recorded
    from stateward.reporting import audit as rendering

    for line in rendering.lines(asyncio.run(recorded.links(repo, config))):
        options.say(line)
