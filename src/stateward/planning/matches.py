"""Which existing object each declared one is.

By identity, by the id that the files name, by a hint of a rename; and else by a unique value: a
declared object that takes over the whole of a uniqueness constraint from a member that Git has
dropped *is* that member under another name. Infrahub's own upsert finds it the same way, and
there is no other way: the old object cannot go while others need it, nor the new one come.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from stateward.errors import Code, Problem
from stateward.model.identity import ObjectKey
from stateward.model.schema import Scope
from stateward.model.state import DesiredObject, ObservedObject
from stateward.planning.question import Holdings, Identities, Question
from stateward.schema import values


@dataclass(slots=True)
class Matches:
    """Ids by declared key, and what is wrong with the hints."""

    ids: dict[ObjectKey, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def match(question: Question, identities: Identities, holdings: Holdings) -> Matches:
    """Find the declared objects that exist; ``identities`` learns their keys."""
    declared = {
        key: obj for unit in question.desired.units.values() for key, obj in unit.objects.items()
    }
    matcher = _Matcher(question, identities, declared)
    observed = question.observed.objects
    for key, obj in declared.items():
        matcher.take(key, obj.node if obj.node in observed else identities.ids.get(key))
    for key, node in matcher.hinted():
        matcher.rename(key, node)
    for key, node in _successors(matcher, holdings):
        matcher.rename(key, node)
    return matcher.found


@dataclass(slots=True)
class _Matcher:
    question: Question
    identities: Identities
    declared: Mapping[ObjectKey, DesiredObject]
    found: Matches = field(default_factory=Matches)

    def take(self, key: ObjectKey, node: str | None) -> None:
        own = self.question.observed.objects.get(node or "")
        if own is not None and own.key.kind == key.kind:
            self.found.ids[key] = own.id
            self.identities.ids[key] = own.id

    def rename(self, key: ObjectKey, node: str) -> None:
        """Match a renamed object, and those whose identity is made of its name."""
        self.take(key, node)
        for follower, own in self._followers(node, self.declared[key]):
            if follower in self.declared and follower not in self.found.ids:
                self.take(follower, own)

    def hinted(self) -> Iterator[tuple[ObjectKey, str]]:
        """Yield what the units' settings say was renamed; note hints that say nothing."""
        for unit, facts in self.question.units.items():
            for old, new in facts.settings.moved.items():
                node = self.identities.ids.get(old)
                if old.kind != new.kind or old in self.declared:
                    differ = old.kind != new.kind
                    reason = "the kinds differ" if differ else f"{old} is still declared"
                    message = f"moved: {old} to {new}: {reason}: remove the hint"
                    problem = Problem(code=Code.MOVED_HINT, message=message, unit=unit)
                    self.found.problems.append(problem)
                elif node is not None and new in self.declared and new not in self.found.ids:
                    yield new, node

    def _followers(self, node: str, renamed: DesiredObject) -> Iterator[tuple[ObjectKey, str]]:
        for own in self.question.observed.objects.values():
            paths = self.question.schema.kinds[own.key.kind].hfid
            if len(paths) != len(own.key.hfid):
                continue
            parts = list(own.key.hfid)
            for index, path in enumerate(paths):
                if path.relationship and own.relations.get(path.relationship) == node:
                    value = renamed.attributes.get(path.attribute or "")
                    parts[index] = parts[index] if value is None else values.spell(value)
            if tuple(parts) != own.key.hfid:
                yield ObjectKey(own.key.kind, tuple(parts)), own.id

    def wanted(self, obj: DesiredObject, scope: Scope) -> tuple[Any, ...] | None:
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


def _successors(matcher: _Matcher, holdings: Holdings) -> list[tuple[ObjectKey, str]]:
    """Return the declared objects that are to take the place of one dropped member, and only one."""
    question = matcher.question
    new = [obj for key, obj in matcher.declared.items() if key not in matcher.found.ids]
    taken = set(matcher.found.ids.values())
    dropped = [node for node in holdings.holders if node not in taken] if new else []
    if not dropped:
        return []
    givers: dict[tuple[Any, ...], str] = {}
    for node in dropped:
        own = question.observed.objects[node]
        for scope in question.schema.unique_scopes(own.key.kind):
            if (values_ := _held(own, scope)) is not None:
                givers[own.key.kind, scope, values_] = node
    pairs: set[tuple[ObjectKey, str]] = set()
    for obj in new:
        for scope in question.schema.unique_scopes(obj.key.kind):
            giver = givers.get((obj.key.kind, scope, matcher.wanted(obj, scope)))
            if giver is not None:
                pairs.add((obj.key, giver))
    keys = Counter(key for key, _ in pairs)
    nodes = Counter(node for _, node in pairs)
    return sorted((key, node) for key, node in pairs if keys[key] == 1 and nodes[node] == 1)


def _held(own: ObservedObject, scope: Scope) -> tuple[Any, ...] | None:
    found: list[Any] = []
    for path in scope[1]:
        if path.relationship is not None:
            found.append(own.relations.get(path.relationship))
        else:
            value = own.attributes.get(path.attribute or "")
            found.append(value if isinstance(value, str | int | float) else None)
    return None if None in found else tuple(found)
