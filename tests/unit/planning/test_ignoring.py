"""What a unit leaves alone: by kind, by generic, by pattern; and what cannot be meant is said."""

from typing import Any

import pytest

from stateward.errors import Location
from stateward.model.plan import Default, UnitState
from stateward.model.unit import Ignore
from unit.builders import asset, codes, device, held, messages, plan, server, site, told, unit

KIND, FIELD = Location("a/.stateward.yaml", 1, 10), Location("a/.stateward.yaml", 1, 30)


def ignore(kind: str, *names: str) -> tuple[Ignore, ...]:
    places = {kind: KIND, **dict.fromkeys(names, FIELD)}
    return (Ignore(kind=kind, fields=frozenset(names), places=places),)


def changes(kind: str, *names: str) -> list[str]:
    """Return what is changed of three objects that differ, where something is left alone."""
    want = (device("d", comment="x"), asset("a", "1", comment="x"), site("s", note="x"))
    have = (device("d"), asset("a", "1"), site("s"))
    found = plan([unit("a", *want, ignore=ignore(kind, *names))], held("a", *have))
    assert not found.problems, messages(found)
    return sorted(told(found))


DEVICE, ASSET, SITE = (
    "update NetDevice/d comment",
    "update NetAsset/a comment",
    "update LocationSite/s note",
)


@pytest.mark.parametrize(
    ("kind", "names", "left"),
    [
        ("NetDevice", ["comment"], [ASSET, SITE]),
        ("Net*", ["comment"], [SITE]),
        ("Net[A]*", ["comment"], [DEVICE, SITE]),
        ("*", ["comment", "note"], []),
        ("CoreNode", ["comment"], [SITE]),
        ("LocationGeneric", ["note"], [ASSET, DEVICE]),
        ("NetDevice", ["comment.is_protected", "site.owner", "role"], [ASSET, DEVICE, SITE]),
    ],
)
def test_a_kind_a_generic_or_a_pattern_is_left_alone(
    kind: str, names: list[str], left: list[str]
) -> None:
    assert changes(kind, *names) == sorted(left)


@pytest.mark.parametrize(
    ("kind", "names", "message"),
    [
        ("NetDevise", ["role"], "no such kind: did you mean 'NetDevice'?"),
        ("Nett*", ["role"], "no kind matches"),
        ("netdevice", ["role"], "no such kind"),
    ],
)
def test_a_kind_that_is_none_stalls_the_unit_at_its_place(
    kind: str, names: list[str], message: str
) -> None:
    found = stalled(kind, *names)
    assert f"a/.stateward.yaml:1:10: SW1512 ignore: ignore: {kind}: {message}" in messages(found)


@pytest.mark.parametrize(
    ("kind", "name", "message"),
    [
        ("NetDevice", "roll", "no such field 'roll': did you mean 'role'?"),
        ("LocationGeneric", "serial", "no such field 'serial'"),
        ("Net*", "noot", "no such field 'noot'"),
        ("NetDevice", "roll.owner", "no such field 'roll.owner'"),
        ("NetDevice", "role.colour", "no such field 'role.colour'"),
    ],
)
def test_a_field_that_none_of_the_kinds_has_does_so_too(kind: str, name: str, message: str) -> None:
    found = stalled(kind, name)
    assert f"a/.stateward.yaml:1:30: SW1512 ignore: ignore: {kind}: {message}" in messages(found)


def stalled(kind: str, *names: str) -> Any:
    units = [unit("a", device("d", comment="x"), ignore=ignore(kind, *names)), unit("b", site("s"))]
    found = plan(units, held("a", device("d")))
    assert (codes(found), told(found)) == (["ignore"], ["create LocationSite/s"])
    assert found.units["a"].state is UnitState.STALLED
    return found


def test_a_field_that_one_of_the_kinds_has_is_one() -> None:
    assert changes("Net*", "comment", "serial", "uplink_of") == [SITE]


OURS, THEIRS = {"mtu": 9000, "seen": {"at": 1}}, {"mtu": 1500, "seen": {"at": 7}, "by": "eve"}


def written(want: Any, have: Any, *pointers: str, **given: Any) -> dict[str, Any]:
    """Return what is written of a value that is JSON, of which some parts are left alone."""
    own = ignore("NetServer", *(f"settings#{one}" for one in pointers))
    declared = {} if want is GONE else {"settings": want}
    found = plan(
        [unit("a", server("s", **declared), ignore=own)],
        held("a", server("s", settings=have)),
        **given,
    )
    assert not found.problems, messages(found)
    return {one.name: one.new for change in found.changes for one in change.fields}


GONE = object()
FORMERLY = {"formerly": [server("s", settings=OURS)]}


@pytest.mark.parametrize(
    ("pointers", "new"),
    [
        ([], {"settings": OURS}),
        (["/seen/at"], {"settings": {"mtu": 9000, "seen": {"at": 7}}}),
        (["/seen"], {"settings": {"mtu": 9000, "seen": {"at": 7}}}),
        (["/seen/at", "/by"], {"settings": {"mtu": 9000, "seen": {"at": 7}, "by": "eve"}}),
        (["/mtu", "/seen/at", "/by"], {}),
    ],
)
def test_parts_of_a_value_are_written_as_they_stand(
    pointers: list[str], new: dict[str, Any]
) -> None:
    assert written(OURS, THEIRS, *pointers) == new


@pytest.mark.parametrize("want", [None, GONE], ids=["null", "dropped"])
def test_of_what_git_gives_up_the_parts_of_others_stay(want: Any) -> None:
    assert written(want, THEIRS, "/by", **FORMERLY) == {"settings": {"by": "eve"}}
    assert written(want, {"by": "eve"}, "/by", **FORMERLY) == {}
    assert written(want, OURS, "/by", **FORMERLY) == {"settings": Default(None)}


@pytest.mark.parametrize(
    ("kind", "word", "message"),
    [
        ("NetServer", "slots#/a", "'slots' is no attribute of kind JSON, and has no parts"),
        ("NetServer", "setings#/a", "'setings' is no attribute of kind JSON, and has no parts"),
        ("NetDevice", "settings#/a", "'settings' is no attribute of kind JSON, and has no parts"),
    ],
)
def test_only_what_is_json_has_parts(kind: str, word: str, message: str) -> None:
    assert f"SW1512 ignore: ignore: {kind}: {message}: name all" in messages(stalled(kind, word))
