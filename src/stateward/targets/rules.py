"""What a mutation may not do on any target, and the words for it, which are the server's."""

from typing import Any
from uuid import UUID

from stateward.errors import Code
from stateward.model.mutation import RESET, Refusal
from stateward.model.schema import PROTECTED, Attribute, Kind, Relationship, Schema, Section
from stateward.schema import values

_OF_THE_SERVER = frozenset({"Group", "Profile", "Template"})
"""Kinds of relationships that the server keeps for purposes of its own."""


class Refused(Exception):
    """A mutation is not carried out; nothing of it stays."""

    def __init__(self, code: Code, message: str) -> None:
        self.refusal = Refusal(code=code, message=message)
        super().__init__(message)


def no_objects(schema: Schema, kind: str) -> Refused:
    """Return why there can be no objects of a kind."""
    if schema.get(kind):
        return Refused(Code.GENERIC_KIND, f"{kind}: a generic has no objects of its own")
    return Refused(Code.UNKNOWN_KIND, f"{kind}: no such kind in the schema that is loaded")


def no_value(name: str) -> Refused:
    """Return the refusal of taking a mandatory attribute's value away."""
    return Refused(Code.MANDATORY, f"{name}: A value must be provided for {name}")


def missing(name: str, kind: Kind) -> Refused:
    """Return the refusal of making an object without something mandatory."""
    return Refused(Code.MANDATORY, f"{name} is mandatory for {kind.kind}")


def check_id(id_: str) -> None:
    try:
        UUID(id_)
    except ValueError as error:
        raise Refused(Code.TYPE, f"id: {id_} is not a valid UUID") from error


def writable_attribute(kind: Kind, name: str) -> Attribute | None:
    """Return the attribute that a name means; None where it means an attribute's protection."""
    attribute = kind.attributes.get(name.removesuffix(PROTECTED))
    if attribute is None:
        raise Refused(Code.UNKNOWN_FIELD, f"{name}: {kind.kind} has no such attribute")
    if name.endswith(PROTECTED):
        return None
    if attribute.read_only or attribute.computed:
        raise Refused(Code.READ_ONLY, f"{name}: it is read-only on {kind.kind}")
    return attribute


def protection(value: Any) -> bool:
    """Return an attribute's protection as it is kept: as if never set, there is none."""
    return value is not RESET and bool(value)


def writable_end(kind: Kind, name: str, end: Relationship | None) -> Relationship:
    """Return a relationship, if there is one of that name and it can be written to."""
    if end is None:
        raise Refused(Code.UNKNOWN_FIELD, f"{name}: {kind.kind} has no such relationship")
    if end.read_only:
        raise Refused(Code.READ_ONLY, f"{name}: it is read-only on {kind.kind}")
    return end


def is_loose(kind: Kind, end: Relationship) -> bool:
    """Tell whether a relationship is its object's own to write, and can be without a peer."""
    own = kind.section is Section.NODE and end.kind not in _OF_THE_SERVER
    return own and end.optional and not end.read_only


def normalised(attribute: Attribute, value: Any) -> Any:
    """Return a value as the server spells it."""
    try:
        return values.normalise(attribute, value)
    except values.Invalid as error:
        raise Refused(error.code, f"{attribute.name}: {error}") from error
