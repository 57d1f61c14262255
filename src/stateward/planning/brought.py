"""What comes along with an object that is made from a template: nobody sends it, and it is ours.

The server copies what is below a template together with the template itself. What it copies has
the template's part as the source of its values, which tells it from what somebody made by hand.
"""

from collections.abc import Callable, Collection, Iterable, Iterator

from stateward.model.identity import ObjectKey
from stateward.model.plan import Change
from stateward.model.schema import LINEAGE, OBJECT_TEMPLATE, Kind, Schema, Section
from stateward.model.state import DesiredObject, Observed, ObservedObject
from stateward.schema import paths

_PARENT = "Parent"
_SOURCE, _ = LINEAGE


def asked(objects: Collection[DesiredObject], schema: Schema) -> dict[str, frozenset[str]]:
    """Return what to read, by kind, to tell what a template brought of what is declared."""
    reached = [own.key for own in objects if own.template]
    if not reached:  # as a rule
        return {}
    below: dict[ObjectKey, list[DesiredObject]] = {}
    above = {kind: _parents(schema.kinds[kind]) for kind in {own.key.kind for own in objects}}
    for own in objects:
        for name in above[own.key.kind]:
            peer = own.relations.get(name)
            if isinstance(peer, ObjectKey):
                below.setdefault(peer, []).append(own)
    found: set[str] = set()
    while reached:
        for own in below.pop(reached.pop(), ()):
            found.add(own.key.kind)
            reached.append(own.key)
    return fields(found, schema)


def fields(kinds: Iterable[str], schema: Schema) -> dict[str, frozenset[str]]:
    """Return what to read of kinds to tell what a template brought."""
    known = {name: schema.kinds[name] for name in kinds}
    return {name: _parents(own) | _sources(own) for name, own in known.items()}


def is_brought(
    own: ObservedObject, schema: Schema, observed: Observed, is_ours: Callable[[str], bool]
) -> bool:
    """Tell whether a template brought an object, for one of those that are ours, by their ids."""
    above = own.peers(_parents(schema.kinds[own.key.kind]))
    return _is_copied(own, schema, observed) and any(map(is_ours, above))


def is_templated(own: ObservedObject, schema: Schema, observed: Observed) -> bool:
    """Tell whether an object was made from a template, or from a part of one."""
    return own.relations.get(OBJECT_TEMPLATE) is not None or _is_copied(own, schema, observed)


def _is_copied(own: ObservedObject, schema: Schema, observed: Observed) -> bool:
    sources = own.peers(_sources(schema.kinds[own.key.kind]))
    return any(_is_template(schema, observed, node) for node in sources)


def _is_template(schema: Schema, observed: Observed, node: str) -> bool:
    known = observed.objects[node].key if node in observed.objects else observed.names.get(node)
    kind = schema.kinds.get(known.kind) if known else None
    return kind is not None and kind.section is Section.TEMPLATE


def uses_template(change: Change) -> bool:
    """Tell whether a change makes an object from a template."""
    return any(own.name == OBJECT_TEMPLATE and own.new is not None for own in change.fields)


def parents(change: Change, schema: Schema) -> Iterator[ObjectKey]:
    """Yield what a change puts an object below, by name."""
    names = _parents(schema.kinds[change.key.kind])
    for own in change.fields:
        if own.name in names and isinstance(own.new, ObjectKey):
            yield own.new


def _parents(kind: Kind) -> frozenset[str]:
    return frozenset(own.name for own in kind.relationships.values() if own.kind == _PARENT)


def _sources(kind: Kind) -> frozenset[str]:
    """Return the sources of the values that an object is called by."""
    return frozenset(
        path.attribute + _SOURCE
        for way in paths.identity(kind)
        for path in way
        if path.attribute and path.relationship is None
    )
