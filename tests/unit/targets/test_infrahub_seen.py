"""What is remembered of a look, and for how long it may be relied on."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stateward.model.identity import ObjectKey
from stateward.model.state import Group, ObservedObject
from stateward.ports import Recall
from stateward.targets.infrahub import seen
from stateward.targets.infrahub.recollection import Recollection
from stateward.targets.infrahub.seen import Seen

EARLY, LATE = "2026-01-01T10:00:00+00:00", "2026-01-01T10:00:00.000001+00:00"
HOUR = 3600.0

texts = st.text(max_size=5)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=4,
)
objects = st.builds(
    ObservedObject,
    id=texts,
    key=st.builds(ObjectKey, texts, st.lists(texts, max_size=2).map(tuple)),
    attributes=st.dictionaries(texts, values, max_size=3),
    relations=st.dictionaries(
        texts, st.none() | texts | st.frozensets(texts, max_size=3), max_size=3
    ),
    defaults=st.frozensets(texts, max_size=2),
    pools=st.dictionaries(texts, texts, max_size=2),
    seeded=st.booleans(),
)
groups = st.builds(
    Group, id=texts, name=texts, description=texts, members=st.frozensets(texts, max_size=3)
)
sightings = st.builds(
    Seen,
    schema=texts,
    whole=st.floats(min_value=0, max_value=1e12),
    looked=st.floats(min_value=0, max_value=1e12),
    since=texts,
    groups=st.lists(groups, max_size=2).map(lambda found: {own.name: own for own in found}),
    kinds=st.dictionaries(texts, texts, max_size=3),
    fields=st.dictionaries(texts, st.lists(texts, max_size=3).map(tuple), max_size=2),
    objects=st.lists(objects, max_size=3).map(lambda found: {own.id: own for own in found}),
    outside=st.lists(texts, max_size=2).map(tuple),
    changed=st.dictionaries(texts, texts, max_size=3),
)
NOTHING = Seen(
    schema="s",
    whole=100.0,
    looked=100.0,
    since=EARLY,
    groups={},
    kinds={},
    fields={},
    objects={},
)


@given(sightings)
def test_what_is_written_down_is_read_back(found: Seen) -> None:
    assert seen.decode(seen.encode(found)) == found


@given(st.binary(max_size=20) | values.map(lambda own: str(own).encode()))
def test_what_is_not_ours_is_nothing(content: bytes) -> None:
    assert seen.decode(content) is None


@given(sightings, st.data())
def test_a_part_of_it_is_nothing(found: Seen, data: st.DataObject) -> None:
    content = seen.encode(found)
    assert seen.decode(content[: data.draw(st.integers(0, len(content) - 1))]) is None


class TestStands:
    def test_not_told_and_old(self) -> None:
        assert replace(NOTHING, changed={"a": EARLY}).stands("a", {})

    def test_told_as_before(self) -> None:
        assert replace(NOTHING, changed={"a": LATE}).stands("a", {"a": LATE})

    def test_told_another_time(self) -> None:
        assert not replace(NOTHING, changed={"a": EARLY}).stands("a", {"a": LATE})

    def test_a_server_that_was_set_back_tells_nothing_of_what_it_lost(self) -> None:
        assert not replace(NOTHING, changed={"a": LATE}).stands("a", {})


class Shelf:
    """A memory that keeps what it is given."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    async def recall(self, name: str) -> bytes | None:
        return self.kept.get(name)

    async def keep(self, name: str, content: bytes) -> None:
        self.kept[name] = content


@pytest.mark.parametrize(
    ("now", "max_age", "schema", "relied_on"),
    [
        (100.0, HOUR, "s", True),
        (100.0 + HOUR, HOUR, "s", True),
        (101.0 + HOUR, HOUR, "s", False),
        (99.0, HOUR, "s", False),  # the clock was set back
        (100.0, 0.0, "s", False),
        (100.0, HOUR, "another", False),
    ],
)
async def test_what_may_be_relied_on(
    now: float, max_age: float, schema: str, *, relied_on: bool
) -> None:
    shelf = Shelf()
    asked = Recall(name="n", max_age=max_age)
    process = Recollection("main", shelf, lambda: 0.0)
    process.keep(asked, NOTHING)
    await process.write_down()

    in_the_next_process = Recollection("main", shelf, lambda: now)
    found = await in_the_next_process.recall(asked, schema)
    assert found == (NOTHING if relied_on else None)
    assert await Recollection("other", shelf, lambda: now).recall(asked, schema) is None
