"""``adopt``: take over what somebody else made from the same files."""

from typing import TYPE_CHECKING, Any

import click

from stateward.cli import exits, options

if TYPE_CHECKING:
    from stateward.model.adoption import Adoption
    from stateward.wiring import Invocation


@click.command()
@options.units
@click.option(
    "--group",
    metavar="NAME",
    help="Take only what is in this group of another tool, whose claim is no hindrance then.",
)
@click.option(
    "--differing", is_flag=True, help="Take what is not as declared, too, and leave it as it is."
)
@click.option(
    "--own",
    is_flag=True,
    help="Have it, and what was adopted before, count as made by us: deleted when Git drops it.",
)
@click.option("--dry-run", is_flag=True, help="Show what would be taken, and change nothing.")
@options.output("text", "json", "markdown")
def adopt(
    units: tuple[str, ...],
    form: str,
    *,
    group: str | None,
    differing: bool,
    own: bool,
    dry_run: bool,
    **given: Any,
) -> None:
    """Make what is there already, as files declare it, members of their units; and nothing else.

    Nothing is made, changed or deleted. What a round would do afterwards is shown: where that is
    nothing the takeover is complete, and the exit code is 0. UNIT may be a pattern.
    """
    import asyncio

    from stateward.cli import invocation
    from stateward.model.adoption import Taking
    from stateward.wiring.adoption import Asked, adopted, foreseen

    asked = Asked(
        invocation=invocation.of(given),
        units=units,
        taking=Taking(group=group, differing=differing, own=own),
    )
    work = foreseen(asked) if dry_run else adopted(asked, options.progress())
    found = asyncio.run(work)
    _say(found, asked.invocation, form)
    raise exits.Exit(exits.of_adoption(found))


def _say(found: "Adoption", asked: "Invocation", form: str) -> None:
    from stateward.cli import invocation
    from stateward.reporting import adoption as rendering

    typed = invocation.typed(asked)
    if form == "json":
        options.say_json(rendering.as_json(found, typed))
    elif form == "markdown":
        options.say(rendering.as_markdown(found, typed))
    else:
        options.say(rendering.as_text(found, typed))
