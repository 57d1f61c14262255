"""What drafts are called, and by which names references find them."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from desired_files import documents, key, objects, schema
from hypothesis import given
from hypothesis import strategies as st

from stateward.desired import telling
from stateward.desired.drafts import Draft, RawReference
from stateward.desired.envelope import Reader
from stateward.desired.identity import Identifier
from stateward.desired.items import ItemReader
from stateward.desired.load import Known
from stateward.desired.notes import Notes, Page
from stateward.desired.telling import tell
from stateward.model.identity import NodeId, ObjectKey
from stateward.model.schema import Path

A, B, C = (f"0198a7f2-1111-4222-8333-44445555666{digit}" for digit in "abc")


def drafts(*texts: str) -> list[Draft]:
    found: list[Draft] = []
    for doc in documents("".join(texts)):
        reader = Reader(Page("u.yml", Notes("u")))
        block = reader.document(doc)
        assert block is not None
        ItemReader(schema(), reader, found).block(block)
        assert not reader.page.notes.problems
    return found


def told(*texts: str, known: Known | None = None) -> tuple[list[str], list[str]]:
    """Return the keys that can be told, in the order of the drafts, and what is missing."""
    found = drafts(*texts)
    missing = tell(found, Identifier(schema(), known or {}))
    assert set(missing) == {own for own in found if own.key is None}
    return [str(own.key) for own in found if own.key], [str(own) for own in missing.values()]


def identifier(*texts: str) -> Identifier:
    own = Identifier(schema())
    tell(drafts(*texts), own)
    return own


@pytest.mark.parametrize(
    ("kind", "item", "expected"),
    [
        ("LabDevice", "{name: d}", "LabDevice/d"),
        ("LabDevice", "{name: 010}", "LabDevice/010"),
        ("LabDevice", "{name: a/b}", "LabDevice/a/b"),
        ("LabInterface", "{name: e1, device: d}", "LabInterface/d/e1"),
        ("LabInterface", "{name: e1, device: [d]}", "LabInterface/d/e1"),
        ("LabPrefix", "{prefix: 10.0.0.0/8}", "LabPrefix/10.0.0.0/8/default"),
        ("LabPrefix", "{prefix: 10.0.0.0/8, ip_namespace: null}", "LabPrefix/10.0.0.0/8/default"),
        ("LabPrefix", "{prefix: 10.0.0.0/8, ip_namespace: blue}", "LabPrefix/10.0.0.0/8/blue"),
        ("LabPrefix", "{prefix: '2001:DB8::/32'}", "LabPrefix/2001:db8::/32/default"),
        ("LabNote", "{title: t, topic: x}", "LabNote/t/x"),
        ("LabNote", "{title: t}", "LabNote/t"),
        ("LabNote", "{title: t, topic: null}", "LabNote/t"),
        ("LabLetter", "{title: t}", "LabLetter/t"),
        ("LabSlot", "{port: [d, e1], name: s}", "LabSlot/d__e1/s"),
        ("LabScrap", f"{{text: x, id: {A}}}", f"LabScrap/{A}"),
        ("LabSite", "{name: s}", "LabSite/s"),
    ],
)
def test_keys(kind: str, item: str, expected: str) -> None:
    assert told(objects(kind, f"- {item}")) == ([expected], [])


@pytest.mark.parametrize(
    ("kind", "item", "missing"),
    [
        ("LabDevice", "{label: x}", "name"),
        ("LabDevice", "{name: null}", "name"),
        ("LabDevice", "{name: {from_pool: p}}", "name"),
        ("LabInterface", "{name: e1}", "device"),
        ("LabInterface", "{name: e1, device: null}", "device"),
        ("LabInterface", f"{{name: e1, device: {A}}}", "device's name"),
        ("LabPrefix", "{prefix: 10.0.0.0/8, ip_namespace: {from_pool: p}}", "ip_namespace"),
        ("LabSlot", f"{{port: {A}, name: s}}", "port's identity"),
        ("LabSticker", "{name: x, cable: c}", "cable's colour"),
        ("LabScrap", "{text: x}", "LabScrap has no identity: give it an id"),
        ("LabLetter", f"{{id: {A}}}", "title"),
        ("LabSlot", "{name: s}", "port"),
        ("LabNote", "{page: 1}", "title"),
        ("LabHint", "{}", "first__value and second__value"),
        ("LabHint", f"{{first: null, id: {A}}}", "first__value and second__value"),
    ],
)
def test_what_is_missing(kind: str, item: str, missing: str) -> None:
    assert told(objects(kind, f"- {item}")) == ([], [missing])


def test_only_the_target_knows_an_attribute_of_what_no_unit_declares() -> None:
    sticker = objects("LabSticker", "- {name: x, cable: c}\n- {name: y, cable: " + A + "}")
    found = drafts(sticker)
    missing = tell(found, Identifier(schema()))
    references = [own.reference for own in missing.values()]
    assert [(own and own.parts, missing[found[0]].attribute) for own in references] == [
        (("c",), "colour"),
        (NodeId(A), "colour"),
    ]
    known: Known = {(key("LabCable/c"), "colour"): "red", (NodeId(A), "colour"): "blue"}
    assert told(sticker, known=known) == (["LabSticker/red/x", "LabSticker/blue/y"], [])


_INTERFACE = objects("LabInterface", "- {name: e1, device: " + A + "}")
_DEVICE = objects("LabDevice", f"- {{name: d, id: {A}}}")
_SLOT = objects("LabSlot", f"- {{name: s, port: {B}}}")
_CABLE = objects("LabCable", "- {name: c, colour: red}")


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ((_INTERFACE, _DEVICE), ["LabInterface/d/e1", "LabDevice/d"]),
        ((_DEVICE, _INTERFACE), ["LabDevice/d", "LabInterface/d/e1"]),
        (
            (_SLOT, objects("LabInterface", f"- {{name: e1, id: {B}, device: {A}}}"), _DEVICE),
            ["LabSlot/d__e1/s", "LabInterface/d/e1", "LabDevice/d"],
        ),
        ((objects("LabSticker", "- {name: x, cable: c}"), _CABLE), ["LabSticker/red/x", "LabCable/c"]),
        (
            (objects("LabSticker", "- {name: x, cable: {data: {name: c, colour: red}}}"),),
            ["LabSticker/red/x", "LabCable/c"],
        ),
        (
            (objects("LabSticker", "- {name: x, cable: {data: {name: c}}}"), _CABLE),
            ["LabSticker/red/x", "LabCable/c", "LabCable/c"],
        ),
        (
            (objects("LabCable", "- {name: c}"), objects("LabSticker", "- {name: x, cable: c}"), _CABLE),
            ["LabCable/c", "LabSticker/red/x", "LabCable/c"],
        ),
        (
            (objects("LabSticker", "- {name: x, cable: c}"), objects("LabCable", "- {name: c}")),
            ["LabSticker/None/x", "LabCable/c"],
        ),
        (
            (objects("LabSticker", "- {name: x, cable: {data: {name: c}}}"),),
            ["LabSticker/None/x", "LabCable/c"],
        ),
        (
            (objects("LabDevice", "- {name: d, interfaces: [{kind: LabLag, data: {name: l}}]}"),),
            ["LabDevice/d", "LabLag/d/l"],
        ),
        (
            (objects("LabSlot", "- {name: s, port: {kind: LabLag, data: {name: l, device: d}}}"),),
            ["LabSlot/d__l/s", "LabLag/d/l"],
        ),
    ],
    ids=[
        "by-id-before", "by-id-after", "chain", "peer-further-down", "inline-peer", "another-part-tells",
        "any-part-tells", "no-part-tells", "no-inline-part-tells", "inside-of-the-peer", "peer-as-a-whole",
    ],
)  # fmt: skip
def test_identities_made_of_peers(texts: Sequence[str], expected: list[str]) -> None:
    assert told(*texts) == (expected, [])


def test_an_inline_peer_without_identity_tells_what_it_can() -> None:
    text = "- {name: x, cable: {data: {colour: red}}}\n- {name: y, cable: {data: {}}}"
    assert told(objects("LabSticker", text)) == (["LabSticker/red/x", "LabSticker/None/y"], ["name", "name"])  # fmt: skip


def test_peers_that_need_each_other_have_no_identity() -> None:
    slots = f"- {{name: a, port: {B}, id: {A}}}\n- {{name: b, port: {A}, id: {B}}}"
    assert told(objects("LabSlot", slots)) == ([], ["port's identity", "port's identity"])


@pytest.mark.timeout(20)
def test_long_chains_take_no_longer_than_short_ones() -> None:
    """Each link is called after the one before, which it names by its id."""
    ids = [f"00000000-0000-0000-0000-{number:012x}" for number in range(4_000)]
    links = [f"- {{name: a, before: first, id: {ids[0]}}}"]
    links += [f"- {{name: b, before: {one}, id: {two}}}" for one, two in pairwise(ids)]
    # The worst order: whoever is asked does not know yet.
    found = drafts(objects("LabLink", "\n".join(reversed(links))))
    missing = tell(found, Identifier(schema()))
    assert found[-3].key == key("LabLink/first__a__b/b")
    assert {str(own) for own in missing.values()} == {"a shorter before", "before's identity"}


def test_a_peer_that_may_be_absent_leaves_its_part_out() -> None:
    (draft,) = drafts(objects("LabDevice", "- {name: d}"))
    constraint = (Path("spare", "name"), Path(None, "name"))
    draft.kind = replace(draft.kind, hfid=(), uniqueness=(constraint,))
    assert not tell([draft], Identifier(schema()))
    assert draft.key == key("LabDevice/d")


class TestNames:
    @pytest.mark.parametrize(
        ("peer", "parts", "expected"),
        [
            ("LabDevice", ("d",), {"LabDevice/d"}),
            ("LabDevice", ("s1",), {"LabDevice/d"}),
            ("LabDevice", ("x",), set()),
            ("LabDevice", ("d", "x"), set()),
            ("LabPort", ("d", "e1"), {"LabInterface/d/e1"}),
            ("LabInterface", ("d", "e1"), {"LabInterface/d/e1"}),
            ("LabLag", ("d", "e1"), set()),
            ("CoreNode", ("d", "e1"), {"LabInterface/d/e1"}),
            ("LabPlace", ("ams",), {"LabRegion/ams"}),
            ("LabPaper", ("t",), {"LabNote/t/x", "LabLetter/t"}),
            ("LabNote", ("t", "x"), {"LabNote/t/x"}),
            ("LabNote", ("t",), {"LabNote/t/x"}),
            ("BuiltinIPPrefix", ("10.0.0.0/8",), {"LabPrefix/10.0.0.0/8/default"}),
            ("LabPrefix", ("10.0.0.0/8", "default"), {"LabPrefix/10.0.0.0/8/default"}),
            ("LabPrefix", ("10.0.0.0/255.0.0.0", "default"), {"LabPrefix/10.0.0.0/8/default"}),
            ("LabDevice", NodeId(A), {"LabDevice/d"}),
            ("LabPort", NodeId(B), set()),
        ],
    )
    def test_find(self, peer: str, parts: tuple[str, ...] | NodeId, expected: set[str]) -> None:
        own = identifier(
            objects("LabDevice", f"- {{name: d, serial: s1, id: {A}}}"),
            objects("LabInterface", "- {name: e1, device: d}"),
            objects("LabRegion", "- {name: ams}"),
            objects("LabNote", "- {title: t, topic: x}"),
            objects("LabLetter", "- {title: t}"),
            objects("LabPrefix", "- {prefix: 10.0.0.0/8}"),
        )
        assert {str(found) for found in own.find(RawReference(peer, parts, 0))} == expected

    @pytest.mark.parametrize(
        ("peer", "parts", "expected"),
        [
            ("LabDevice", ("d",), key("LabDevice/d")),
            ("BuiltinIPAddress", ("10.0.0.1",), ObjectKey("BuiltinIPAddress", ("10.0.0.1/32",))),
            ("BuiltinIPAddress", ("nonsense",), ObjectKey("BuiltinIPAddress", ("nonsense",))),
            ("LabScrap", ("a", "b"), ObjectKey("LabScrap", ("a", "b"))),
            ("LabSlot", ("d__e1", "s"), ObjectKey("LabSlot", ("d__e1", "s"))),
            ("LabDevice", ("a", "b", "c"), ObjectKey("LabDevice", ("a", "b", "c"))),
            ("LabDevice", NodeId(A), NodeId(A)),
        ],
    )
    def test_what_the_target_would_call_it(
        self, peer: str, parts: tuple[str, ...] | NodeId, expected: object
    ) -> None:
        assert Identifier(schema()).meant(RawReference(peer, parts, 0)) == expected

    @pytest.mark.parametrize(
        ("cables", "parts"),
        [
            ("- {name: c, colour: red}", ("red", "x")),
            ("- {name: c}\n- {name: c, colour: red}", ("red", "x")),
            ("- {name: c}", ("x",)),
        ],
        ids=["told-later", "told-by-another-part", "never-told"],
    )
    def test_that_hang_on_a_peer(self, cables: str, parts: tuple[str, ...]) -> None:
        badge = objects("LabBadge", "- {code: '1', name: x, cable: c}")
        own = identifier(badge, objects("LabCable", cables))
        assert own.find(RawReference("LabBadge", ("1",), 0)) == {key("LabBadge/1")}
        if len(parts) > 1:
            assert own.find(RawReference("LabMark", parts, 0)) == {key("LabBadge/1")}
        else:
            assert own._index[("LabMark", parts)].keys == {key("LabBadge/1")}

    def test_that_hang_on_what_the_target_knows(self) -> None:
        own = identifier(objects("LabBadge", "- {code: '1', name: x, cable: c}"))
        assert own.find(RawReference("LabBadge", ("1",), 0)) == {key("LabBadge/1")}
        assert own.find(RawReference("LabMark", ("1",), 0)) == {key("LabBadge/1")}

    def test_many_parts_of_one_object_are_one(self) -> None:
        own = identifier(objects("LabDevice", "- {name: d}\n" * 2000))
        assert own.find(RawReference("LabDevice", ("d",), 0)) == {key("LabDevice/d")}


_TEXTS = [
    _INTERFACE,
    objects("LabInterface", f"- {{name: e2, device: {A}, id: {B}}}"),
    _DEVICE,
    _SLOT,
    objects("LabCable", "- {name: c}"),
    _CABLE,
    objects("LabCable", "- {name: b}"),
    objects("LabSticker", "- {name: x, cable: c}\n- {name: y, cable: b}\n- {name: z, cable: gone}"),
    objects("LabSticker", "- {name: w, cable: {data: {name: c}}}"),
    objects("LabNote", "- {title: t}\n- {title: t, topic: x}"),
]


@given(st.permutations(_TEXTS))
def test_the_order_of_the_documents_does_not_matter(texts: list[str]) -> None:
    keys, missing = told(*texts)
    assert sorted(keys) == sorted(told(*_TEXTS)[0])
    assert missing == ["cable's colour"]


def test_assumptions_are_not_made_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "_MAX_ROUNDS", 0)
    assert told(
        objects("LabSticker", "- {name: x, cable: b}"), objects("LabCable", "- {name: b}")
    ) == (
        ["LabCable/b"],
        ["cable's colour"],
    )
