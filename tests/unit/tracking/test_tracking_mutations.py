"""Changes as mutations: keys become ids, and membership comes before everything else."""

from typing import Any

import pytest

from stateward.model.identity import NodeId, Reference
from stateward.model.mutation import (
    RESET,
    Allocation,
    Create,
    Delete,
    Enrol,
    Mutation,
    Relate,
    Update,
)
from stateward.model.plan import Action, Change, Default, FieldChange, Secret
from stateward.model.state import FromPool
from stateward.model.unit import ADOPTED
from stateward.tracking.mutations import UnknownPeer, Writer
from unit.builders import key, schema

D1, D2 = key("NetDevice", "d1"), key("NetDevice", "d2")
RED, BLUE, CREW = key("BuiltinTag", "red"), key("BuiltinTag", "blue"), key("CoreStandardGroup", "c")
POOL = key("CoreNumberPool", "pool")
IDS: dict[Reference, str] = {own: f"id-{own.hfid[0]}" for own in (D1, D2, RED, BLUE, CREW, POOL)}
NOTHING: frozenset[str] = frozenset()
GROUPS = {"G/a": "ga", "G/a/adopted": "ga+", "G/b": "gb", "G/b/adopted": "gb+", "G/c": "gc"}


def spelled(change: Change, **given: Any) -> list[Mutation]:
    return writer(**given).mutations(change)


def writer(**given: Any) -> Writer:
    known = {"ids": IDS, "groups": GROUPS, "group_of": lambda unit: f"G/{unit}", **given}
    return Writer(schema=schema(), **known)


def change(action: Action, *fields: tuple[str, Any, Any], **given: Any) -> Change:
    known = {"unit": "a", "key": D1, "node": None if action is Action.CREATE else "n1", **given}
    return Change(action=action, fields=tuple(FieldChange(*own) for own in fields), **known)


def update(*fields: tuple[str, Any, Any], **given: Any) -> list[Mutation]:
    return spelled(change(Action.UPDATE, *fields, **given))


class TestCreate:
    def test_brings_its_membership_along(self) -> None:
        assert spelled(change(Action.CREATE, ("name", None, "d1"))) == [
            Create(
                id="id-d1",
                kind="NetDevice",
                attributes={"name": "d1"},
                groups=("ga",),
                metadata=NOTHING,
            )
        ]

    def test_tells_attributes_from_relationships(self) -> None:
        (create,) = spelled(
            change(
                Action.CREATE,
                ("name", None, "d1"),
                ("buddy", None, D2),
                ("tags", None, frozenset({RED, NodeId("x")})),
                ("name.is_protected", None, True),
                ("name.source", None, D2),
            )
        )
        assert isinstance(create, Create)
        assert create.attributes == {"name": "d1", "name.is_protected": True}
        assert create.relations == {
            "buddy": "id-d2",
            "tags": frozenset({"id-red", "x"}),
            "name.source": "id-d2",
        }

    def test_leaves_the_fields_of_a_cycle_for_later(self) -> None:
        own = change(Action.CREATE, ("buddy", None, D2), deferred=frozenset({"buddy"}))
        assert spelled(own) == [
            Create(id="id-d1", kind="NetDevice", groups=("ga",), metadata=NOTHING)
        ]
        assert writer().deferred(own) == [
            Update(id="id-d1", kind="NetDevice", relations={"buddy": "id-d2"}, metadata=NOTHING)
        ]

    def test_of_a_group_member_brings_the_declared_groups_too(self) -> None:
        (create,) = spelled(change(Action.CREATE, ("member_of_groups", None, frozenset({CREW}))))
        assert isinstance(create, Create)
        assert create.relations == {"member_of_groups": frozenset({"id-c"})}
        assert create.groups == ("ga",)


