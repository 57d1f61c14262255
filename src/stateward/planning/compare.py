"""One declared object against what stands in the target: which fields are to change."""

from dataclasses import dataclass, field
from typing import Any

from stateward.model.identity import NodeId, ObjectKey, Reference
from stateward.model.plan import Default, FieldChange, Secret
from stateward.model.schema import OBJECT_TEMPLATE, PROTECTED, Relationship, Schema
from stateward.model.state import DesiredObject, FromPool, ObservedObject, Related
from stateward.planning.ignoring import NOTHING, Ignored
from stateward.planning.question import Declared, Identities
from stateward.schema import parts
from stateward.schema.values import SECRET_KINDS

_MISSING: Any = object()
WRITE_ONLY_KINDS = frozenset({"HashedPassword"})
"""Attribute kinds that never read back as they were written."""


@dataclass(slots=True)
class _KindNotes:
    """What the comparison needs of a kind, looked up once."""

    write_only: frozenset[str]
    secret: frozenset[str]
    shared: frozenset[str]
    defaults: dict[str, Any]
    writable: frozenset[str]

    def resets(self, name: str) -> bool:
        """Tell whether a field that is declared no more can be put back.

        An attribute's protection can; its source and its owner can be replaced, not taken away.
        """
        return name in self.writable or name.endswith(PROTECTED)


