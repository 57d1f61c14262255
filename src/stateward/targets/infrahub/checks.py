"""What is looked at before a mutation is sent.

One variable of a wrong type makes the server refuse a whole request, with all the other mutations
in it, and it cuts fractions off without a word. So values are spelled as the schema asks, and what
cannot be sent is refused here, in the server's words.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from stateward.errors import Code
from stateward.model.mutation import RESET, Allocation, Create, Mutation, Refusal, Relate, Update
from stateward.model.schema import (
    IP_NAMESPACE,
    LINEAGE,
    MEMBER_OF_GROUPS,
    OBJECT_TEMPLATE,
    PROTECTED,
    Attribute,
    Kind,
    Schema,
)
from stateward.schema import values
from stateward.targets.infrahub.shapes import PARENT, is_group


class Unsendable(Exception):
    """A mutation that the server would refuse, or misread."""

    def __init__(self, code: Code, message: str) -> None:
        self.refusal = Refusal(code=code, message=message)
        super().__init__(message)


def check(schema: Schema, mutation: Mutation) -> dict[str, Any]:
    """Return a mutation's attributes as they are to be sent; raises ``Unsendable``."""
    kind = _kind(schema, mutation.kind)
    match mutation:
        case Create():
            _check_id(mutation.id)
            _check_relations(kind, mutation.relations)
            _check_mandatory(kind, mutation)
            _check_parent(kind, mutation)
            return {name: _sent(kind, name, own) for name, own in mutation.attributes.items()}
        case Update():
            _check_relations(kind, mutation.relations)
            return {name: _kept(kind, name, own) for name, own in mutation.attributes.items()}
        case Relate():
            _check_relations(kind, {mutation.relationship: None})
    return {}


def _kind(schema: Schema, name: str) -> Kind:
    kind = schema.kinds.get(name)
    if kind is None:
        raise Unsendable(Code.UNKNOWN_KIND, f"{name}: no such kind in the schema that is loaded")
    if kind.is_generic:
        raise Unsendable(Code.GENERIC_KIND, f"{name}: a generic has no objects of its own")
    return kind


def _check_id(id_: str) -> None:
    try:
        UUID(id_)
    except ValueError as error:
        raise Unsendable(Code.TYPE, f"id: {id_} is not a valid UUID") from error


def _check_mandatory(kind: Kind, mutation: Create) -> None:
    if mutation.relations.get(OBJECT_TEMPLATE):
        return
    given = {
        name for name, own in mutation.attributes.items() if own is not None and own is not RESET
    }
    for attribute in kind.attributes.values():
        if attribute.mandatory and attribute.name not in given:
            if attribute.name in mutation.attributes:
                message = f"{attribute.name}: A value must be provided for {attribute.name}"
                raise Unsendable(Code.MANDATORY, message)
            raise Unsendable(Code.MANDATORY, f"{attribute.name} is mandatory for {kind.kind}")
    for end in kind.relationships.values():
        if end.mandatory and not mutation.relations.get(end.name) and end.kind != "Group":
            if end.peer == IP_NAMESPACE:
                continue  # the server fills in the default one
            raise Unsendable(Code.MANDATORY, f"{end.name} is mandatory for {kind.kind}")


def _check_parent(kind: Kind, mutation: Create) -> None:
    """A group is ours by the group above it: there cannot be another one."""
    if mutation.groups and mutation.relations.get(PARENT) and is_group(kind):
        message = f"{PARENT}: a group stands below the group of its unit: leave it out"
        raise Unsendable(Code.REJECTED, message)


def _check_relations(kind: Kind, relations: Mapping[str, Any]) -> None:
    for name in relations:
        if name == MEMBER_OF_GROUPS:
            continue
        if name.endswith(LINEAGE) and name.rpartition(".")[0] in kind.attributes:
            continue
        end = kind.relationships.get(name)
        if end is None:
            message = f"{name}: {kind.kind} has no such relationship"
            raise Unsendable(Code.UNKNOWN_FIELD, message)
        if end.read_only:
            raise Unsendable(Code.READ_ONLY, f"{name}: it is read-only on {kind.kind}")


def _attribute(kind: Kind, name: str) -> Attribute | None:
    """Return the attribute that a name means; None where it means an attribute's protection."""
    attribute = kind.attributes.get(name.removesuffix(PROTECTED))
    if attribute is None:
        raise Unsendable(Code.UNKNOWN_FIELD, f"{name}: {kind.kind} has no such attribute")
    if name.endswith(PROTECTED):
        return None
    if attribute.read_only or attribute.computed:
        raise Unsendable(Code.READ_ONLY, f"{name}: it is read-only on {kind.kind}")
    return attribute


def _kept(kind: Kind, name: str, value: Any) -> Any:
    """Return what an existing object's attribute is to be set to."""
    attribute = _attribute(kind, name)
    if attribute is not None and attribute.mandatory and (value is None or value is RESET):
        raise Unsendable(Code.MANDATORY, f"{name}: A value must be provided for {name}")
    return _sent(kind, name, value)


def _sent(kind: Kind, name: str, value: Any) -> Any:
    attribute = _attribute(kind, name)
    if attribute is None:
        return bool(value)
    if value is None or value is RESET or isinstance(value, Allocation):
        return value
    try:
        return values.normalise(attribute, value)
    except values.Invalid as error:
        raise Unsendable(error.code, f"{name}: {error}") from error
