"""What each unit gives up: objects to delete, to release, or to keep after all."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from stateward.errors import Code, Problem, Severity
from stateward.model.identity import NodeId, ObjectKey
from stateward.model.plan import Action, Change, Survivor
from stateward.model.state import Hold
from stateward.planning.claims import Claims
from stateward.planning.question import Declared, Holdings, Identities, Question
from stateward.planning.standing import Standing
from stateward.planning.unread import Unread


def going(
    question: Question,
    holdings: Holdings,
    declared: Collection[str],
    stalled: Collection[str],
) -> dict[str, ObjectKey]:
    """Return the members that no unit declares any more and that nothing keeps.

    Adopted ones stay in the target, and so does what `prune: false` or `protect` keeps, and what
    a unit holds of which is not known what it declares.
    """
    unread = Unread(question)
    gone: dict[str, ObjectKey] = {}
    for node, units in holdings.holders.items():
        if node in declared or holdings.was_adopted(node):
            continue
        own = question.observed.objects[node]
        kept = any(unit in stalled or keeps(question, unit, own.key) for unit in units)
        if not kept and unread.may_keep(own) is None:
            gone[node] = own.key
    return gone


def keeps(question: Question, unit: str, key: ObjectKey) -> bool:
    """Tell whether a unit's settings take an object out of its prune."""
    settings = question.units[unit].settings
    return not settings.prune or settings.protects(key)


