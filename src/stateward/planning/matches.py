"""Which existing object each declared one is.

By the id that the files name, by identity, by a hint of a rename; and else by a unique value: a
declared object that takes over the whole of a uniqueness constraint from a member that Git has
dropped *is* that member under another name. Infrahub's own upsert finds it the same way, and
there is no other way: the old object cannot go while others need it, nor the new one come.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from stateward.errors import Code, Problem
from stateward.model.identity import ObjectKey
from stateward.model.schema import Path, Scope
from stateward.model.state import DesiredObject, ObservedObject
from stateward.planning.question import Declared, Holdings, Identities, Question
from stateward.planning.unread import Unread
from stateward.schema import paths, values

_PEER_SEPARATOR = "__"
"""Between the parts of a peer's identity where an identity names the peer as a whole."""


@dataclass(slots=True)
class Matches:
    """Ids by declared key, and what kept objects from being matched."""

    ids: dict[ObjectKey, str] = field(default_factory=dict)
    nodes: dict[str, ObjectKey] = field(default_factory=dict)
    """Declared keys by id."""
    problems: list[Problem] = field(default_factory=list)
    doubtful: set[ObjectKey] = field(default_factory=set)
    """Objects that a problem names."""
    candidates: set[str] = field(default_factory=set)
    """The ids that doubtful ones may have: what is not known to be dropped is not dropped."""

    @property
    def declared(self) -> frozenset[str]:
        """The ids that some unit declares, or may declare."""
        return frozenset(self.candidates.union(self.nodes))


def match(
    question: Question,
    declared: Declared,
    identities: Identities,
    holdings: Holdings,
    stalled: Collection[str],
) -> Matches:
    """Find the declared objects that exist; ``identities`` learns their keys.

    What a ``stalled`` unit holds may be declared in a file that could not be read: nothing else is
    taken for it.
    """
    matcher = _Matcher(question, declared, identities, holdings)
    matcher.by_id()
    matcher.by_key()
    matcher.by_hint()
    matcher.by_unique_value(stalled)
    return matcher.found


