"""Fields that are not simply compared: what a pool gives, what is secret, what is written once."""

from typing import Any

import pytest

from stateward.model.identity import NodeId
from stateward.model.plan import Secret
from stateward.model.state import DesiredObject, FromPool
from unit.builders import fields, held, key, obj, plan, server, told, unit


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("slots", 7, id="an attribute"),
        pytest.param("address", key("NetAsset", "x"), id="a relationship"),
    ],
)
def test_value_that_the_pool_gave_is_never_asked_for_again(name: str, value: Any) -> None:
    want = server("s", **{name: FromPool(pool=NodeId("p"))})
    given = held("a", server("s", **{name: value}), pools={name: "p"})
    assert told(plan([unit("a", want)], given)) == []


@pytest.mark.parametrize(
    ("there", "pools"),
    [
        pytest.param({}, {}, id="nothing is there"),
        pytest.param({"slots": 7}, {}, id="it was written by hand"),
        pytest.param({"slots": 7}, {"slots": "other"}, id="it is of another pool"),
    ],
)
def test_value_of_another_origin_is_allocated(there: dict[str, Any], pools: Any) -> None:
    wanted = FromPool(pool=NodeId("p"))
    found = plan(
        [unit("a", server("s", slots=wanted))], held("a", server("s", **there), pools=pools)
    )
    assert fields(found) == {"slots": (there.get("slots"), wanted)}


@pytest.mark.parametrize(
    ("formerly", "expected"),
    [
        pytest.param([server("s", hashed="old")], ["update NetServer/s hashed"], id="changed"),
        pytest.param([server("s")], ["update NetServer/s hashed"], id="newly declared"),
        pytest.param([server("s", hashed="new")], [], id="the same"),
        pytest.param([], [], id="unknown"),
    ],
)
def test_hashed_password_is_written_when_its_declaration_changes(
    formerly: list[DesiredObject], expected: list[str]
) -> None:
    there = held("a", server("s", hashed="$2b$12$what-the-server-made-of-it"))
    assert told(plan([unit("a", server("s", hashed="new"))], there, formerly=formerly)) == expected


@pytest.mark.parametrize("name", ["community", "hashed"])
@pytest.mark.parametrize(
    ("there", "formerly"),
    [
        pytest.param([], [], id="create"),
        pytest.param(held("a", server("s", community="old-secret")), [server("s")], id="update"),
    ],
)
def test_secret_is_masked_before_and_after(name: str, there: Any, formerly: Any) -> None:
    found = plan([unit("a", server("s", **{name: "new-secret"}))], there, formerly=formerly)
    before, after = fields(found)[name]
    assert before is None or isinstance(before, Secret)
    assert isinstance(after, Secret)
    assert "secret" not in repr(fields(found)[name])


def test_password_that_is_dropped_is_masked_where_it_is_reset() -> None:
    found = plan(
        [unit("a", server("s"))],
        held("a", server("s", community="old-secret")),
        formerly=[server("s", community="old-secret")],
    )
    assert "secret" not in repr(fields(found))
    assert list(fields(found)) == ["community"]


def template(name: str) -> DesiredObject:
    return obj("TemplateNetServer", name, template_name=name)


NAMED = {name: key("TemplateNetServer", name) for name in ("small", "large")}
TEMPLATES = held("", template("small"), template("large"))


@pytest.mark.parametrize(
    ("before", "there", "expected"),
    [
        pytest.param("large", "large", [], id="it is there"),
        pytest.param("large", "small", [], id="somebody else named another"),
        pytest.param("small", "small", ["update NetServer/s object_template"], id="changed"),
        pytest.param(None, None, ["update NetServer/s object_template"], id="newly declared"),
    ],
)
def test_template_is_written_when_its_declaration_changes(
    before: str | None, there: str | None, expected: list[str]
) -> None:
    want, past, have = (
        server("s", object_template=NAMED[own]) if own else server("s")
        for own in ("large", before, there)
    )
    found = plan([unit("a", want)], [*held("a", have), *TEMPLATES], formerly=[past])
    assert told(found) == expected


def test_template_is_not_fought_over_while_files_stay_as_they_are() -> None:
    want, have = (server("s", object_template=NAMED[own]) for own in ("large", "small"))
    there = [*held("a", have), *TEMPLATES]
    assert told(plan([unit("a", want, files="f")], there, stamped="f")) == []