class TestUpdate:
    def test_writes_what_changes_in_one_mutation(self) -> None:
        assert update(("role", "leaf", "spine"), ("buddy", None, D2)) == [
            Update(
                id="n1",
                kind="NetDevice",
                attributes={"role": "spine"},
                relations={"buddy": "id-d2"},
                metadata=NOTHING,
            )
        ]

    @pytest.mark.parametrize("action", [Action.CREATE, Action.UPDATE, Action.MOVE])
    def test_says_which_metadata_are_declared(self, action: Action) -> None:
        declared = frozenset({"role.owner"})
        found = spelled(change(action, ("role", None, "leaf"), metadata=declared))
        (written,) = [own for own in found if isinstance(own, Create | Update)]
        assert written.metadata == declared

    @pytest.mark.parametrize(
        ("new", "written"),
        [
            ("x", "x"),
            (0, 0),
            ("", ""),
            (False, False),
            (None, RESET),
            (Default("leaf"), RESET),
            (Default(None), RESET),
            (Secret("s3cret"), "s3cret"),
            (Secret(None), RESET),
            (FromPool(pool=POOL), Allocation(pool="id-pool")),
            (FromPool(pool=NodeId("p"), identifier="i"), Allocation(pool="p", identifier="i")),
        ],
        ids=["text", "zero", "empty", "false", "null", "default", "no-default", "secret",
             "no-secret", "pool", "pool-by-id"],
    )  # fmt: skip
    def test_spells_an_attribute(self, new: Any, written: Any) -> None:
        (mutation,) = update(("comment", "old", new))
        assert isinstance(mutation, Update)
        assert mutation.attributes == {"comment": written}

    @pytest.mark.parametrize(
        ("name", "new", "written"),
        [
            ("buddy", D2, "id-d2"),
            ("buddy", NodeId("x"), "x"),
            ("buddy", None, None),
            ("buddy", Default(None), None),
            ("buddy", FromPool(pool=POOL), Allocation(pool="id-pool")),
            ("tags", frozenset({RED}), frozenset({"id-red"})),
            ("tags", frozenset(), frozenset()),
            ("tags", Default(frozenset()), frozenset()),
        ],
        ids=["key", "id", "null", "default", "pool", "set", "empty", "default-set"],
    )
    def test_spells_a_relationship(self, name: str, new: Any, written: Any) -> None:
        (mutation,) = update((name, D2, new))
        assert isinstance(mutation, Update)
        assert mutation.relations == {name: written}

    def test_adds_to_and_takes_from_shared_relationships(self) -> None:
        theirs, ours = NodeId("theirs"), frozenset({CREW})
        assert update(("member_of_groups", frozenset({theirs}), ours)) == [
            Relate(
                id="n1",
                kind="NetDevice",
                relationship="member_of_groups",
                add=("id-c",),
                remove=("theirs",),
            )
        ]

    def test_writes_shared_relationships_after_its_own_fields(self) -> None:
        found = update(("member_of_groups", None, frozenset({CREW})), ("role", "leaf", "spine"))
        assert [type(own) for own in found] == [Update, Relate]

    @pytest.mark.parametrize(
        ("name", "old", "new", "first"),
        [
            ("buddy", D2, D1, {"buddy": None}),
            ("tags", frozenset({RED, BLUE}), frozenset({RED}), {"tags": frozenset({"id-red"})}),
        ],
        ids=["one", "many"],
    )
    def test_lets_go_first_of_what_comes_later(
        self, name: str, old: Any, new: Any, first: Any
    ) -> None:
        own = change(Action.UPDATE, (name, old, new), deferred=frozenset({name}))
        assert spelled(own) == [
            Update(id="n1", kind="NetDevice", relations=first, metadata=NOTHING)
        ]

    @pytest.mark.parametrize(
        ("name", "old", "new"),
        [("buddy", None, D2), ("tags", frozenset(), frozenset({RED}))],
        ids=["one", "many"],
    )
    def test_has_nothing_to_let_go_of(self, name: str, old: Any, new: Any) -> None:
        own = change(Action.UPDATE, (name, old, new), deferred=frozenset({name}))
        assert spelled(own) == []
        assert len(writer().deferred(own)) == 1

    def test_of_what_was_just_made_goes_by_its_new_id(self) -> None:
        (mutation,) = update(("role", "leaf", "spine"), node=None)
        assert mutation.id == "id-d1"


class TestMembership:
    @pytest.mark.parametrize("action", [Action.ADOPT, Action.MOVE])
    def test_comes_before_any_field(self, action: Action) -> None:
        found = spelled(change(action, ("role", "leaf", "spine")))
        assert [type(own) for own in found] == [Enrol, Update]

    @pytest.mark.parametrize(
        ("given", "join", "leave"),
        [
            ({}, ("ga",), ()),
            ({"adopted": True}, ("ga+", "ga"), ()),
            ({"giver": "b"}, ("ga",), ("gb", "gb+")),
            ({"giver": "b", "adopted": True}, ("ga+", "ga"), ("gb", "gb+")),
            ({"giver": "c"}, ("ga",), ("gc",)),
            ({"giver": "unknown"}, ("ga",), ()),
        ],
        ids=["shared", "adopted", "moved", "moved-adopted", "giver-adopted-nothing", "giver-gone"],
    )
    def test_is_joined_and_left(
        self, given: dict[str, Any], join: tuple[str, ...], leave: tuple[str, ...]
    ) -> None:
        action = Action.MOVE if "giver" in given else Action.ADOPT
        assert spelled(change(action, **given)) == [
            Enrol(id="n1", kind="NetDevice", join=join, leave=leave)
        ]

    def test_list_of_the_adopted_is_joined_first(self) -> None:
        """Killed in between, what was there before must not be taken for what we made."""
        (enrol,) = spelled(change(Action.ADOPT, adopted=True))
        assert isinstance(enrol, Enrol)
        assert enrol.join[0] == GROUPS["G/a" + ADOPTED]

    def test_ends_with_a_release(self) -> None:
        assert spelled(change(Action.RELEASE)) == [
            Enrol(id="n1", kind="NetDevice", leave=("ga", "ga+"))
        ]

    def test_ends_with_a_delete_by_itself(self) -> None:
        assert spelled(change(Action.DELETE)) == [Delete(id="n1", kind="NetDevice")]


@pytest.mark.parametrize(
    "fields",
    [
        [("buddy", None, key("NetDevice", "nobody"))],
        [("tags", None, frozenset({key("BuiltinTag", "none")}))],
        [("member_of_groups", None, frozenset({key("CoreStandardGroup", "none")}))],
        [("comment", None, FromPool(pool=key("CoreNumberPool", "none")))],
    ],
    ids=["one", "many", "shared", "pool"],
)
@pytest.mark.parametrize("action", [Action.CREATE, Action.UPDATE])
def test_peer_that_was_not_made_has_no_spelling(action: Action, fields: list[Any]) -> None:
    with pytest.raises(UnknownPeer, match="/no"):
        spelled(change(action, *fields))