@dataclass(slots=True)
class Comparison:
    """Compares objects under one schema."""

    schema: Schema
    declared: Declared
    identities: Identities
    tracking: frozenset[str]
    """The ids of our own groups: being in them is no field of an object."""
    _notes: dict[str, _KindNotes] = field(default_factory=dict)

    def changes(
        self,
        want: DesiredObject,
        have: ObservedObject,
        formerly: DesiredObject | None,
        ignored: Ignored = NOTHING,
    ) -> list[FieldChange]:
        """Return the declared fields that differ, then those to reset, as declared before."""
        notes = self._notes.get(want.key.kind) or self._note(want.key.kind)
        found: list[FieldChange] = []
        observed = have.attributes
        for name, value in want.attributes.items():
            old = observed.get(name, _MISSING)
            at_default = value is None and name in have.defaults
            if name in ignored.parts and not at_default:
                value = parts.kept(value, old, ignored.parts[name])  # noqa: PLW2901
            if value.__class__ is old.__class__ and value == old:
                continue
            if name in notes.write_only:
                if formerly is not None and formerly.attributes.get(name) != value:
                    found.append(FieldChange(name, None if old is _MISSING else old, value))
            elif not self._same(name, value, old, have, notes):
                new = Default(notes.defaults.get(name)) if value is None else value
                found.append(FieldChange(name, None if old is _MISSING else old, new))
        for name, related in want.relations.items():
            if change := self._relation(name, related, have, formerly, notes):
                found.append(change)
        if formerly is not None:
            found.extend(self._resets(want, have, formerly, notes, ignored))
        found = [change for change in found if change.name not in ignored.fields]
        return [_masked(change) if change.name in notes.secret else change for change in found]

    def created(self, want: DesiredObject) -> tuple[FieldChange, ...]:
        """Return the fields of an object that is to be made."""
        notes = self._notes.get(want.key.kind) or self._note(want.key.kind)
        fields = [
            FieldChange(name, None, value)
            for name, value in {**want.attributes, **want.relations}.items()
            if value is not None and value != frozenset()
        ]
        return tuple(_masked(own) if own.name in notes.secret else own for own in fields)

    def _same(
        self, name: str, value: Any, old: Any, have: ObservedObject, notes: _KindNotes
    ) -> bool:
        if isinstance(value, FromPool):
            pool = self.identities.id(value.pool)
            return pool is not None and have.pools.get(name) == pool
        if old is _MISSING or old is None:
            return value is None
        if value is None:
            return name in have.defaults or old == notes.defaults.get(name, _MISSING)
        # True is 1 here as it is to a server, which would not write the one over the other.
        return bool(value == old)

    def _relation(
        self,
        name: str,
        related: Related,
        have: ObservedObject,
        formerly: DesiredObject | None,
        notes: _KindNotes,
    ) -> FieldChange | None:
        observed = have.relations.get(name)
        id_of = self.identities.id
        if isinstance(related, FromPool):
            pool = id_of(related.pool)
            same = pool is not None and have.pools.get(name) == pool and observed is not None
            return None if same else FieldChange(name, self._named(observed), related)
        if not isinstance(related, frozenset):
            wanted = None if related is None else id_of(related) or _MISSING
            if wanted == observed:
                return None
            # A template is applied when an object is made: another one changes nothing else later.
            if name == OBJECT_TEMPLATE and formerly and formerly.relations.get(name) == related:
                return None
            new = None if related is None else self.identities.shown(related)
            return FieldChange(name, self._named(observed), new)
        ids = {id_of(peer) for peer in related}
        old = self._others(observed)
        if name in notes.shared:
            dropped = self._dropped(formerly, name, related, old)
            if ids <= old and not dropped:
                return None
            kept = self._named(old - dropped)
            return FieldChange(name, self._named(old), kept | self._shown(related))
        return None if ids == old else FieldChange(name, self._named(old), self._shown(related))

    def _others(self, observed: str | frozenset[str] | None) -> frozenset[str]:
        return observed - self.tracking if isinstance(observed, frozenset) else frozenset()

    def _shown(self, related: frozenset[Reference]) -> frozenset[Reference]:
        return frozenset(self.identities.shown(peer) for peer in related)

    def _dropped(
        self, formerly: DesiredObject | None, name: str, related: Related, old: frozenset[str]
    ) -> frozenset[str]:
        """Return the peers of a shared relationship that were declared and are no more."""
        before = formerly.relations.get(name) if formerly else None
        if not isinstance(before, frozenset):
            return frozenset()
        kept = related if isinstance(related, frozenset) else frozenset()
        kept_ids = {self.identities.id(peer) for peer in kept}
        gone = {self.identities.id(peer) for peer in before - kept}
        return frozenset(node for node in gone if node in old and node not in kept_ids)

    def _resets(
        self,
        want: DesiredObject,
        have: ObservedObject,
        formerly: DesiredObject,
        notes: _KindNotes,
        ignored: Ignored,
    ) -> list[FieldChange]:
        found = []
        for name in formerly.attributes:
            old = have.attributes.get(name)
            if name in want.attributes or not notes.resets(name) or name in have.defaults:
                continue
            default = False if name.endswith(PROTECTED) else notes.defaults.get(name)
            left = parts.kept(None, old, ignored.parts.get(name, ()))
            if left is None and old is not None and old != default:
                found.append(FieldChange(name, old, Default(default)))
            elif left is not None and old != left:
                found.append(FieldChange(name, old, left))
        for name, before in formerly.relations.items():
            if name in want.relations or not notes.resets(name):
                continue
            observed = have.relations.get(name)
            told = self._told_there(have, name)
            if name in notes.shared:
                old = self._others(observed)
                if dropped := self._dropped(formerly, name, None, old) - told:
                    found.append(FieldChange(name, self._named(old), self._named(old - dropped)))
            elif _nodes(observed) - told:
                none = Default(frozenset() if isinstance(before, frozenset) else None)
                found.append(FieldChange(name, self._named(observed), self._named(told) or none))
        return found

    def _told_there(self, have: ObservedObject, name: str) -> frozenset[str]:
        """Return the peers that declare the relationship at their own end.

        An object that was referred to and is written inline now belongs to the same one still.
        """
        relationship = self.schema.kinds[have.key.kind].relationships.get(name)
        if relationship is None:
            return frozenset()
        nodes = _nodes(have.relations.get(name))
        return frozenset(node for node in nodes if self._tells(node, relationship, have.id))

    def _tells(self, node: str, relationship: Relationship, own: str) -> bool:
        key = self.identities.name(node)
        if not isinstance(key, ObjectKey):
            return False
        inverse = self.schema.inverse(relationship, key.kind)
        if inverse is None:
            return False
        peers = [
            self.declared.object(unit, key).relations.get(inverse.name)
            for unit in self.declared.units(key)
        ]
        return any(own == self.identities.id(peer) for given in peers for peer in references(given))

    def _named(self, observed: str | frozenset[str] | None) -> Any:
        if isinstance(observed, frozenset):
            return frozenset(self.identities.name(node) for node in observed)
        return None if observed is None else self.identities.name(observed)

    def _note(self, name: str) -> _KindNotes:
        kind = self.schema.kinds[name]
        attributes = kind.attributes.values()
        writable = {a.name for a in attributes if not (a.read_only or a.computed)}
        resettable = {a.name for a in attributes if a.optional or a.default is not None}
        relations = {
            r.name for r in kind.relationships.values() if not (r.read_only or r.mandatory)
        }
        notes = _KindNotes(
            write_only=frozenset(a.name for a in attributes if a.kind in WRITE_ONLY_KINDS),
            secret=frozenset(a.name for a in attributes if a.kind in SECRET_KINDS),
            shared=frozenset(r.name for r in kind.relationships.values() if r.shared),
            defaults={a.name: a.default for a in attributes},
            writable=frozenset((writable & resettable) | relations),
        )
        self._notes[name] = notes
        return notes


def _nodes(observed: str | frozenset[str] | None) -> frozenset[str]:
    if isinstance(observed, frozenset):
        return observed
    return frozenset((observed,)) if observed else frozenset()


def _masked(change: FieldChange) -> FieldChange:
    old = None if change.old is None else Secret(change.old)
    return FieldChange(change.name, old, None if change.new is None else Secret(change.new))


def references(value: Any) -> tuple[Reference, ...]:
    """Return the references in a field's value."""
    if isinstance(value, frozenset):
        return tuple(value)
    if isinstance(value, FromPool):
        return (value.pool,)
    return (value,) if isinstance(value, ObjectKey | NodeId) else ()
