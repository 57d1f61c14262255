"""``reconcile``, ``suspend``, ``resume``, ``approve``, ``allow-rewind``: what a daemon is told, running or not."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from stateward.cli import exits, options

if TYPE_CHECKING:
    from stateward.model.command import Command
    from stateward.wiring.control import Told

_F = TypeVar("_F", bound=Callable[..., Any])

_UNIT = click.argument("unit", required=False)


def _about(command: _F) -> _F:
    """Add what says which daemon is told, and of which source."""
    return options.recorded(options.source(command))


@click.command()
@_UNIT
@_about
@click.option("--any-time", is_flag=True, help="Also outside of the windows of a unit.")
def reconcile(unit: str | None, *, any_time: bool, **place: Any) -> None:
    """Have the daemon look for a new commit and run a round now, of UNIT or of all units."""
    _tell(unit, place, lambda own: own.control.reconcile(own.about, any_time=any_time))


@click.command()
@_UNIT
@_about
@click.option("--for", "for_", metavar="TIME", help="For how long: 90m, 12h, 7d.")
@click.option("--until", metavar="MOMENT", help="Until when: a date, or one with a time.")
@click.option("--reason", metavar="TEXT", default="", help="Why: `status` shows it.")
def suspend(
    unit: str | None, for_: str | None, until: str | None, reason: str, **place: Any
) -> None:
    """Have the daemon leave UNIT, or all units, as they are, until they are resumed."""
    from stateward.cli.moments import ahead

    if for_ is not None and until is not None:
        raise click.UsageError("--for and --until say the same: give one of them")
    end = ahead(for_, until)
    _tell(unit, place, lambda own: own.control.suspend(own.about, reason=reason, until=end))


@click.command()
@_UNIT
@_about
def resume(unit: str | None, **place: Any) -> None:
    """Have the daemon go on with what was suspended: UNIT, or all units together."""
    _tell(unit, place, lambda own: own.control.resume(own.about))


@click.command()
@click.argument("unit")
@click.argument("digest")
@_about
@click.option("--for", "for_", metavar="TIME", help="How long it counts; default: run.approval.")
def approve(unit: str, digest: str, for_: str | None, **place: Any) -> None:
    """Let the prune of UNIT through that a guard holds back, once, and exactly that one.

    `plan` and `status` show its DIGEST, of which the first twelve digits are enough.
    """
    from stateward.cli.moments import after, ahead

    def told(own: "Told") -> "Awaitable[Command]":
        until = ahead(for_, None) or after(own.approval)
        return own.control.approve(own.about, digest, until=until)

    _tell(unit, place, told)


@click.command("allow-rewind")
@click.argument("revision")
@_about
def allow_rewind(revision: str, **place: Any) -> None:
    """Go on with REVISION, a commit that is refused: it did not come after what was applied.

    `status` shows it; the first twelve digits are enough.
    """
    from stateward.cli.moments import after

    def told(own: "Told") -> "Awaitable[Command]":
        return own.control.allow_rewind(own.about, revision, until=after(own.approval))

    _tell(None, place, told)


def _tell(
    unit: str | None, place: dict[str, Any], told: Callable[["Told"], "Awaitable[Command]"]
) -> None:
    import asyncio
    import time

    from stateward.reporting import status as rendering
    from stateward.wiring.control import control

    async def tell() -> str:
        async with control(unit, **place) as own:
            command = await told(own)
            return rendering.told(command, await own.control.statuses.overviews(), time.time())

    options.say(asyncio.run(tell()))
    raise exits.Exit(exits.DONE)
