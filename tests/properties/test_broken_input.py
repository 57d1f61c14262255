"""An error is never taken for an empty declaration, and one bad directory stalls only itself."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from properties.judging import PLENTY, deletes, everything, ids, of, share, shown
from properties.worlds import Revision, revisions, workshop
from rounds import SCHEMA, Workshop
from stateward.errors import SourceRefused, SourceUnavailable, Stalled, Transient
from stateward.model.plan import Action, Change, Plan, UnitState
from stateward.planning.compare import references
from watching import MemoryJournal

Files = dict[str, str | bytes]


def _of(unit: str, files: Files) -> list[str]:
    return [path for path in files if path.rpartition("/")[0] == unit]


def _every(change: Callable[[str], str | bytes]) -> Callable[[Files, str], Files]:
    """Break every file of a unit in the same way."""

    def broken(files: Files, unit: str) -> Files:
        own = _of(unit, files)
        return {path: change(str(files[path])) if path in own else files[path] for path in files}

    return broken


def _missing(files: Files, unit: str) -> Files:
    return {path: text for path, text in files.items() if path not in _of(unit, files)}


def _nothing(_files: Files, _unit: str) -> Files:
    return {}


UNREADABLE = {
    "garbage": _every(lambda text: text + "\n  - {: [garbage"),
    "tabs": _every(lambda text: text.replace("  ", "\t")),
    "other-encoding": _every(lambda text: text.encode("utf-16")),
    "duplicate-key": _every(lambda text: text + "kind: Object\n"),
    "unknown-kind": _every(lambda text: text.replace("  kind: ", "  kind: No")),
    "unknown-field": _every(lambda text: text.replace("- name:", "- nickname: x\n      name:")),
    "wrong-envelope": _every(lambda text: text.replace("spec:", "specs:")),
    "no-list": _every(lambda text: text.replace("data:", "data: none\n  more:")),
    "version-of-tomorrow": _every(lambda text: text.replace("kind: Object", "kind: Thing")),
}
"""What can be wrong with files; whether they still say something is not known."""
CUT_OFF = {"cut-off": _every(lambda text: text[: text.rindex(":")].rstrip() + ": {")}
"""What is not in the text any more cannot be told: only what unit had it before."""
GONE = {"missing-directory": _missing, "zero-files": _nothing}


def _pick(data: st.DataObject, revision: Revision) -> str:
    return data.draw(st.sampled_from(sorted({own.units[0] for own in revision.items})))


async def _apply(shop: Workshop, revision: Revision) -> None:
    shop.commit(revision.files())
    await shop.apply(journal=MemoryJournal(), allow_deletes=PLENTY)


@pytest.mark.parametrize("how", [*UNREADABLE, *CUT_OFF, *GONE])
@share(5)
@given(data=st.data(), revision=revisions())
async def test_broken_input_alone_deletes_nothing(
    how: str, data: st.DataObject, revision: Revision
) -> None:
    with workshop() as shop:
        await _apply(shop, revision)
        before = ids(await everything(shop))
        unit = _pick(data, revision)
        shop.commit({**UNREADABLE, **CUT_OFF, **GONE}[how](dict(revision.files()), unit))
        plan, report = await shop.apply(
            journal=MemoryJournal(), allow_deletes=None if how in GONE else PLENTY
        )
        assert not deletes(plan), shown(plan)
        assert ids(await everything(shop)) == before, shown(plan, report)


async def _both(shop: Workshop, mended: Revision, broken: Files) -> tuple[Plan, Plan]:
    """Plan a revision as it is meant to be, and as it is with a mistake in it."""
    shop.commit(mended.files())
    plan = await shop.plan(allow_deletes=PLENTY)
    shop.commit(broken)
    return plan, await shop.plan(allow_deletes=PLENTY)


@pytest.mark.parametrize("how", UNREADABLE)
@share(12)
@given(data=st.data(), first=revisions(), second=revisions())
async def test_broken_input_deletes_nothing_that_it_would_not_delete_when_mended(
    how: str, data: st.DataObject, first: Revision, second: Revision
) -> None:
    with workshop() as shop:
        await _apply(shop, first)
        unit = _pick(data, second)
        mended, broken = await _both(shop, second, UNREADABLE[how](dict(second.files()), unit))
        assert deletes(broken) <= deletes(mended), shown(mended) + shown(broken)
        assert broken.units[unit].state is UnitState.STALLED
        assert not [own for own in broken.changes if own.unit == unit]


SCHEMAS = {
    "schema-that-is-none": "version: '1.0'\nnodes: [",
    "schema-with-an-error": SCHEMA.replace("peer: NetDevice,", "peer: NetNothing,"),
    "no-schema": "# nothing\n",
    "schema-without-a-kind": SCHEMA.replace("name: Cable", "name: Wire"),
}


@pytest.mark.parametrize("how", SCHEMAS)
@share(5)
@given(first=revisions(), second=revisions())
async def test_broken_schema_deletes_nothing(how: str, first: Revision, second: Revision) -> None:
    with workshop() as shop:
        await _apply(shop, first)
        before = set(ids(await everything(shop)).values())
        shop.commit(second.files())
        mended = await shop.plan(allow_deletes=PLENTY)
        shop.source.commit({"schema.yml": SCHEMAS[how], **second.files()})
        try:
            plan, _ = await shop.apply(journal=MemoryJournal(), allow_deletes=PLENTY)
        except (Stalled, Transient):
            plan = None
        gone = before - set(ids(await everything(shop)).values())
        assert gone <= {own.node for own in of(mended, Action.DELETE)}, shown(plan or mended)


@pytest.mark.parametrize("how", ["refused", "away", "blob", "revision"])
@share(5)
@given(data=st.data(), revision=revisions())
async def test_source_that_fails_changes_nothing(
    how: str, data: st.DataObject, revision: Revision
) -> None:
    with workshop() as shop:
        await _apply(shop, revision)
        before = ids(await everything(shop))
        source = shop.source
        if how == "blob":
            source.lost.add(data.draw(st.sampled_from(sorted(revision.files()))))
        elif how == "revision":
            source.lost.add("r1")
        else:
            kinds = {"refused": SourceRefused, "away": SourceUnavailable}
            source.failure = kinds[how]("no answer")
        with pytest.raises((SourceRefused, SourceUnavailable)):
            await shop.apply(journal=MemoryJournal(), allow_deletes=PLENTY)
        assert ids(await everything(shop)) == before


@pytest.mark.parametrize("how", UNREADABLE)
@share(12)
@given(data=st.data(), first=revisions(), second=revisions())
async def test_bad_unit_leaves_the_others_as_they_would_be(
    how: str, data: st.DataObject, first: Revision, second: Revision
) -> None:
    with workshop() as shop:
        await _apply(shop, first)
        unit = _pick(data, second)
        mended, broken = await _both(shop, second, UNREADABLE[how](dict(second.files()), unit))
        theirs = _reached(mended, unit, await shop.members(unit))
        wanted = {_plain(own) for own in _writes(mended, unit) if not _touches(own, theirs)}
        found = {_plain(own) for own in _writes(broken, unit) if not _touches(own, theirs)}
        assert found == wanted, shown(mended) + shown(broken)
        assert {name for name, own in broken.units.items() if own.state is UnitState.STALLED} == {
            unit
        }, shown(broken)


def _writes(plan: Plan, unit: str) -> list[Change]:
    writes = of(plan, Action.CREATE, Action.UPDATE, Action.ADOPT, Action.MOVE)
    return [own for own in writes if own.unit != unit]


def _plain(change: Change) -> Change:
    return replace(change, needs=(), level=0, deferred=frozenset(), origin=None)


def _reached(plan: Plan, unit: str, held: set[str]) -> set[str]:
    """Return what the unit declares or holds, and what cannot be made without it."""
    found = held | {str(own.key) for own in plan.changes if unit in {own.unit, own.giver}}
    size = -1
    while size != len(found):
        size = len(found)
        found |= {str(own.key) for own in plan.changes if _touches(own, found)}
    return found


def _touches(change: Change, keys: set[str]) -> bool:
    mentioned = {str(change.key), *(str(key) for key in change.needs)}
    for own in change.fields:
        mentioned |= {str(peer) for peer in (*references(own.old), *references(own.new))}
    return bool(mentioned & keys)


@share(10)
@given(data=st.data(), first=revisions(), second=revisions())
async def test_mending_the_bad_unit_makes_up_for_everything(
    data: st.DataObject, first: Revision, second: Revision
) -> None:
    with workshop() as shop, workshop() as fresh:
        how = data.draw(st.sampled_from(sorted(UNREADABLE)))
        await _apply(shop, first)
        shop.commit(UNREADABLE[how](dict(second.files()), _pick(data, second)))
        await shop.apply(journal=MemoryJournal(), allow_deletes=PLENTY)
        await _apply(shop, second)
        await _apply(fresh, second)
        assume(second.items)
        assert ids(await everything(shop)).keys() == ids(await everything(fresh)).keys()
        assert (await shop.plan(allow_deletes=PLENTY)).is_empty
