"""What a target shows of changes that nobody lived to write down."""

from typing import Any

import pytest

from stateward.model.identity import NodeId
from stateward.model.plan import Action, FieldChange, Secret
from stateward.model.record import Cause, Opening, Record, RecordedChange, RunKind
from stateward.model.run import EntryState
from stateward.model.schema import MEMBER_OF_GROUPS
from stateward.model.state import Observed
from stateward.planning.settling import settle
from unit.builders import group, held, id_of, observe, schema, server, tag, unit

S1 = server("s1", slots=4, spare=True)
UNIT = unit("a")


def change(action: Action, *fields: FieldChange, index: int = 1, **given: Any) -> RecordedChange:
    given = {"key": S1.key, "node": id_of(S1), "state": EntryState.STARTED, **given}
    return RecordedChange(index=index, action=action, fields=fields, **given)


def told(observed: Observed, *changes: RecordedChange) -> list[tuple[str, str]]:
    opening = Opening(
        run="r",
        kind=RunKind.SESSION,
        subject="a",
        target="t",
        cause=Cause(trigger="script", actor="ada"),
        group=UNIT.group,
    )
    record = Record(opening=opening, started="", changes=changes)
    return [(own.state.value, own.detail) for own in settle(record, schema(), observed)]


def standing(units: str = "a") -> Observed:
    return observe(held(units, S1), [UNIT])


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ([FieldChange("slots", 2, 4)], [("applied", "")]),
        ([FieldChange("slots", 4, 2)], [("failed", "interrupted: was not done")]),
        (
            [FieldChange("slots", 2, 4), FieldChange("spare", True, False)],
            [("failed", "interrupted: was not done: spare")],
        ),
        # What somebody else wrote since, and a secret, tell nothing; what stands beside them does.
        ([FieldChange("slots", 1, 2)], []),
        ([FieldChange("community", Secret(None), Secret(None))], []),
        (
            [FieldChange("community", None, Secret(None)), FieldChange("slots", 2, 4)],
            [("applied", "")],
        ),
    ],
    ids=["written", "not-written", "in-part", "changed-since", "secret", "secret-and-more"],
)
def test_an_update(fields: list[FieldChange], expected: list[tuple[str, str]]) -> None:
    assert told(standing(), change(Action.UPDATE, *fields)) == expected


def test_an_update_of_what_is_gone_is_not_known() -> None:
    assert told(observe([], [UNIT]), change(Action.UPDATE, FieldChange("slots", 2, 4))) == []


def test_what_never_had_an_id_is_not_known() -> None:
    assert told(standing(), change(Action.CREATE, node=None)) == []


def test_what_is_known_is_not_asked_about() -> None:
    assert told(standing(), change(Action.CREATE, state=EntryState.APPLIED)) == []


def test_a_claim_whose_fields_were_not_written() -> None:
    adopt = change(Action.ADOPT, FieldChange("slots", 4, 2))
    assert told(standing(), adopt) == [("failed", "interrupted: was not done: slots")]
    assert told(standing(""), adopt) == [("failed", "interrupted: was not done")]


def test_the_second_part_of_a_change_is_about_fields() -> None:
    made = change(Action.CREATE, index=0, state=EntryState.APPLIED)
    again = change(Action.CREATE, FieldChange("slots", 4, 2))
    assert told(standing(), made, again) == [("failed", "interrupted: was not done")]
    assert told(standing(), again) == [("applied", "")]


def test_memberships_that_others_add_to_as_well() -> None:
    mine, theirs = group("mine"), group("theirs")
    crew = server("s1", member_of_groups=frozenset({mine.key, theirs.key}))
    found = observe([*held("", mine, theirs, tag("red")), *held("a", crew)], [UNIT])
    join = FieldChange(MEMBER_OF_GROUPS, frozenset(), frozenset({NodeId(id_of(mine))}))
    assert told(found, change(Action.UPDATE, join)) == [("applied", "")]
    leave = FieldChange(MEMBER_OF_GROUPS, frozenset({NodeId(id_of(mine))}), frozenset())
    assert told(found, change(Action.UPDATE, leave)) == [("failed", "interrupted: was not done")]