@dataclass(slots=True)
class _Matcher:
    question: Question
    declared: Declared
    identities: Identities
    holdings: Holdings
    found: Matches = field(default_factory=Matches)
    _named_after: dict[str, list[ObservedObject]] | None = None
    """By id, the objects whose identity is made of an object's name."""

    def by_id(self) -> None:
        for obj in self.declared.objects():
            own = self.question.observed.objects.get(obj.node or "")
            if own is None:
                continue
            if own.key.kind != obj.key.kind:
                self._doubt(obj, Code.IDENTITY, f"id: {own.id} is {own.key} in the target", own.id)
            elif own.id in self.found.nodes:
                other = self.found.nodes[own.id]
                self._doubt(
                    obj, Code.IDENTITY, f"id: {own.id} is declared for {other} as well", own.id
                )
            else:
                self._take(obj.key, own.id)

    def by_key(self) -> None:
        observed = self.question.observed
        bearers: dict[ObjectKey, list[str]] = {}
        for own in observed.objects.values():
            bearers.setdefault(own.key, []).append(own.id)
        for obj in self.declared.objects():
            key = obj.key
            if key in self.found.ids or key in self.found.doubtful:
                continue
            answering: Iterable[str] = bearers.get(key, ())
            if key in observed.references:
                answering = dict.fromkeys((*answering, *observed.references[key]))
            candidates = [node for node in answering if self._may_be(node, key)]
            if len(candidates) > 1:
                ours = [node for node in candidates if node in self.holdings.holders]
                candidates = ours if len(ours) == 1 else candidates
            if len(candidates) == 1:
                self._take(key, candidates[0])
            elif candidates:
                names = ", ".join(sorted(candidates))
                self._doubt(obj, Code.AMBIGUOUS, f"may be any of {names}: name its id", *candidates)

    def by_hint(self) -> None:
        """Match what the units' settings say was renamed; note hints that cannot be followed."""
        renamed: dict[str, ObjectKey] = {}
        for unit, facts in sorted(self.question.units.items()):
            for old, new in facts.settings.moved.items():
                node = self.identities.ids.get(old)
                pending = self._is_new(new)
                if old.kind != new.kind:
                    self._refuse_hint(unit, old, new, "the kinds differ")
                elif pending and old in self.declared.by_key:
                    self._refuse_hint(unit, old, new, f"{old} is still declared")
                elif pending and node is not None and self._may_be(node, new):
                    self._take(new, node)
                    renamed[node] = new
        self._follow(renamed)

    def by_unique_value(self, stalled: Collection[str]) -> None:
        renamed = dict(self._successors(stalled))
        for node, key in renamed.items():
            self._take(key, node)
        self._follow(renamed)

    def _may_be(self, node: str, key: ObjectKey) -> bool:
        own = self.question.observed.objects.get(node)
        return own is not None and own.key.kind == key.kind and node not in self.found.nodes

    def _is_new(self, key: ObjectKey) -> bool:
        known = key in self.found.ids or key in self.found.doubtful
        return key in self.declared.by_key and not known

    def _take(self, key: ObjectKey, node: str) -> None:
        self.found.ids[key] = node
        self.found.nodes[node] = key
        self.identities.learn(key, node)

    def _follow(self, renamed: dict[str, ObjectKey]) -> None:
        """Match the objects whose identity is made of the name of a renamed one."""
        while renamed:
            followers: dict[str, ObjectKey] = {}
            for node in renamed:
                for own in self._after(node):
                    key = self._renamed(own)
                    if key != own.key and self._is_new(key) and self._may_be(own.id, key):
                        self._take(key, own.id)
                        followers[own.id] = key
            renamed = followers

    def _after(self, node: str) -> list[ObservedObject]:
        if self._named_after is None:
            self._named_after = {}
            for own in self.question.observed.objects.values():
                for path in self._way(own):
                    peer = own.relations.get(path.relationship or "")
                    if isinstance(peer, str):
                        self._named_after.setdefault(peer, []).append(own)
        return self._named_after.get(node, [])

    def _way(self, own: ObservedObject) -> tuple[Path, ...]:
        """Return the paths that an object's key is made of."""
        kind = self.question.schema.get(own.key.kind)
        ways = paths.identity(kind) if kind else ()
        return next((way for way in ways if len(way) == len(own.key.hfid)), ())

    def _renamed(self, own: ObservedObject) -> ObjectKey:
        """Return what an object is called once the renamed ones bear their new names."""
        parts = list(own.key.hfid)
        for index, path in enumerate(self._way(own)):
            peer = self.found.nodes.get(str(own.relations.get(path.relationship or "")))
            if peer is None:
                continue
            if path.attribute is None:
                parts[index] = _PEER_SEPARATOR.join(peer.hfid)
                continue
            obj = self.declared.object(self.declared.units(peer)[0], peer)
            value = obj.attributes.get(path.attribute)
            parts[index] = parts[index] if value is None else values.spell(value)
        return ObjectKey(own.key.kind, tuple(parts))

    def _successors(self, stalled: Collection[str]) -> Iterator[tuple[str, ObjectKey]]:
        """Yield the dropped members whose place one declared object is to take, and only one."""
        new = [obj for obj in self.declared.objects() if self._is_new(obj.key) and obj.node is None]
        givers = self._given(stalled) if new else {}
        pairs: set[tuple[str, ObjectKey]] = set()
        for obj in new if givers else ():
            for scope in self.question.schema.unique_scopes(obj.key.kind):
                giver = givers.get((obj.key.kind, scope, self._wanted(obj, scope)))
                if giver is not None:
                    pairs.add((giver, obj.key))
        nodes = Counter(node for node, _ in pairs)
        keys = Counter(key for _, key in pairs)
        for node, key in sorted(pairs):
            if nodes[node] == 1 and keys[key] == 1:
                yield node, key

    def _given(self, stalled: Collection[str]) -> dict[tuple[Any, ...], str]:
        """Return the unique values of the members that Git has dropped for certain."""
        unread = Unread(self.question)
        declared = self.found.declared
        given: dict[tuple[Any, ...], str] = {}
        for node, holders in self.holdings.holders.items():
            if node in declared or any(unit in stalled for unit in holders):
                continue
            own = self.question.observed.objects[node]
            if unread.may_keep(own) is None:
                for scope in self.question.schema.unique_scopes(own.key.kind):
                    if (held := _held(own, scope)) is not None:
                        given[own.key.kind, scope, held] = node
        return given

    def _wanted(self, obj: DesiredObject, scope: Scope) -> tuple[Any, ...] | None:
        """Return the values with which an object will meet a uniqueness constraint."""
        found: list[Any] = []
        for path in scope[1]:
            if path.relationship is None:
                value = obj.attributes.get(path.attribute or "")
                found.append(value if isinstance(value, str | int | float) else None)
            else:
                related = obj.relations.get(path.relationship)
                found.append(self.identities.id(related) if isinstance(related, tuple) else None)
        return None if None in found else tuple(found)

    def _doubt(self, obj: DesiredObject, code: Code, reason: str, *candidates: str) -> None:
        """Note in each of its units that it cannot be told which object one is."""
        self.found.doubtful.add(obj.key)
        self.found.candidates.update(candidates)
        self.identities.forget(obj.key)
        for unit in self.declared.units(obj.key):
            problem = Problem(
                code=code,
                message=f"{obj.key}: {reason}",
                location=self.declared.object(unit, obj.key).origin,
                unit=unit,
                subject=str(obj.key),
            )
            self.found.problems.append(problem)

    def _refuse_hint(self, unit: str, old: ObjectKey, new: ObjectKey, reason: str) -> None:
        message = f"moved: {old} to {new}: {reason}: remove the hint"
        self.found.problems.append(Problem(code=Code.MOVED_HINT, message=message, unit=unit))


def _held(own: ObservedObject, scope: Scope) -> tuple[Any, ...] | None:
    found: list[Any] = []
    for path in scope[1]:
        if path.relationship is not None:
            found.append(own.relations.get(path.relationship))
        else:
            value = own.attributes.get(path.attribute or "")
            found.append(value if isinstance(value, str | int | float) else None)
    return None if None in found else tuple(found)
