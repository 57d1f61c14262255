"""The identity of a draft: its key, from its own values and from those of its peers."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from stateward.desired.drafts import Draft, Inherited, RawPool, RawReference, RawRelated
from stateward.model.identity import NodeId, ObjectKey, Reference
from stateward.model.schema import (
    DEFAULT_IP_NAMESPACE,
    IP_NAMESPACE,
    Attribute,
    Kind,
    Path,
    Relationship,
    Schema,
)
from stateward.schema import paths, values

PEER_SEPARATOR = "__"
"""Between the parts of a peer's identity where a constraint names the peer as a whole."""

_MAX_PART = 4096
"""How long that may get: a chain of objects called after each other must not fill the memory."""

Name = tuple[str, tuple[str, ...]]
"""What a reference calls an object: the kind it asks for, or "" for an id, and the parts."""
Awaited = Draft | tuple[Name, str | None]
"""What has to be told first: a draft's key, or an attribute (else the key) of what has a name."""


class Unknown(Exception):
    """An identity cannot be told: ``what`` is missing, or only the target knows it."""

    def __init__(
        self,
        what: str,
        *,
        pooled: bool = False,
        reference: RawReference | None = None,
        attribute: str | None = None,
        awaits: Awaited | None = None,
    ) -> None:
        super().__init__(what)
        self.pooled = pooled
        self.reference = reference
        self.attribute = attribute
        self.awaits = awaits


@dataclass(slots=True)
class Named:
    """What is declared under one name, in all its parts."""

    keys: set[ObjectKey]
    kind: Kind
    attributes: Mapping[str, Any]
    units: set[str]

    def add(self, draft: Draft, key: ObjectKey) -> None:
        self.keys.add(key)
        self.units.add(draft.unit)
        self.attributes = {**draft.attributes, **self.attributes}


def related(draft: Draft, name: str) -> RawRelated | Inherited:
    """Return a relationship as declared, or as it follows from where the draft stands."""
    return draft.relations[name] if name in draft.relations else draft.inherited.get(name)


