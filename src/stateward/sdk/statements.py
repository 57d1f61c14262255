"""What a mutation of the SDK says, in the words of a session; mutations of other things are left.

The SDK's objects are written by GraphQL and in no other way. That is where a session takes over.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    OperationType,
    parse,
    print_ast,
    value_from_ast_untyped,
)

from stateward.errors import Code, ConfigError

_WRITES = re.compile(r"(?P<kind>\w+?)(?P<verb>Create|Upsert|Update|Delete)")
_EDGE = "_relation__"
_OBJECT = "object"
_ID = "id"


class Saying(StrEnum):
    """What a mutation does."""

    CREATE = "Create"
    UPSERT = "Upsert"
    UPDATE = "Update"
    DELETE = "Delete"
    RELATE = "RelationshipAdd"
    UNRELATE = "RelationshipRemove"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One mutation of a document."""

    name: str
    """What the answer is called."""
    saying: Saying
    kind: str = ""
    node: str | None = None
    hfid: tuple[str, ...] = ()
    """What an object is known by where no id is given."""
    data: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The object, as files describe one. It may hold secrets."""
    relationship: str = ""
    peers: tuple[str, ...] = ()
    wanted: str = ""
    """What the document asks of the object, where that is more than its id."""

    def question(self, node: str | None) -> str | None:
        """Return the query for what is asked of the object that was written, beyond its id."""
        if node is None or not self.wanted:
            return None
        return f'query {{ {self.kind}(ids: ["{node}"]) {{ edges {{ node {self.wanted} }} }} }}'

    def answer(self, node: str | None, found: Mapping[str, Any] | None) -> dict[str, Any]:
        """Return what the server would answer; ``found`` is its answer to the question."""
        if self.saying not in {Saying.CREATE, Saying.UPSERT, Saying.UPDATE}:
            return {"ok": True}
        edges = found[self.kind]["edges"] if found is not None else ()
        return {"ok": True, _OBJECT: next((own["node"] for own in edges), {_ID: node})}


def read(
    text: str, variables: Mapping[str, Any] | None, kinds: Collection[str]
) -> list[Statement] | None:
    """Return what a document writes; None where it is none of a session's business.

    That is a query, and a mutation of what is no object: a branch, a pool's next address. Raises
    ``ConfigError`` where a document mixes the two, or says what a session cannot write.
    """
    if "mutation" not in text:
        return None
    try:
        fields = list(_mutations(parse(text)))
    except GraphQLSyntaxError:  # the server says what is wrong with it
        return None
    found = [_statement(own, dict(variables or {}), kinds) for own in fields]
    statements = [own for own in found if own is not None]
    if not statements:
        return None
    if len(statements) < len(found):
        raise _refused("one document writes objects and does other things as well: split it")
    return statements


def _mutations(document: DocumentNode) -> Iterator[FieldNode]:
    for operation in document.definitions:
        if (
            isinstance(operation, OperationDefinitionNode)
            and operation.operation is OperationType.MUTATION
        ):
            own = operation.selection_set.selections
            yield from (one for one in own if isinstance(one, FieldNode))


def _statement(
    mutation: FieldNode, variables: dict[str, Any], kinds: Collection[str]
) -> Statement | None:
    called = mutation.name.value
    name = mutation.alias.value if mutation.alias else called
    given = {
        own.name.value: value_from_ast_untyped(own.value, variables) for own in mutation.arguments
    }
    data: dict[str, Any] = given.get("data") or {}
    if called in {Saying.RELATE, Saying.UNRELATE}:
        return Statement(
            name=name,
            saying=Saying(called),
            node=data[_ID],
            relationship=data["name"],
            peers=tuple(own[_ID] for own in data["nodes"]),
        )
    match = _WRITES.fullmatch(called)
    if match is None or match["kind"] not in kinds or "file" in given:
        return None
    if given.get("context"):
        raise _refused(
            "a request context is not passed on, a session writes as itself: leave it out"
        )
    return Statement(
        name=name,
        saying=Saying(match["verb"]),
        kind=match["kind"],
        node=data.pop(_ID, None),
        hfid=tuple(data.pop("hfid", None) or ()),
        data={own: _value(f"{match['kind']}: {own}", value) for own, value in data.items()},
        wanted=_wanted(mutation),
    )


def _wanted(mutation: FieldNode) -> str:
    """Return what is asked of the object, as it is written; nothing where it is the id alone."""
    selected = mutation.selection_set.selections if mutation.selection_set else ()
    for own in selected:
        if isinstance(own, FieldNode) and own.name.value == _OBJECT and own.selection_set:
            fields = own.selection_set.selections
            alone = len(fields) == 1 and print_ast(fields[0]) == _ID
            return "" if alone else print_ast(own.selection_set)
    return ""


def _value(name: str, value: Any) -> Any:
    """Turn what stands for a field in a mutation into what stands for it in a file."""
    if isinstance(value, list):
        return [_peer(name, own) for own in value]
    if not isinstance(value, dict) or {"value", "from_pool"} & value.keys():
        return value
    return None if value.get("is_default") else _peer(name, value)


def _peer(name: str, given: Any) -> Any:
    if not isinstance(given, dict):
        return given
    if any(own.startswith(_EDGE) for own in given):
        raise _refused(
            f"{name}: what is said of a relationship itself is not written: leave it out"
        )
    return given.get(_ID) or given.get("hfid")


def _refused(why: str) -> ConfigError:
    return ConfigError(f"a tracked script of the SDK: {why}", code=Code.SESSION)
