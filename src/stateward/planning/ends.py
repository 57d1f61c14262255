"""The two ends of a relationship: an object that is one's peer may be nobody else's."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from stateward.model.plan import Action, Change, FieldChange
from stateward.model.schema import Direction, Relationship
from stateward.planning.question import Identities, Question

Place = tuple[str, Direction, str]
"""One end of a relationship, and the peer whose only partner stands there."""


@dataclass(slots=True)
class Ends:
    """Looks at what the relationships that are written mean for their peers."""

    question: Question
    identities: Identities
    _inverses: dict[tuple[str, str, str], Relationship | None] = field(default_factory=dict)

    def spared(self, changes: Iterable[Change], deleted: Collection[str]) -> Iterator[Change]:
        """Leave peers that are to be deleted where they are, if they cannot be without.

        The target would refuse to take them out first; the delete takes them out.
        """
        for change in changes:
            spared = change.fields
            if deleted and change.node is not None:
                found = (self._spare(change, own, deleted) for own in change.fields)
                spared = tuple(own for own in found if own is not None)
            if spared == change.fields:
                yield change
            elif spared or change.action is not Action.UPDATE:
                yield replace(change, fields=spared)

    def _spare(
        self, change: Change, own: FieldChange, deleted: Collection[str]
    ) -> FieldChange | None:
        kept = {
            peer
            for peer, inverse in self._leaving(change, own)
            if self.identities.id(peer) in deleted and inverse.mandatory
        }
        if not kept:
            return own
        if not isinstance(own.old, frozenset):
            return own if _peers(own.new) else None
        new = (own.new if isinstance(own.new, frozenset) else frozenset()) | kept
        return None if new == own.old else own._replace(new=new)

    def taken(self, change: Change) -> Iterator[tuple[Place, FieldChange]]:
        """Yield the places at existing peers, for one partner only, that a change takes."""
        for own in change.fields:
            for peer in _peers(own.new) - _peers(own.old):
                if place := self._place(change.key.kind, own.name, self.identities.id(peer)):
                    yield place, own

    def held(self, kinds: Collection[str]) -> dict[Place, list[str]]:
        """Return the ids of the objects that hold such places, by relationship identifier."""
        found: dict[Place, list[str]] = {}
        for own in self.question.observed.objects.values():
            for name in own.relations:
                end = self._end(own.key.kind, name)
                if end is None or end.identifier not in kinds:
                    continue
                for node in own.peers([name]):
                    if place := self._place(own.key.kind, name, node):
                        found.setdefault(place, []).append(own.id)
        return found

    def left(self, change: Change) -> Iterator[tuple[str, Relationship]]:
        """Yield the peers that a change leaves and that cannot be without, with their own end."""
        for own in change.fields:
            for peer, inverse in self._leaving(change, own):
                node = self.identities.id(peer)
                if node is not None and inverse.mandatory:
                    yield node, inverse

    def gives(self, change: Change, place: Place) -> bool:
        """Tell whether a change of the holder of a place leaves it."""
        for own in change.fields:
            end = self._end(change.key.kind, own.name)
            if end is not None and (end.identifier, end.direction) == place[:2]:
                return place[2] not in {self.identities.id(peer) for peer in _peers(own.new)}
        return False

    def turns(self, change: Change, place: Place) -> bool:
        """Tell whether the peer of a place itself changes its partner."""
        ends = (self._end(change.key.kind, own.name) for own in change.fields)
        opposite = place[1].opposite
        return any(end and (end.identifier, end.direction) == (place[0], opposite) for end in ends)

    def _leaving(self, change: Change, own: FieldChange) -> Iterator[tuple[Any, Relationship]]:
        for peer in _peers(own.old) - _peers(own.new):
            inverse = self._inverse(change.key.kind, own.name, self.identities.id(peer))
            if inverse is not None:
                yield peer, inverse

    def _place(self, kind: str, name: str, node: str | None) -> Place | None:
        end = self._end(kind, name)
        inverse = self._inverse(kind, name, node)
        if end is None or inverse is None or inverse.many or node is None:
            return None
        return end.identifier, end.direction, node

    def _end(self, kind: str, name: str) -> Relationship | None:
        return self.question.schema.kinds[kind].relationships.get(name)

    def _inverse(self, kind: str, name: str, node: str | None) -> Relationship | None:
        """Return the end of a relationship that an existing peer has."""
        peer = self.question.observed.objects.get(node or "")
        key = peer.key if peer else self.question.observed.names.get(node or "")
        end = self._end(kind, name)
        if key is None or end is None:
            return None
        asked = (kind, name, key.kind)
        if asked not in self._inverses:
            self._inverses[asked] = self.question.schema.inverse(end, key.kind)
        return self._inverses[asked]


def _peers(value: Any) -> frozenset[Any]:
    if isinstance(value, frozenset):
        return value
    return frozenset((value,)) if isinstance(value, tuple) else frozenset()
