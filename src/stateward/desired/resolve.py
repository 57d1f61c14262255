"""From drafts to desired objects: parts merged, references turned into keys."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from stateward.desired.drafts import Draft, RawPeer, RawPool, RawReference
from stateward.desired.identity import Identifier
from stateward.desired.notes import Notes
from stateward.errors import Code
from stateward.model import document
from stateward.model.identity import NodeId, ObjectKey, Reference
from stateward.model.schema import OBJECT_TEMPLATE
from stateward.model.state import DesiredObject, External, FromPool, Related


@dataclass(slots=True)
class _Parts:
    """What the parts of one object come to, and which part gave each field."""

    key: ObjectKey
    attributes: dict[str, Any] = field(default_factory=dict)
    relations: dict[str, Related] = field(default_factory=dict)
    givers: dict[str, Draft] = field(default_factory=dict)
    node: str | None = None


@dataclass(slots=True)
class Resolver:
    """Turns the drafts of one unit into objects, and collects what they refer to elsewhere."""

    identifier: Identifier
    notes: Notes
    externals: list[External] = field(default_factory=list)

    def objects(self, drafts: Iterable[Draft]) -> dict[ObjectKey, DesiredObject]:
        """Merge the drafts of one key, wherever they stand, and resolve their references."""
        by_key: dict[ObjectKey, list[Draft]] = {}
        for draft in sorted(drafts, key=lambda own: (own.file, own.source.first_mark())):
            if draft.key is not None:
                by_key.setdefault(draft.key, []).append(draft)
        return {key: self._object(key, parts) for key, parts in by_key.items()}

    def _object(self, key: ObjectKey, parts: list[Draft]) -> DesiredObject:
        found = _Parts(key)
        for part in parts:
            self._merge_node(found, part)
            for name, value in part.attributes.items():
                given = self._pool(part, value) if isinstance(value, RawPool) else value
                self._merge(found, found.attributes, name, given, part)
            for name, related in self._relations(part):
                self._merge(found, found.relations, name, related, part)
            for name, outer in part.inherited.items():
                if isinstance(outer, Draft) and outer.key is not None:
                    self._merge(found, found.relations, name, outer.key, part)
        for part in parts:
            for name, outer in part.inherited.items():
                if isinstance(outer, list):
                    self._add_peers(found, name, outer)
        return DesiredObject(
            key=key,
            unit=self.notes.unit,
            attributes=found.attributes,
            relations=found.relations,
            origin=parts[0].origin,
            node=found.node,
            template=found.relations.get(OBJECT_TEMPLATE) is not None,
            parts=tuple((part.file, part.source) for part in parts),
        )

    def _merge_node(self, found: _Parts, part: Draft) -> None:
        if part.node is None:
            return
        if found.node is None:
            found.node = part.node
            found.givers["id"] = part
        elif found.node != part.node:
            self._contradict(found, "id", part)

    def _add_peers(self, found: _Parts, name: str, outer: list[Draft]) -> None:
        """Add the objects that a part is written inside of to a list, declared or not."""
        known = found.relations.get(name) or frozenset()
        peers = frozenset(own.key for own in outer if own.key is not None)
        if peers and isinstance(known, frozenset):
            found.relations[name] = known | peers

    def _merge(
        self, found: _Parts, into: dict[str, Any], name: str, value: Any, part: Draft
    ) -> None:
        if name not in into:
            into[name] = value
            found.givers[name] = part
        elif into[name] == value:
            return
        elif self._shared(part, name):
            into[name] = into[name] | value
        else:
            self._contradict(found, name, part)

    def _contradict(self, found: _Parts, name: str, part: Draft) -> None:
        message = f"{found.key}: {name}: another value than at {found.givers[name].at(name)}"
        self.notes.add(Code.CONTRADICTION, f"{message}: keep one", part.at(name))

    def _shared(self, part: Draft, name: str) -> bool:
        relationship = part.kind.relationships.get(name)
        return relationship is not None and relationship.shared

    def _relations(self, draft: Draft) -> Iterator[tuple[str, Related]]:
        """Yield what is declared; a peer that has no identity leaves its relationship out."""
        for name, value in draft.relations.items():
            raw = value if isinstance(value, list) else [value]
            if any(isinstance(peer, Draft) and peer.key is None for peer in raw):
                continue
            peers = [self._peer(draft, name, peer) for peer in raw if peer is not None]
            yield name, frozenset(peers) if isinstance(value, list) else next(iter(peers), None)

    def _peer(self, draft: Draft, name: str, peer: RawPeer) -> Any:
        if isinstance(peer, Draft):
            return peer.key
        if isinstance(peer, RawPool):
            return self._pool(draft, peer)
        return self._reference(draft, name, peer)

    def _pool(self, draft: Draft, raw: RawPool) -> FromPool:
        pool = self._reference(draft, "from_pool", raw.pool)
        return FromPool(pool=pool, identifier=raw.identifier)

    def _reference(self, draft: Draft, name: str, raw: RawReference) -> Reference:
        found = self.identifier.find(raw)
        at = document.location(draft.file, raw.mark)
        if len(found) == 1:
            return next(iter(found))
        if len(found) > 1:
            names = ", ".join(sorted(str(key) for key in found))
            message = f"{draft.key}: {name}: {_spoken(raw)} may mean any of {names}: say which"
            self.notes.add(Code.AMBIGUOUS, message, at)
            return min(found)
        meant = self.identifier.meant(raw)
        subject = draft.key or ObjectKey(draft.kind.kind, ())
        self.externals.append(External(reference=meant, at=at, subject=subject, field=name))
        return meant


def _spoken(raw: RawReference) -> str:
    return raw.parts.id if isinstance(raw.parts, NodeId) else "/".join(raw.parts)


def targets(related: Related) -> Iterator[Reference]:
    """Yield the peers of a declared relationship."""
    if isinstance(related, frozenset):
        yield from related
    elif related is not None and not isinstance(related, FromPool):
        yield related
