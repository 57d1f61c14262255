"""The identity of a draft: its key, from its own values and from those of its peers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from stateward.desired.drafts import Draft, RawPool, RawReference, RawRelated
from stateward.model.identity import NodeId, ObjectKey
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


class Unknown(Exception):
    """An identity cannot be told: ``what`` is missing, or only the target knows it."""

    def __init__(
        self, what: str, *, reference: RawReference | None = None, attribute: str = ""
    ) -> None:
        super().__init__(what)
        self.reference = reference
        self.attribute = attribute


def related(draft: Draft, name: str) -> RawRelated:
    """Return a relationship as declared, or as it follows from where the draft stands."""
    return draft.relations[name] if name in draft.relations else draft.inherited.get(name)


@dataclass
class Identifier:
    """Tells keys, with an index of what has been told so far.

    ``known`` answers for objects that no unit declares: what the target says an attribute of a
    referenced object is.
    """

    schema: Schema
    known: Mapping[tuple[ObjectKey | NodeId, str], str] = field(default_factory=dict)
    _index: dict[str, dict[tuple[str, ...], list[Draft]]] = field(default_factory=dict)

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

    def add(self, draft: Draft) -> None:
        """Let references find a draft, whose key is told by now."""
        for peer, parts in self._names(draft):
            drafts = self._index.setdefault(peer, {}).setdefault(parts, [])
            if draft not in drafts:
                drafts.append(draft)

    def find(self, reference: RawReference) -> set[ObjectKey]:
        """Return the keys of declared objects that a reference may mean."""
        drafts = self._drafts(reference)
        return {draft.key for draft in drafts if draft.key is not None}

    def spelled(self, reference: RawReference) -> ObjectKey:
        """Spell a reference's parts as the server would, so that spelling does not matter."""
        parts = reference.parts
        kind = self.schema.kinds[reference.peer]
        for alternative in self._reference_paths(kind):
            if len(alternative) == len(parts):
                spelled = (
                    self._spell(kind, path, part)
                    for path, part in zip(alternative, parts, strict=True)
                )
                return ObjectKey(kind.kind, tuple(spelled))
        return ObjectKey(kind.kind, tuple(parts))

    def _drafts(self, reference: RawReference) -> list[Draft]:
        if isinstance(reference.parts, NodeId):
            return self._index.get("", {}).get((reference.parts.id,), [])
        names = self._index.get(reference.peer, {})
        return names.get(self.spelled(reference).hfid, [])

    def _names(self, draft: Draft) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield every name a draft answers to, by the kind that a reference asks for."""
        key = draft.key
        if draft.node is not None:
            yield "", (draft.node,)
        if key is None:
            return
        own = [key.hfid]
        if filtered := self._parts(draft, draft.kind.default_filter):
            own.append(filtered)
        yield from ((key.kind, parts) for parts in own)
        for generic in draft.kind.inherits:
            yield from ((generic, parts) for parts in self._generic_names(draft, generic) or own)

    def _generic_names(self, draft: Draft, generic: str) -> list[tuple[str, ...]]:
        kind = self.schema.get(generic)
        names = []
        for alternative in self._reference_paths(kind) if kind else ():
            try:
                parts = [self._component(draft, path) for path in alternative]
            except Unknown:
                continue
            names.append(tuple(part for part in parts if part is not None))
        return [name for name in names if name]

    def _reference_paths(self, kind: Kind) -> tuple[tuple[Path, ...], ...]:
        """Return how a reference to a kind may be spelled: its identity, or its default filter."""
        found = paths.identity(kind)
        own = (kind.default_filter,) if kind.default_filter else None
        return (*found, own) if own and own not in found else found

    def _parts(self, draft: Draft, path: Path | None) -> tuple[str, ...] | None:
        try:
            part = self._component(draft, path) if path else None
        except Unknown:
            return None
        return None if part is None else (part,)

    def _component(self, draft: Draft, path: Path) -> str | None:
        """Return one part of an identity; None where the value is not there."""
        if path.relationship is None:
            return self._attribute(draft, path.attribute or "")
        relationship = draft.kind.relationships.get(path.relationship)
        value = related(draft, path.relationship)
        if isinstance(value, RawPool):
            raise Unknown(f"{path.relationship} comes from a pool and cannot be part of it")
        if isinstance(value, Draft):
            return self._of_peer(value, path)
        if isinstance(value, RawReference):
            return self._of_reference(value, path)
        if relationship is not None and relationship.optional and self._is_namespace(relationship):
            return DEFAULT_IP_NAMESPACE
        if relationship is None or relationship.mandatory:
            raise Unknown(path.relationship)
        return None

    def _is_namespace(self, relationship: Relationship) -> bool:
        return self.schema.is_a(relationship.peer, IP_NAMESPACE)

    def _attribute(self, draft: Draft, name: str) -> str | None:
        attribute = draft.kind.attributes.get(name)
        value = draft.attributes.get(name)
        if isinstance(value, RawPool):
            raise Unknown(f"{name} comes from a pool and cannot be part of it")
        if value is None and attribute is not None:
            value = attribute.default
        if value is None:
            if attribute is not None and attribute.optional:
                return None
            raise Unknown(name)
        return values.spell(value)

    def _of_peer(self, peer: Draft, path: Path) -> str | None:
        if path.attribute is not None:
            return self._attribute(peer, path.attribute)
        return PEER_SEPARATOR.join(self.key(peer).hfid)

    def _of_reference(self, reference: RawReference, path: Path) -> str | None:
        """Return one attribute of a referenced object: from the reference itself if it tells."""
        if not isinstance(reference.parts, NodeId):
            spelled = self.spelled(reference)
            if path.attribute is None:
                return PEER_SEPARATOR.join(spelled.hfid)
            for alternative in self._reference_paths(self.schema.kinds[reference.peer]):
                if len(alternative) == len(spelled.hfid):
                    for own, part in zip(alternative, spelled.hfid, strict=True):
                        if own == Path(None, path.attribute):
                            return part
        for peer in self._drafts(reference):
            return self._of_peer(peer, path)
        name = reference.parts if isinstance(reference.parts, NodeId) else self.spelled(reference)
        if (name, path.attribute or "") in self.known:
            return self.known[name, path.attribute or ""]
        what = f"{path.relationship}'s {path.attribute}"
        raise Unknown(what, reference=reference, attribute=path.attribute or "")

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


def told(drafts: list[Draft], identifier: Identifier) -> dict[Draft, Unknown]:
    """Tell every draft's key, in as many passes as they lean on each other; return the rest."""
    pending, failures = drafts, {}
    while pending:
        failures = {draft: error for draft in pending if (error := _tell(draft, identifier))}
        if len(failures) == len(pending):
            break
        pending = list(failures)
    return failures


def _tell(draft: Draft, identifier: Identifier) -> Unknown | None:
    try:
        draft.key = identifier.key(draft)
    except Unknown as error:
        return error
    identifier.add(draft)
    return None
