"""Whatever a script did is taken back whole, and taking that back brings all of it again."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from crashing import FIELDS as KNOWN
from crashing import SUITE
from properties.judging import content, share, shown
from properties.test_session_crashes import embedded
from sessions import Desk
from stateward.errors import StatewardError
from stateward.model.identity import ObjectKey
from stateward.model.state import Observed
from stateward.model.unit import ADOPTED, Limits
from stateward.ports import Query
from stateward.tracking.library import TrackingSession

SITE, DEVICE, TAG, GROUP = "SuiteSite", "SuiteDevice", "BuiltinTag", "CoreStandardGroup"
NUMBERS = range(3)
NAMES = {
    kind: [f"{kind[-4:].lower()}{number}" for number in NUMBERS]
    for kind in (SITE, DEVICE, TAG, GROUP)
}
FIELDS = {**KNOWN, GROUP: frozenset({"label"})}
MUCH = Limits(deletes=1000, percent=100, protected_kinds=frozenset())
_MEMORY = Path("/dev/shm")  # noqa: S108
_PLACE = _MEMORY if _MEMORY.is_dir() else None

Call = Callable[[TrackingSession], Awaitable[Any]]
_TEXT = st.sampled_from([None, "one", "two"])


def _of(kind: str) -> st.SearchStrategy[str]:
    return st.sampled_from(NAMES[kind])


def _upsert(kind: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Call]:
    def call(name: str, given: dict[str, Any]) -> Call:
        data = {"name": name, **{field: own for field, own in given.items() if own is not None}}
        return lambda session: session.upsert(kind, data)

    return st.builds(call, _of(kind), st.fixed_dictionaries(fields))


def _found(
    kind: str, do: Callable[[TrackingSession, Any], Awaitable[Any]]
) -> st.SearchStrategy[Call]:
    """Do something with an object, where there is one."""

    def call(name: str) -> Call:
        async def on(session: TrackingSession) -> None:
            for own in await session.filters(kind, name__value=name):
                await do(session, own)

        return on

    return st.builds(call, _of(kind))


def _anything() -> st.SearchStrategy[Call]:
    kinds = (SITE, DEVICE, TAG, GROUP)
    return st.one_of(
        _upsert(SITE, description=_TEXT),
        _upsert(TAG, description=_TEXT),
        _upsert(GROUP, label=_TEXT),
        _upsert(DEVICE, site=_of(SITE), comment=_TEXT, tags=st.none() | st.lists(_of(TAG), unique=True)),
        *(_found(kind, lambda session, own: session.delete(own, force=True)) for kind in kinds),
        *(_found(kind, lambda session, own: session.delete(own)) for kind in kinds),
        *(_found(kind, lambda session, own: session.add_members(own)) for kind in kinds),
        *(_found(kind, lambda session, own: session.add_members(own, owned=True)) for kind in kinds),
        _found(SITE, lambda session, own: session.update(own, {"description": "three"})),
        _found(DEVICE, lambda session, own: session.relate(own, "neighbours", own)),
        _found(DEVICE, lambda session, own: session.unrelate(own, "neighbours", own)),
    )  # fmt: skip


_SCRIPT = st.tuples(st.booleans(), st.lists(_anything(), min_size=1, max_size=6))
_STRANGERS = st.lists(st.sampled_from([(SITE, own) for own in NAMES[SITE]] + [(TAG, own) for own in NAMES[TAG]] + [(GROUP, own) for own in NAMES[GROUP]]), unique=True)  # fmt: skip


async def run(desk: Desk, identifier: str, script: tuple[bool, list[Call]]) -> None:
    """Run a script that goes on whatever it is refused."""
    prunes, calls = script
    given = {"delete_unused_nodes": prunes, "limits": MUCH}
    async with desk.client.start_tracking(identifier, **given) as session:
        for call in calls:
            with suppress(StatewardError):
                await call(session)


async def observed(desk: Desk) -> Observed:
    keys = [ObjectKey(kind, (own,)) for kind, all_ in NAMES.items() for own in all_]
    groups = [name + end for name in ("site", "other") for end in ("", ADOPTED)]
    async with desk.watched.inner.session(None, write=False) as session:
        return await session.observe(Query(keys=keys, groups=groups, fields=FIELDS))


def judged(found: Observed) -> tuple[Any, Any]:
    """Return what there is, and who has it, as far as anybody has anything."""
    held = {
        group.name: {str(found.objects[own].key) for own in group.members if own in found.objects}
        for group in found.groups.values()
    }
    return content(found), {name: own for name, own in held.items() if own}


def held(state: tuple[Any, Any], identifier: str) -> set[str]:
    """Return what a script has, adopted or not."""
    return {own for name, all_ in state[1].items() if name.startswith(identifier) for own in all_}


@share(60)
@given(_STRANGERS, _SCRIPT, _SCRIPT, _SCRIPT)
def test_what_stood_before_and_what_stood_after_are_restored(
    strangers: list[tuple[str, str]],
    other: tuple[bool, list[Call]],
    first: tuple[bool, list[Call]],
    second: tuple[bool, list[Call]],
) -> None:
    async def look() -> None:
        with TemporaryDirectory(prefix="stateward-", dir=_PLACE) as own:
            desk = Desk(embedded(Path(own)), SUITE, Path(own) / "state.db", limits=MUCH)
            async with desk.client as client:
                for kind, name in strangers:
                    await desk.stranger(kind, name=name)
                await run(desk, "other", other)
                await run(desk, "site", first)
                before = judged(await observed(desk))
                known = len(await client.history("site"))
                await run(desk, "site", second)
                after = judged(await observed(desk))
                if len(await client.history("site")) == known:
                    return
                for expected in (before, after, before):
                    stood = judged(await observed(desk))
                    plan, report = await client.rollback(
                        (await client.history("site"))[0], allow_deletes=1000
                    )
                    now = judged(await observed(desk))
                    if any("claims it" in own.message for own in plan.problems):
                        # It came back to the other script as well: that is not ours to take away.
                        assert held(now, "other") >= held(stood, "other"), shown(plan, report)
                        return
                    assert (plan.problems, plan.blocked) == ((), ()), shown(plan, report)
                    assert now == expected, shown(plan, report)

    asyncio.run(look())
