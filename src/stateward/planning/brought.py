"""What comes along with an object that is made from a template: nobody sends it, and it is ours.

The server copies what is below a template together with the template itself. What it copies has
the template's part as the source of its values, which tells it from what somebody made by hand.
"""

from collections.abc import Iterable, Iterator

from stateward.model.identity import ObjectKey
from stateward.model.plan import Change
from stateward.model.schema import LINEAGE, OBJECT_TEMPLATE, Kind, Schema, Section
from stateward.model.state import DesiredObject, ObservedObject
from stateward.planning.question import Holdings, Question
from stateward.schema import paths

_PARENT = "Parent"
_SOURCE, _ = LINEAGE


def asked(objects: Iterable[DesiredObject], schema: Schema) -> dict[str, frozenset[str]]:
    """Return what to read, by kind, to tell what a template brought of what is declared."""
    below: dict[ObjectKey, list[DesiredObject]] = {}
    reached: list[ObjectKey] = []
    for own in objects:
        if own.template:
            reached.append(own.key)
        for name in _parents(schema.kinds[own.key.kind]):
            peer = own.relations.get(name)
            if isinstance(peer, ObjectKey):
                below.setdefault(peer, []).append(own)
    found: dict[str, frozenset[str]] = {}
    while reached:
        for own in below.pop(reached.pop(), ()):
            found[own.key.kind] = _sources(schema.kinds[own.key.kind])
            reached.append(own.key)
    return found


def is_brought(own: ObservedObject, question: Question, holdings: Holdings) -> bool:
    """Tell whether a template brought what is nobody's, for something that we have made."""
    kinds = question.schema.kinds
    parents = own.peers(_parents(kinds[own.key.kind]))
    sources = own.peers(_sources(kinds[own.key.kind]))
    return any(
        node in holdings.holders and not holdings.was_adopted(node) for node in parents
    ) and any(_is_template(question, node) for node in sources)


def _is_template(question: Question, node: str) -> bool:
    observed = question.observed
    known = observed.objects[node].key if node in observed.objects else observed.names.get(node)
    kind = question.schema.kinds.get(known.kind) if known else None
    return kind is not None and kind.section is Section.TEMPLATE


def is_templated(change: Change) -> bool:
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
