"""From drafts to desired objects: parts merged, references turned into keys."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from stateward.desired.drafts import Draft, Notes, RawPeer, RawPool, RawReference
from stateward.desired.identity import Identifier
from stateward.errors import Code, Location
from stateward.model import document
from stateward.model.identity import NodeId, ObjectKey, Reference
from stateward.model.state import DesiredObject, External, FromPool, Related

TEMPLATE = "object_template"


@dataclass(slots=True)
class Resolver:
    """Turns the drafts of one unit into objects, and collects what they refer to elsewhere."""

    identifier: Identifier
    notes: Notes
    unit: str
    externals: list[External] = field(default_factory=list)

    def objects(self, drafts: Iterable[Draft]) -> dict[ObjectKey, DesiredObject]:
        """Merge the drafts of one key, wherever they stand, and resolve their references."""
        by_key: dict[ObjectKey, list[Draft]] = {}
        for draft in drafts:
            if draft.key is not None:
                by_key.setdefault(draft.key, []).append(draft)
        return {key: self._object(key, parts) for key, parts in by_key.items()}

    def _object(self, key: ObjectKey, parts: list[Draft]) -> DesiredObject:
        attributes: dict[str, Any] = {}
        relations: dict[str, Related] = {}
        givers: dict[str, Draft] = {}
        for part in parts:
            for name, value in part.attributes.items():
                given = self._pool(part, value) if isinstance(value, RawPool) else value
                self._merge(attributes, name, given, part, givers)
            for name in part.relations:
                self._merge(relations, name, self._related(part, name), part, givers)
            for name, outer in part.inherited.items():
                if outer.key is not None:
                    self._merge(relations, name, outer.key, part, givers)
        first = parts[0]
        nodes = {part.node for part in parts if part.node is not None}
        return DesiredObject(
            key=key,
            unit=self.unit,
            attributes=attributes,
            relations=relations,
            origin=first.origin,
            node=min(nodes, default=None),
            template=relations.get(TEMPLATE) is not None,
            parts=tuple((part.file, part.source) for part in parts),
        )

    def _merge(
        self,
        into: dict[str, Any],
        name: str,
        value: Any,
        part: Draft,
        givers: dict[str, Draft],
    ) -> None:
        if name not in into:
            into[name] = value
            givers[name] = part
        elif into[name] == value:
            return
        elif self._shared(part, name):
            into[name] = into[name] | value
        else:
            message = f"{part.key}: {name}: another value than at {givers[name].at(name)}: keep one"
            self.notes.add(Code.CONTRADICTION, message, part.at(name), unit=self.unit)

    def _shared(self, part: Draft, name: str) -> bool:
        relationship = part.kind.relationships.get(name)
        return relationship is not None and relationship.shared

    def _related(self, draft: Draft, name: str) -> Related:
        value = draft.relations[name]
        if isinstance(value, list):
            peers = (self._peer(draft, name, peer) for peer in value)
            return frozenset(peer for peer in peers if peer is not None)
        return None if value is None else self._peer(draft, name, value)

    def _peer(self, draft: Draft, name: str, peer: RawPeer) -> Any:
        if isinstance(peer, Draft):
            return peer.key
        if isinstance(peer, RawPool):
            return self._pool(draft, peer)
        return self._reference(draft, name, peer)

    def _pool(self, draft: Draft, raw: RawPool) -> FromPool:
        return FromPool(
            pool=self._reference(draft, "from_pool", raw.pool), identifier=raw.identifier
        )

    def _reference(self, draft: Draft, name: str, raw: RawReference) -> Reference:
        found = self.identifier.find(raw)
        at = document.location(draft.file, raw.mark)
        if len(found) == 1:
            return next(iter(found))
        if len(found) > 1:
            names = ", ".join(sorted(str(key) for key in found))
            message = f"{draft.key}: {name}: {_spoken(raw)} may mean any of {names}: say which"
            self.notes.add(Code.AMBIGUOUS, message, at, unit=self.unit)
            return min(found)
        unfound = raw.parts if isinstance(raw.parts, NodeId) else self.identifier.spelled(raw)
        if draft.key is not None:
            self.externals.append(External(reference=unfound, at=at, subject=draft.key, field=name))
        return unfound


def _spoken(raw: RawReference) -> str:
    return raw.parts.id if isinstance(raw.parts, NodeId) else "/".join(raw.parts)


def place(obj: DesiredObject, name: str) -> Location:
    """Return where an object declares a field; where it starts if the field follows from elsewhere."""
    name = name.partition(".")[0]
    for file, source in obj.parts:
        if name in source and len(source.marks) >= 2 * len(source):
            return document.location(file, source.value_mark(name))
    return obj.origin


def targets(related: Related) -> Iterator[Reference]:
    """Yield the peers of a declared relationship."""
    if isinstance(related, frozenset):
        yield from related
    elif related is not None and not isinstance(related, FromPool):
        yield related
