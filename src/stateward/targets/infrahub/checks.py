"""What is looked at before a mutation is sent.

One variable of a wrong type makes the server refuse a whole request, with all the other mutations
in it, and it cuts fractions off without a word. So values are spelled as the schema asks, and what
cannot be sent is refused here, in the server's words.
"""

from collections.abc import Mapping
from typing import Any

from stateward.errors import Code
from stateward.model.mutation import RESET, Allocation, Create, Mutation, Relate, Update
from stateward.model.schema import (
    IP_NAMESPACE,
    LINEAGE,
    MEMBER_OF_GROUPS,
    OBJECT_TEMPLATE,
    PARENT,
    Kind,
    Schema,
)
from stateward.targets import rules
from stateward.targets.rules import Refused


def check(schema: Schema, mutation: Mutation) -> dict[str, Any]:
    """Return a mutation's attributes as they are to be sent; raises ``Refused``."""
    kind = _kind(schema, mutation.kind)
    match mutation:
        case Create():
            rules.check_id(mutation.id)
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
    if kind is None or kind.is_generic:
        raise rules.no_objects(schema, name)
    return kind


def _check_mandatory(kind: Kind, mutation: Create) -> None:
    if mutation.relations.get(OBJECT_TEMPLATE):
        return
    given = {
        name for name, own in mutation.attributes.items() if own is not None and own is not RESET
    }
    for attribute in kind.attributes.values():
        if attribute.mandatory and attribute.name not in given:
            if attribute.name in mutation.attributes:
                raise rules.no_value(attribute.name)
            raise rules.missing(attribute.name, kind)
    for end in kind.relationships.values():
        if end.mandatory and not mutation.relations.get(end.name) and end.kind != "Group":
            if end.peer == IP_NAMESPACE:
                continue  # the server fills in the default one
            raise rules.missing(end.name, kind)


def _check_parent(kind: Kind, mutation: Create) -> None:
    """A group is ours by the group above it: there cannot be another one."""
    if mutation.groups and mutation.relations.get(PARENT) and kind.is_group:
        message = f"{PARENT}: a group stands below the group of its unit: leave it out"
        raise Refused(Code.REJECTED, message)


def _check_relations(kind: Kind, relations: Mapping[str, Any]) -> None:
    for name in relations:
        if name == MEMBER_OF_GROUPS:
            continue
        if name.endswith(LINEAGE) and name.rpartition(".")[0] in kind.attributes:
            continue
        rules.writable_end(kind, name, kind.relationships.get(name))


def _kept(kind: Kind, name: str, value: Any) -> Any:
    """Return what an existing object's attribute is to be set to."""
    attribute = rules.writable_attribute(kind, name)
    if attribute is not None and attribute.mandatory and (value is None or value is RESET):
        raise rules.no_value(name)
    return _sent(kind, name, value)


def _sent(kind: Kind, name: str, value: Any) -> Any:
    attribute = rules.writable_attribute(kind, name)
    if attribute is None:
        return rules.protection(value)
    if value is None or value is RESET or isinstance(value, Allocation):
        return value
    return rules.normalised(attribute, value)
