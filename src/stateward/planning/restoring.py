"""Field by field: what stood there before a run, what it left, and what stands there now."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from stateward.model.identity import NodeId, ObjectKey, Reference
from stateward.model.plan import Action, Change, Default, FieldChange, Secret
from stateward.model.schema import OBJECT_TEMPLATE, PROTECTED, Kind, Relationship, Schema
from stateward.model.state import FromPool, Observed, ObservedObject
from stateward.planning.compare import references
from stateward.planning.effects import Effect
from stateward.planning.question import Identities


class Lost(Exception):
    """An object cannot be made again: something that it needs is not there any more."""


@dataclass(slots=True)
class Restoring:
    """Finds the values that objects go back to."""

    schema: Schema
    observed: Observed
    identities: Identities
    again: Mapping[str, ObjectKey]
    """What is made again, by the id that it had."""
    touched: frozenset[str]
    """The ids of all objects that the run changed."""
    back: frozenset[ObjectKey] = frozenset()
    """What was deleted, and is there again."""
    passed: frozenset[ObjectKey] = frozenset()
    """What came and went."""

    @property
    def restored(self) -> frozenset[ObjectKey]:
        """What was deleted, and is there again or is made again."""
        return self.back.union(self.again.values())

    def all_of(self, own: Effect) -> tuple[list[FieldChange], list[str]]:
        """Return the fields to make an object with, and what of it is lost; raises ``Lost``."""
        kind = self.schema.kinds[own.key.kind]
        fields: list[FieldChange] = []
        losses: list[str] = []
        for name, (before, _) in own.fields.items():
            if before is None or before == frozenset():
                continue
            if not _has(kind, name):
                losses.append(f"{name}: {_NO_FIELD}")
                continue
            value, missing = self._known(before)
            if isinstance(before, Secret):
                missing = ["its secret value, which is not recorded"]
            if missing and (_needed(kind, name) and not (isinstance(value, frozenset) and value)):
                raise Lost(f"{name}: {', '.join(missing)} is missing")
            losses += [f"{name}: comes back without {one}" for one in missing]
            if value is not None and value != frozenset():
                fields.append(FieldChange(name, None, value))
        return fields, losses

    def changed(
        self, own: Effect, now: ObservedObject, *, force: bool
    ) -> tuple[list[FieldChange], list[str], list[str]]:
        """Return the fields to put back, those that others changed, and what of it is lost."""
        kind = self.schema.kinds[now.key.kind]
        fields: list[FieldChange] = []
        differing: list[str] = []
        losses: list[str] = []
        for name, (before, after) in own.fields.items():
            if not _has(kind, name):
                losses.append(f"{name}: {_NO_FIELD}")
            elif isinstance(before, Secret):
                losses.append(f"{name}: keeps its value, the old one is not recorded")
            elif kind.is_shared(name):
                fields += self._merged(name, before, after, now)
            elif self.stands(name, before, now):
                continue
            elif not (force or self.stands(name, after, now) or self._on_the_way(own, name, now)):
                differing.append(self._difference(name, after, now))
            else:
                value, missing = self._known(before)
                if missing:
                    differing.append(f"{name}: {', '.join(missing)} is not there any more")
                else:
                    fields.append(
                        FieldChange(name, self._now(name, now), _unset(kind, name, value))
                    )
        return fields, differing, losses

    def _on_the_way(self, own: Effect, name: str, now: ObservedObject) -> bool:
        """Tell whether a field of what was made again is not written yet, or not all of it."""
        if not own.again:
            return False
        if name in now.relations:
            have, before = now.peers([name]), own.fields[name][0]
            missing = [peer for peer in references(before) if self.identities.id(peer) not in have]
            made = name in own.doubtful or self.restored.issuperset(missing)
            return made and have <= self.ids(before)
        known = self.schema.kinds[now.key.kind].attributes.get(name)
        unset = None if known is None else known.default
        written = name in own.made_with and name not in own.doubtful
        return not written and (self.stands(name, None, now) or self.stands(name, unset, now))

    def tied_again(self, own: Effect, now: ObservedObject) -> tuple[list[FieldChange], list[str]]:
        """Return the relationships that get deleted peers back, and what of them is lost."""
        kind = self.schema.kinds[now.key.kind]
        fields: list[FieldChange] = []
        losses: list[str] = []
        for name in own.loosened.keys() - own.fields.keys():
            if not _has(kind, name):
                losses.append(f"{name}: {_NO_FIELD}")
                continue
            back = frozenset(peer for peer in own.loosened[name] if peer in self.restored)
            have = self._now(name, now)
            if isinstance(have, frozenset):
                fields += [FieldChange(name, have, have | back)] if back - have else []
            elif back and have is None:
                fields.append(FieldChange(name, None, next(iter(back))))
            elif back:
                losses.append(f"{name}: leads to {have} by now, and stays so")
        return fields, losses

    def merged(self, own: Effect) -> frozenset[str]:
        """Return the relationships that get single peers back, and keep the others."""
        kind = self.schema.kinds[own.key.kind].relationships
        loosened = own.loosened.keys() - own.fields.keys()
        return frozenset(name for name in loosened if name in kind and kind[name].many)

    def differing(self, own: Effect, now: ObservedObject) -> Iterator[str]:
        """Yield the fields that are not as a run left them."""
        kind = self.schema.kinds[now.key.kind]
        for name, (before, after) in own.fields.items():
            if not _has(kind, name) or kind.is_shared(name):
                continue
            if name in own.doubtful and self.stands(name, before, now):
                continue
            if not self.stands(name, after, now) and not self._by_peers(
                after, now.relations.get(name)
            ):
                yield self._difference(name, after, now)
        for name in sorted(peer_ends(kind) & now.relations.keys() - own.fields.keys()):
            have = now.relations[name]
            if isinstance(have, frozenset) and have - self.touched:
                yield self._difference(name, None, now)

    def _by_peers(self, after: Any, have: Any) -> bool:
        """Tell whether a set of peers differs by what the run itself did at the peers' ends."""
        if not isinstance(have, frozenset):
            return False
        there = frozenset(own for own in references(after) if own not in self.passed)
        return (self.ids(there) ^ have) <= self.touched

    def told_once(self, change: Change, others: Mapping[ObjectKey, Change]) -> Change:
        """Leave out of what is made again, now or before, what peers say as well.

        Of such a set only the difference is written: it would end what the peers say before it.
        """
        fields: list[FieldChange] = []
        merged = set(change.merged)
        for own in change.fields:
            new, old = own.new, own.old or frozenset()
            echoed = self._echoed(change, own, others)
            if not echoed:
                fields.append(own)
            elif isinstance(new, frozenset):
                merged.add(own.name)
                if new - (echoed - old) != old:
                    fields.append(own._replace(new=new - (echoed - old)))
        return replace(change, fields=tuple(fields), merged=frozenset(merged))

    def _echoed(
        self, change: Change, own: FieldChange, others: Mapping[ObjectKey, Change]
    ) -> frozenset[Reference]:
        """Return the peers of a field that say the same at their end."""
        end = self.schema.kinds[change.key.kind].relationships.get(own.name)
        if end is None or end.mandatory:
            return frozenset()
        return frozenset(
            peer
            for peer in references(own.new)
            if isinstance(peer, ObjectKey) and self._told_there(change.key, end, others.get(peer))
        )

    def is_fresh(self, change: Change) -> bool:
        """Tell whether an object has of its relationships what is made with it, and no more."""
        return change.action is Action.CREATE or change.key in self.back

    def _told_there(self, key: ObjectKey, end: Relationship, peer: Change | None) -> bool:
        """Tell whether a peer writes a relationship at its own end, and is the one to do it."""
        inverse = self.schema.inverse(end, peer.key.kind) if peer is not None else None
        if peer is None or inverse is None:
            return False
        if not any(own.name == inverse.name and key in references(own.new) for own in peer.fields):
            return False
        if not self.is_fresh(peer) or inverse.mandatory:
            return True
        return end.many if end.many is not inverse.many else key > peer.key

    def ids(self, value: Any) -> frozenset[str | None]:
        return frozenset(self.identities.id(own) for own in references(value))

    def _merged(
        self, name: str, before: Any, after: Any, now: ObservedObject
    ) -> Iterator[FieldChange]:
        """Take back what was added to and removed from what others add to as well."""
        have = now.relations.get(name)
        old = have if isinstance(have, frozenset) else frozenset()
        added = self.ids(after) - self.ids(before)
        removed, _ = self._known((before or frozenset()) - (after or frozenset()))
        kept = frozenset(self.identities.name(node) for node in old - added)
        shown = frozenset(self.identities.name(node) for node in old)
        if kept | removed != shown:
            yield FieldChange(name, shown, kept | removed)

    def stands(self, name: str, value: Any, now: ObservedObject) -> bool:
        """Tell whether a field is as it was recorded; what cannot be told counts as the same."""
        if isinstance(value, Secret) or name == OBJECT_TEMPLATE:
            return True
        if isinstance(value, Default):
            return self.stands(name, value.value, now)
        if isinstance(value, FromPool):
            return now.pools.get(name) == self.identities.id(value.pool)
        if name in now.relations:
            return self.ids(value) == now.peers([name])
        have = now.attributes.get(name)
        if name.endswith(PROTECTED):
            return bool(have) == bool(value)
        return bool(have == value)

    def _now(self, name: str, now: ObservedObject) -> Any:
        if name not in now.relations:
            return now.attributes.get(name)
        have = now.relations[name]
        if isinstance(have, frozenset):
            return frozenset(self.identities.name(node) for node in have)
        return None if have is None else self.identities.name(have)

    def _difference(self, name: str, after: Any, now: ObservedObject) -> str:
        return f"{name}: {_shown(after)} was recorded, {_shown(self._now(name, now))} stands there"

    def _known(self, value: Any) -> tuple[Any, list[str]]:
        """Return a value with references that lead somewhere, and what leads nowhere any more."""
        if isinstance(value, Secret):
            return None, []
        if isinstance(value, Default):
            return self._known(value.value)
        if isinstance(value, frozenset):
            found = {peer: self._reference(peer) for peer in value}
            missing = sorted(str(peer) for peer, known in found.items() if known is None)
            return frozenset(own for own in found.values() if own is not None), missing
        if isinstance(value, ObjectKey | NodeId):
            known = self._reference(value)
            return known, ([] if known is not None else [str(value)])
        if isinstance(value, FromPool):
            return value, []
        return value, []

    def _reference(self, reference: Reference) -> Reference | None:
        """Return how an object is referred to now; None where there is none, and none is made."""
        if isinstance(reference, ObjectKey):
            if reference in self.again.values() or self.identities.id(reference) is not None:
                return reference
            return None
        if reference.id in self.again:
            return self.again[reference.id]
        known = reference.id in self.observed.objects or reference.id in self.observed.names
        known = known or any(own.id == reference.id for own in self.observed.groups.values())
        return reference if known else None