@dataclass
class Identifier:
    """Tells keys, with an index of what has been told so far.

    ``known`` answers for objects that no unit declares: what the target says an attribute of a
    referenced object is. While ``assuming``, what no part seen so far declares of a peer has its
    default: another part may still say something else.
    """

    schema: Schema
    known: Mapping[tuple[ObjectKey | NodeId, str], str] = field(default_factory=dict)
    assuming: bool = False
    _index: dict[Name, Named] = field(default_factory=dict)
    _names_of: dict[str, dict[Name, None]] = field(default_factory=dict)
    """The names that each unit brings."""
    _meant: dict[Name, ObjectKey] = field(default_factory=dict)

    def key(self, draft: Draft) -> ObjectKey:
        """Return a draft's key; raises ``Unknown`` with the reason of the last alternative."""
        missing = Unknown(f"{draft.kind.kind} has no identity: give it an id")
        for alternative in paths.identity(draft.kind):
            try:
                parts = [self._component(draft, path) for path in alternative]
            except Unknown as error:
                missing = error
                continue
            if draft.kind.hfid:  # the server spells what is not there, too
                return ObjectKey(draft.kind.kind, tuple(values.spell(part) for part in parts))
            if any(part is not None for part in parts):
                return ObjectKey(draft.kind.kind, tuple(part for part in parts if part is not None))
            missing = Unknown(" and ".join(str(path) for path in alternative))
        if draft.node is not None and not paths.identity(draft.kind):
            return ObjectKey(draft.kind.kind, (draft.node,))
        raise missing

    def add(self, draft: Draft, key: ObjectKey) -> tuple[list[Name], list[Awaited]]:
        """Let references find a draft by its names; return them, and what others hang on."""
        awaited: list[Awaited] = []
        names = dict.fromkeys(self._names(draft, key, awaited))
        self._names_of.setdefault(draft.unit, {}).update(names)
        for name in names:
            named = self._index.get(name)
            if named is None:
                self._index[name] = Named({key}, draft.kind, draft.attributes, {draft.unit})
            else:
                named.add(draft, key)
        return list(names), awaited

    def lent(self, units: Iterable[str]) -> dict[Name, tuple[object, ...]] | None:
        """Return what others can take from units: their names, what bears them, and attributes.

        None where a part of it is another unit's as well.
        """
        found: dict[Name, tuple[object, ...]] = {}
        for unit in units:
            for name in self._names_of.get(unit, ()):
                named = self._index[name]
                if named.units != {unit}:
                    return None
                values_ = {own: named.attributes.get(own) for own in self._lending}
                found[name] = (named.kind.kind, frozenset(named.keys), values_)
        return found

    def forget(self, units: Iterable[str]) -> None:
        """Forget units that share no name with others, to be told of them anew."""
        for unit in units:
            for name in self._names_of.pop(unit, ()):
                del self._index[name]

    @cached_property
    def _lending(self) -> frozenset[str]:
        """The attributes that names of other objects may be made of."""
        return frozenset(
            path.attribute
            for kind in self.schema.kinds.values()
            for way in paths.references(kind)
            for path in way
            if path.relationship is not None and path.attribute is not None
        )

    def find(self, reference: RawReference) -> set[ObjectKey]:
        """Return the keys of declared objects that a reference may mean."""
        named = self._index.get(self._name(reference))
        return named.keys if named else set()

    def meant(self, reference: RawReference) -> Reference:
        """Return a reference as the target would know it, so that spelling does not matter."""
        parts = reference.parts
        if isinstance(parts, NodeId):
            return parts
        called = (reference.peer, parts)
        if called not in self._meant:
            self._meant[called] = ObjectKey(reference.peer, self._spelled(reference.peer, parts))
        return self._meant[called]

    def _spelled(self, peer: str, parts: tuple[str, ...]) -> tuple[str, ...]:
        for way in self._ways[peer]:
            if len(way) == len(parts):
                kind, pairs = self.schema.kinds[peer], zip(way, parts, strict=True)
                return tuple(self._spell(kind, path, part) for path, part in pairs)
        return parts

    def _name(self, reference: RawReference) -> Name:
        meant = self.meant(reference)
        return ("", (meant.id,)) if isinstance(meant, NodeId) else (meant.kind, meant.hfid)

    def _names(self, draft: Draft, key: ObjectKey, awaited: list[Awaited]) -> Iterator[Name]:
        """Yield every name a draft answers to, by the kind that a reference asks for."""
        if draft.node is not None:
            yield "", (draft.node,)
        own = [key.hfid]
        if draft.kind.default_filter:
            own += self._spoken(draft, (draft.kind.default_filter,), awaited)
        yield from ((key.kind, parts) for parts in own)
        for generic in draft.kind.inherits:
            ways = self._ways.get(generic, ())
            names = [name for way in ways for name in self._spoken(draft, way, awaited)]
            yield from ((generic, parts) for parts in names or own)

    def _spoken(
        self, draft: Draft, way: tuple[Path, ...], awaited: list[Awaited]
    ) -> Iterator[tuple[str, ...]]:
        """Yield a draft's name by one way to refer to it, if it has one."""
        try:
            parts = [self._component(draft, path) for path in way]
        except Unknown as error:
            awaited += [error.awaits] if error.awaits is not None else []
            return
        if name := tuple(part for part in parts if part is not None):
            yield name

    @cached_property
    def _ways(self) -> dict[str, tuple[tuple[Path, ...], ...]]:
        """How a reference to each kind may be spelled: its identity, or its default filter."""
        ways = {}
        for kind in self.schema.kinds.values():
            found = paths.identity(kind)
            own = (kind.default_filter,) if kind.default_filter else None
            ways[kind.kind] = (*found, own) if own and own not in found else found
        return ways

    def _component(self, draft: Draft, path: Path) -> str | None:
        """Return one part of an identity; None where the value is not there."""
        if path.relationship is None:
            name = path.attribute or ""
            return self._attribute(draft.kind, draft.attributes, name, name)
        relationship = draft.kind.relationships.get(path.relationship)
        value = related(draft, path.relationship)
        if isinstance(value, RawPool):
            raise Unknown(path.relationship, pooled=True)
        if isinstance(value, Draft):
            return self._of_draft(value, path)
        if isinstance(value, RawReference):
            return self._of_reference(value, path)
        if relationship is not None and relationship.optional and self._is_namespace(relationship):
            return DEFAULT_IP_NAMESPACE
        if relationship is None or relationship.mandatory:
            raise Unknown(path.relationship)
        return None

    def _is_namespace(self, relationship: Relationship) -> bool:
        return self.schema.is_a(relationship.peer, IP_NAMESPACE)

    def _attribute(
        self, kind: Kind, attributes: Mapping[str, Any], name: str, what: str
    ) -> str | None:
        attribute = kind.attributes.get(name)
        value = attributes.get(name)
        if isinstance(value, RawPool):
            raise Unknown(what, pooled=True)
        if value is None and attribute is not None:
            value = attribute.default
        if value is not None:
            return values.spell(value)
        if attribute is None or not attribute.optional:
            raise Unknown(what)
        return None

    def _of_draft(self, peer: Draft, path: Path) -> str | None:
        """Return one part that an inline object gives, or the object around an inline one."""
        what = _what(path)
        if path.attribute is not None and (
            peer.attributes.get(path.attribute) is not None or (peer.key is None and self.assuming)
        ):
            return self._attribute(peer.kind, peer.attributes, path.attribute, what)
        if peer.key is None:
            raise Unknown(what, awaits=peer)
        if path.attribute is None:
            return _joined(peer.key.hfid, path)
        return self._of_name((peer.key.kind, peer.key.hfid), path)

    def _of_reference(self, reference: RawReference, path: Path) -> str | None:
        """Return one part that a referenced object gives: the reference itself may tell."""
        meant, attribute = self.meant(reference), path.attribute
        if isinstance(meant, ObjectKey):
            if attribute is None:
                return _joined(meant.hfid, path)
            for way in self._ways[reference.peer]:
                if len(way) == len(meant.hfid) and Path(None, attribute) in way:
                    return meant.hfid[way.index(Path(None, attribute))]
        name = self._name(reference)
        if name in self._index:
            return self._of_name(name, path)
        if (meant, attribute or "") in self.known:
            return self.known[meant, attribute or ""]
        awaits = (name, attribute)
        raise Unknown(_what(path), reference=reference, attribute=attribute, awaits=awaits)

    def _of_name(self, name: Name, path: Path) -> str | None:
        named = self._index[name]
        if path.attribute is None:
            return _joined(min(named.keys).hfid, path)
        if named.attributes.get(path.attribute) is None and not self.assuming:
            raise Unknown(_what(path), awaits=(name, path.attribute))
        return self._attribute(named.kind, named.attributes, path.attribute, _what(path))

    def _spell(self, kind: Kind, path: Path, part: str) -> str:
        attribute = self._path_attribute(kind, path)
        if attribute is None:
            return part
        try:
            return values.spell(values.normalise(attribute, part))
        except values.Invalid:
            return part

    def _path_attribute(self, kind: Kind, path: Path) -> Attribute | None:
        if path.relationship is None:
            return kind.attributes.get(path.attribute or "")
        relationship = kind.relationships.get(path.relationship)
        peer = self.schema.get(relationship.peer) if relationship else None
        return peer.attributes.get(path.attribute or "") if peer else None


def _what(path: Path) -> str:
    return f"{path.relationship}'s {path.attribute or 'identity'}"


def _joined(hfid: tuple[str, ...], path: Path) -> str:
    part = PEER_SEPARATOR.join(hfid)
    if len(part) > _MAX_PART:
        raise Unknown(f"a shorter {path.relationship}")
    return part
