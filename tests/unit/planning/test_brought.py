"""What a template brings to an object of ours is ours where it is declared, and nobody's else."""

from dataclasses import replace
from typing import Any

import pytest

from stateward.model.identity import ObjectKey
from stateward.model.state import DesiredObject
from stateward.model.unit import Adopt
from stateward.planning.brought import asked
from unit.builders import device, fields, held, key, obj, plan, schema, server, told, unit

TEMPLATE = key("TemplateNetServer", "t")
WHOLE = obj("TemplateNetServer", "t", template_name="t")
PART = obj("TemplateNetCard", "t", "c", template_name="c")


def made(name: str) -> DesiredObject:
    """Declare a server that is made from a template."""
    return replace(server(name, object_template=TEMPLATE), template=True)


def card(owner: str, name: str, **given: Any) -> DesiredObject:
    own = {"name": name, "server": key("NetServer", owner), **given}
    return obj("NetCard", owner, name, **own)


def brought(owner: str, name: str, by: ObjectKey = PART.key, **given: Any) -> DesiredObject:
    return card(owner, name, name__source=by, **given)


@pytest.mark.parametrize("policy", Adopt)
def test_what_it_brought_is_taken_as_ours_whatever_may_be_adopted(policy: Adopt) -> None:
    want = unit("a", made("s"), card("s", "c"), adopt=policy)
    there = [*held("a", made("s")), *held("", WHOLE, PART, brought("s", "c"))]
    (change,) = plan([want], there).changes
    assert (change.action, change.key, change.adopted) == ("adopt", card("s", "c").key, False)


def test_what_it_brought_is_written_to_where_it_differs() -> None:
    want = unit("a", made("s"), card("s", "c", speed=10))
    found = plan([want], [*held("a", made("s")), *held("", WHOLE, PART, brought("s", "c"))])
    assert told(found) == ["adopt NetCard/s/c speed"]
    assert fields(found)["speed"] == (None, 10)


@pytest.mark.parametrize(
    "there",
    [
        pytest.param([*held("a", made("s")), *held("", WHOLE, card("s", "c"))], id="made-by-hand"),
        pytest.param(
            [
                *held("a", made("s")),
                *held("", WHOLE, device("d"), brought("s", "c", by=device("d").key)),
            ],
            id="of-another-source",
        ),
        pytest.param(held("", WHOLE, PART, made("s"), brought("s", "c")), id="below-a-stranger"),
        pytest.param(
            [*held("a", made("s"), adopted=True), *held("", WHOLE, PART, brought("s", "c"))],
            id="below-what-was-there-before",
        ),
    ],
)
def test_everything_else_was_there_before(there: list[Any]) -> None:
    found = plan([unit("a", made("s"), card("s", "c"))], there)
    (own,) = (one for one in found.changes if one.key == card("s", "c").key)
    assert own.adopted


def test_sources_are_read_of_what_a_template_may_bring_and_of_nothing_else() -> None:
    objects = [made("s"), card("s", "c"), server("plain"), card("plain", "c"), device("d")]
    assert asked(objects, schema()) == {"NetCard": {"name.source", "server"}}
    assert asked(objects[2:], schema()) == {}
