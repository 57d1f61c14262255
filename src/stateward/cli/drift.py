"""``drift``: what others changed in the target although Git did not change."""

from typing import TYPE_CHECKING, Any

import click

from stateward.cli import exits, options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stateward.model.drift import SourceDrift
    from stateward.wiring.drift import Asked


@click.command()
@click.argument("units", metavar="[UNIT]...", nargs=-1)
@options.target
@options.revision
@options.recorded
@options.source
@click.option("--now", is_flag=True, help="Look now, whatever a daemon has kept.")
@click.option(
    "--suggest-ignore",
    is_flag=True,
    help="Write what would have it left alone, as YAML for the units' .stateward.yaml.",
)
@options.detailed_exitcode
@options.output("text", "json", "markdown")
def drift(
    units: tuple[str, ...],
    form: str,
    *,
    now: bool,
    suggest_ignore: bool,
    detailed_exitcode: bool,
    **given: Any,
) -> None:
    """Show which fields differ although Git did not change, and who changed them.

    What a daemon has kept of its last looks; where there is none, all is looked at now. Nothing is changed.
    """
    import asyncio

    from stateward.wiring.drift import drifted

    if suggest_ignore and form != "text":
        raise click.UsageError("--suggest-ignore answers in YAML: leave --format out")
    asked = _asked(units, given, now=now)
    found = asyncio.run(drifted(asked))
    if suggest_ignore:
        _suggest(found, asked)
    else:
        _say(found, form)
    raise exits.Exit(exits.of_drift(found, detailed=detailed_exitcode))


def _asked(units: tuple[str, ...], given: dict[str, Any], *, now: bool) -> "Asked":
    from stateward.cli import invocation
    from stateward.wiring.drift import Asked

    # Of another target, or another revision, no daemon has kept anything.
    named = given["target"] is not None or given["rev"] is not None
    return Asked(invocation=invocation.of(given), units=units, now=now or named)


def _suggest(found: "Sequence[SourceDrift]", asked: "Asked") -> None:
    import asyncio

    from stateward.reporting import suggestion
    from stateward.wiring.drift import ignored

    said = asyncio.run(ignored(asked.invocation, found))
    options.say(suggestion.as_yaml(found, said))


def _say(found: "Sequence[SourceDrift]", form: str) -> None:
    import time

    from stateward.reporting import drift as rendering

    if form == "json":
        options.say_json(rendering.as_json(found))
    elif form == "markdown":
        options.say(rendering.as_markdown(found, time.time()))
    else:
        options.say(rendering.as_text(found, time.time()))
