"""Look at everything that a run would need, one thing after the other, whatever is wrong with one."""

from contextlib import suppress

from stateward.engine.examine import Needs, examine_source
from stateward.errors import Code, ConfigError, StatewardError
from stateward.model.finding import Finding, fine, wrong
from stateward.model.unit import ManageSchema
from stateward.ports import Target
from stateward.wiring import Invocation, Setup, set_up, unconfigured

_ADDRESS = "give sqlite:///path or https://host?branch=name, as --target or target.url"
_MEND = "mend it; `stateward config schema` prints what it may hold"


async def examine(invocation: Invocation) -> tuple[Finding, ...]:
    """Examine what an invocation names; only what the tool itself does wrong raises."""
    try:
        setup = set_up(invocation)
        findings = [fine("configuration", _which(setup))]
    except ConfigError as error:
        setup = unconfigured(invocation)
        findings = [wrong("configuration", " ".join(str(error).split("\n")), _MEND)]
    found, needs = await _source(setup)
    target, refused = _target(setup)
    return (
        *findings,
        *found,
        await _state(setup, target.name if target else ""),
        *refused,
        *(await _diagnosed(setup, target, needs) if target else ()),
    )


def _which(setup: Setup) -> str:
    return f"{setup.file} can be used" if setup.file else "none, the defaults are used"


async def _source(setup: Setup) -> tuple[tuple[Finding, ...], Needs]:
    try:
        return await examine_source(setup.loader())
    except StatewardError as error:
        advice = "give the path or the address of a repository"
        return (wrong("repository", str(error), advice),), Needs()


async def _state(setup: Setup, target: str) -> Finding:
    try:
        journal = setup.state.journal(setup.configuration.state.retention)
    except ConfigError as error:
        return wrong(
            "state",
            str(error),
            "give sqlite:///path or postgresql://user@host/database as state.url",
        )
    try:
        return await journal.diagnose(target)
    finally:
        with suppress(StatewardError):
            await journal.close()


def _target(setup: Setup) -> tuple[Target | None, tuple[Finding, ...]]:
    try:
        return setup.target(), ()
    except ConfigError as error:
        unknown = error.code is Code.TARGET_UNKNOWN
        advice = _ADDRESS if unknown else "mend it in `target`, or in the environment"
        return None, (wrong("target", str(error), advice),)


async def _diagnosed(setup: Setup, target: Target, needs: Needs) -> tuple[Finding, ...]:
    managed = setup.source.manage_schema is not ManageSchema.OFF
    return tuple(await target.diagnose(needs.schema if managed else None, needs.kinds))
