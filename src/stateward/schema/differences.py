"""What a schema declares that another one does not have, and both of them put together."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from typing import Any

from stateward.model.schema import Attribute, Kind, Relationship, Schema, Section
from stateward.schema.api import assemble

_OF_KINDS = ("hfid", "uniqueness", "default_filter")
_GENERATED = frozenset({Section.PROFILE, Section.TEMPLATE})


def differences(have: Schema, want: Schema) -> tuple[str, ...]:
    """Say what would change if a schema were loaded on top of another one.

    What only the other one has stays: others declare kinds and fields, too. Profiles and templates
    follow from the kinds that they are made for.
    """
    return tuple(
        line
        for name in sorted(want.kinds)
        if want.kinds[name].section not in _GENERATED
        for line in _of_kind(have.kinds.get(name), want.kinds[name])
    )


def _of_kind(have: Kind | None, want: Kind) -> Iterator[str]:
    if have is None:
        yield f"{want.kind}: added"
        return
    for name in _OF_KINDS:
        old, new = getattr(have, name), getattr(want, name)
        if new and _sorted(old) != _sorted(new):
            yield f"{want.kind}: {name.replace('_', ' ')} changes"
    if missing := want.inherits - have.inherits:
        yield f"{want.kind}: inherits {', '.join(sorted(missing))}"
    yield from _of_fields(want.kind, have.attributes, want.attributes)
    yield from _of_fields(want.kind, have.relationships, want.relationships)


def removals(have: Schema, want: Schema) -> tuple[str, ...]:
    """Say what would go if one schema took the other one's place as a whole."""
    return tuple(line for name in sorted(have.kinds) for line in _removed(have.kinds[name], want))


def _removed(have: Kind, want: Schema) -> Iterator[str]:
    left = want.kinds.get(have.kind)
    if left is None:
        yield f"{have.kind}: removed"
        return
    for name in _OF_KINDS:
        if getattr(have, name) and not getattr(left, name):
            yield f"{have.kind}: {name.replace('_', ' ')} removed"
    if gone := have.inherits - left.inherits:
        yield f"{have.kind}: no longer inherits {', '.join(sorted(gone))}"
    for name in (*have.attributes, *have.relationships):
        if name not in left.attributes and name not in left.relationships:
            yield f"{have.kind}.{name}: removed"


def _sorted(value: Any) -> Any:
    """Take constraints for the sets that they are; the order of a name's parts counts."""
    if isinstance(value, tuple) and value and isinstance(value[0], tuple):
        return {frozenset(one) if isinstance(one, tuple) else one for one in value}
    return value


def _of_fields(
    kind: str,
    have: Mapping[str, Attribute] | Mapping[str, Relationship],
    want: Mapping[str, Attribute] | Mapping[str, Relationship],
) -> Iterator[str]:
    for name, own in want.items():
        there = have.get(name)
        if there is None:
            yield f"{kind}.{name}: added"
        elif there != own:
            yield f"{kind}.{name}: {', '.join(_changed(there, own)) or 'changes'}"


def _changed(have: Attribute | Relationship, want: Attribute | Relationship) -> Iterator[str]:
    for own in fields(want):
        old, new = getattr(have, own.name, None), getattr(want, own.name)
        if old != new:
            yield f"{own.name.replace('_', ' ')} {_shown(old)} → {_shown(new)}"


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(str(one) for one in value)}]"
    return str(value)


def united(have: Schema, want: Schema) -> Schema:
    """Return a schema as it will be once another one is loaded on top of it."""
    kinds = dict(have.kinds)
    for name, own in want.kinds.items():
        there = kinds.get(name)
        kinds[name] = own if there is None else _united(there, own)
    return assemble(kinds.values())


def _united(have: Kind, want: Kind) -> Kind:
    return replace(
        want,
        attributes={**have.attributes, **want.attributes},
        relationships={**have.relationships, **want.relationships},
        hfid=want.hfid or have.hfid,
        uniqueness=want.uniqueness or have.uniqueness,
        default_filter=want.default_filter or have.default_filter,
        inherits=have.inherits | want.inherits,
    )
