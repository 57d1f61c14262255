"""What is kept of how units stand comes back as it was, or not at all."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from states import SqliteStore, Store

from stateward.errors import Location, StateUnavailable
from stateward.model.drift import Departure, Difference, DriftedField, UnitDrift
from stateward.model.fight import Writer
from stateward.model.identity import NodeId, ObjectKey
from stateward.model.plan import Default, Secret
from stateward.model.status import Condition, Pause, Reason, SourceStatus, Status, Why
from stateward.stores.statuses import KeptStatuses

LEAF = ObjectKey("NetDevice", ("leaf1", "é\udcff"))
DRIFT = UnitDrift(
    revision="r1",
    at=2.25,
    objects=7,
    fields=9,
    mended=True,
    differences=(
        Difference(
            what=Departure.CHANGED,
            key=LEAF,
            node="1",
            fields=(
                DriftedField("settings", {"a": [1]}, {"a": None}, parts=("/a",)),
                DriftedField("role", "spine", Default("leaf"), cut=True),
                DriftedField("peers", frozenset({LEAF, NodeId("2")}), frozenset()),
                DriftedField("password", Secret(None), Secret(None)),
            ),
            writer=Writer("Eve", "at noon"),
            origin=Location("a/x.yml", 3, 5),
        ),
        Difference(what=Departure.MISSING, key=LEAF),
    ),
)
A = Status(
    unit="a",
    condition=Condition.RETRYING,
    since=1.5,
    attempted="r2",
    applied="r1",
    outcome="failed",
    message="it is gone: é\udcff",
    run="id",
    at=2.5,
    fingerprint="f",
    failures=3,
    next=9.25,
    reason=Reason.RETRY,
    pause=Pause(why=Why.SUSPENDED, message="by ada", until=9.5),
    details=("2 NetDevice", "- NetDevice/é\udcff"),
    blocked="0123",
    drift=DRIFT,
)
B = Status(unit="b", condition=Condition.PENDING, since=1)
SOURCE = SourceStatus(target="t", source="s", at=7, every=60, revision="r2")


@pytest.fixture
async def statuses(store: Store) -> AsyncIterator[KeptStatuses]:
    found = store.statuses()
    yield found
    await found.close()


async def test_looking_makes_nothing(statuses: KeptStatuses, store: Store) -> None:
    assert await statuses.load("t", "s") == {}
    assert await statuses.overviews() == []
    assert not store.exists()


async def test_what_was_kept_is_there_in_another_process(
    statuses: KeptStatuses, store: Store
) -> None:
    await statuses.keep("t", {"a": A, "b": B}, "s")
    await statuses.keep_source(SOURCE)
    other = store.statuses()
    assert await other.load("t", "s") == {"a": A, "b": B}
    (overview,) = await other.overviews()
    assert (overview.source, overview.units) == (SOURCE, (A, B))
    await other.close()


async def test_what_is_kept_last_counts_and_none_is_forgotten(statuses: KeptStatuses) -> None:
    await statuses.keep("t", {"a": A, "b": B}, "s")
    later = replace(A, condition=Condition.READY)
    await statuses.keep("t", {"a": later, "b": None}, "s")
    assert await statuses.load("t", "s") == {"a": later}


async def test_targets_and_sources_are_apart(statuses: KeptStatuses) -> None:
    for target, source in (("t", "s"), ("t", "other"), ("u", "s")):
        await statuses.keep(target, {"a": replace(A, message=target + source)}, source)
        await statuses.keep_source(replace(SOURCE, target=target, source=source))
    assert (await statuses.load("t", "other"))["a"].message == "tother"
    await statuses.only({("t", "s"), ("v", "s")})
    assert [(own.source.target, own.source.source) for own in await statuses.overviews()] == [
        ("t", "s")
    ]
    assert await statuses.load("u", "s") == {}


@pytest.mark.parametrize(
    "body",
    [
        "{",
        "[]",
        "{}",
        '{"condition": "odd", "reason": null}',
        '{"reason": null, "new": 1}',
        '{"condition": "ready", "reason": null, "unit": "a", "since": 1, "drift": {"at": 1}}',
    ],
)
async def test_what_is_not_understood_is_not_there(
    statuses: KeptStatuses, store: Store, body: str
) -> None:
    await statuses.keep("t", {"a": A, "b": B}, "s")
    store.change(f"UPDATE status SET body = '{body}' WHERE unit = 'a'")  # noqa: S608
    assert await statuses.load("t", "s") == {"b": B}


async def test_what_an_older_version_has_kept_is_understood(
    statuses: KeptStatuses, store: Store
) -> None:
    await statuses.keep("t", {"b": A}, "s")
    body = '{"condition": "pending", "reason": null, "unit": "b", "since": 1}'
    store.change(f"UPDATE status SET body = '{body}' WHERE unit = 'b'")  # noqa: S608
    assert await statuses.load("t", "s") == {"b": B}


async def test_they_lie_beside_the_journal(statuses: KeptStatuses, store: Store) -> None:
    journal = store.opened()
    await statuses.keep("t", {"a": A}, "s")
    assert await journal.unfinished("t") == []
    assert (await journal.verify()).broken is None
    await statuses.keep("t", {"b": B}, "s")
    await journal.close()
    assert set(await statuses.load("t", "s")) == {"a", "b"}


async def test_a_place_that_cannot_be_used_is_said(file: SqliteStore) -> None:
    file.path.mkdir(parents=True)
    statuses = file.statuses()
    with pytest.raises(StateUnavailable, match="nothing is lost but history"):
        await statuses.keep("t", {"a": A}, "s")
    await statuses.close()