def peer_ends(kind: Kind) -> frozenset[str]:
    """Return the relationships by which others attach themselves to objects of a kind."""
    return frozenset(
        end.name
        for end in kind.relationships.values()
        if end.many and not (end.read_only or end.shared or end.kind in {"Profile", "Template"})
    )


_NO_FIELD = "the target has no such field any more"


def _has(kind: Kind, name: str) -> bool:
    base = name.partition(".")[0]
    return base in kind.attributes or base in kind.relationships


def _needed(kind: Kind, name: str) -> bool:
    """Tell whether an object cannot be made without a field."""
    if name in kind.attributes:
        return kind.attributes[name].mandatory
    end = kind.relationships.get(name)
    return end is not None and end.mandatory


def _unset(kind: Kind, name: str, value: Any) -> Any:
    """Return what to write for a field to be as it was: what nobody had set is reset."""
    known = kind.attributes.get(name)
    if known is not None and (value is None or value == known.default):
        return Default(known.default)
    if name.endswith(PROTECTED) and value is None:
        return Default(value=False)
    end = kind.relationships.get(name)
    if end is not None and end.many and value is None:
        return frozenset()
    return value


def _shown(value: Any) -> str:
    if isinstance(value, frozenset):
        return f"[{', '.join(sorted(map(str, value)))}]"
    if isinstance(value, Sequence | int | float) and not isinstance(value, tuple):
        return repr(value)
    return "nothing" if value is None else str(value)