@dataclass(slots=True)
class Prune:
    """Goes through what the units no longer declare and decides on each."""

    question: Question
    declared: Declared
    holdings: Holdings
    identities: Identities
    standing: Standing
    claims: Claims
    matches: Mapping[str, ObjectKey]
    """Declared keys by id."""
    doubtful: Collection[str]
    """Ids that may be declared: nobody can tell."""
    repointed: Mapping[str, tuple[ObjectKey, frozenset[str]]]
    """By the id of an object that is to be changed, its key and the ids that it leaves."""
    problems: list[Problem] = field(default_factory=list)
    kept: dict[str, int] = field(default_factory=dict)
    """How many objects of each unit are kept, though nobody declares them."""
    staying: set[str] = field(default_factory=set)
    """Units that keep a member which they do not declare."""
    awaited: set[str] = field(default_factory=set)
    """Those of them that keep it for another unit, which may declare it."""
    survivors: dict[str, list[Survivor]] = field(default_factory=dict)
    unread: Unread = field(init=False)

    def __post_init__(self) -> None:
        self.unread = Unread(self.question)

    def changes(self) -> Iterator[Change]:
        """Yield releases, and the deletes that `possible` is to look at."""
        for node, holders in self.holdings.holders.items():
            key = self.matches.get(node)
            declaring = self.declared.units(key) if key is not None else ()
            dropping = [
                unit
                for unit in holders
                if unit not in declaring
                and self.standing.plannable(unit)
                and (unit, node) not in self.claims.given
            ]
            if dropping:
                stays = [unit for unit in holders if unit not in dropping]
                stays = [unit for unit in stays if (unit, node) not in self.claims.given]
                yield from self._decide(node, key, dropping, stays)

    def _decide(
        self, node: str, key: ObjectKey | None, dropping: list[str], stays: list[str]
    ) -> Iterator[Change]:
        """Decide on a member that some of its units drop while others go on holding it."""
        if stays:
            yield from self._release(node, dropping, _by(stays, "has it, too", "have it, too"))
        elif node in self.claims.takers:
            takers = (self.claims.takers[node],)
            yield from self._release(node, dropping, "another unit takes it", takers)
        elif key is not None or node in self.doubtful:
            self.staying.update(dropping)  # declared by a unit that cannot take it this round
            self.awaited.update(dropping)
        elif unit := self.unread.may_keep(self.question.observed.objects[node]):
            reason = f"unit {unit} cannot be read and may declare it"
            self.awaited.update(dropping)
            self._keep(node, dropping, Code.MAY_HAVE_MOVED, reason)
        elif keeping := [own for own in dropping if keeps(self.question, own, self._key(node))]:
            self._keep(node, keeping)
            letting_go = [own for own in dropping if own not in keeping]
            yield from self._release(node, letting_go, _by(keeping, "keeps it", "keep it"))
        elif claims := self._hold(node).claims:
            yield from self._release(node, dropping, f"claimed by the group {', '.join(claims)}")
        elif self.holdings.was_adopted(node):
            yield from self._release(node, dropping, "it was there before")
        else:  # the first of the units deletes it, for all of them
            delete = self._change(Action.DELETE, dropping[0], node)
            yield replace(delete, shared=tuple(dropping[1:]))

    def possible(self, deletes: Iterable[Change]) -> list[Change]:
        """Leave out deletes that would be refused, or take along what is not to be deleted.

        What is left knows which other changes it relies on.
        """
        left = {own.node: own for own in deletes if own.node is not None}
        relying: dict[str, list[str]] = {}
        for node in left:
            for other in self._others(node):
                relying.setdefault(other, []).append(node)
        pending = list(left)
        while pending:
            node = pending.pop()
            reason = self._hindrance(node, left) if node in left else None
            if reason is not None:
                change = left.pop(node)
                survivor = Survivor(key=change.key, id=node, reason=reason)
                self.survivors.setdefault(change.unit, []).append(survivor)
                self._note(Code.SURVIVOR, change.unit, f"{change.key}: kept: {reason}")
                pending.extend(relying.get(node, ()))
        return [replace(own, needs=self._needs(node, left)) for node, own in left.items()]

    def _hindrance(self, node: str, deletes: Mapping[str, Change]) -> str | None:
        hold = self._hold(node)
        if victims := self._staying(node, hold.cascade, deletes):
            return f"deleting it would delete {victims}, which is not ours to delete"
        if needing := self._staying(node, hold.needed_by, deletes):
            return f"{needing} cannot be without it"
        return None

    def _staying(
        self, node: str, others: Iterable[NodeId], deletes: Mapping[str, Change]
    ) -> str | None:
        """Name the others that are not deleted in this plan, and not pointed elsewhere."""
        names = [
            str(self.identities.name(other.id))
            for other in others
            if other.id not in deletes and not self._leaves(other.id, node)
        ]
        return ", ".join(sorted(names)) or None

    def _needs(self, node: str, deletes: Mapping[str, Change]) -> tuple[ObjectKey, ...]:
        """Return the keys of the changes without which a delete would take more along, or fail."""
        keys = {
            deletes[other].key if other in deletes else self.repointed[other][0]
            for other in self._others(node)
        }
        return tuple(sorted(keys))

    def _leaves(self, other: str, node: str) -> bool:
        return other in self.repointed and node in self.repointed[other][1]

    def _others(self, node: str) -> list[str]:
        hold = self._hold(node)
        return [other.id for other in (*hold.cascade, *hold.needed_by)]

    def _hold(self, node: str) -> Hold:
        return self.question.observed.holds.get(node) or Hold()

    def _key(self, node: str) -> ObjectKey:
        return self.question.observed.objects[node].key

    def _release(
        self, node: str, units: Iterable[str], stays: str, needs: tuple[ObjectKey, ...] = ()
    ) -> Iterator[Change]:
        for unit in units:
            yield replace(self._change(Action.RELEASE, unit, node), stays=stays, needs=needs)

    def _keep(
        self, node: str, units: Iterable[str], code: Code | None = None, reason: str = ""
    ) -> None:
        for unit in units:
            self.staying.add(unit)
            self.kept[unit] = self.kept.get(unit, 0) + 1
            if code is not None:
                self._note(code, unit, f"{self._key(node)}: kept: {reason}")

    def _change(self, action: Action, unit: str, node: str) -> Change:
        return Change(action=action, unit=unit, key=self._key(node), node=node)

    def _note(self, code: Code, unit: str, message: str) -> None:
        self.problems.append(
            Problem(code=code, message=message, unit=unit, severity=Severity.WARNING)
        )


def _by(units: Sequence[str], one: str, several: str) -> str:
    """Say what units do."""
    return f"{', '.join(sorted(units))} {one if len(units) == 1 else several}"
