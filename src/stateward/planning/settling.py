"""What became of changes that nobody lived to write down: asked of what the target holds now."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from stateward.model.plan import CLAIMS, Action, FieldChange, Secret
from stateward.model.record import Record, RecordedChange
from stateward.model.run import EntryState
from stateward.model.schema import Schema
from stateward.model.state import Observed, ObservedObject
from stateward.planning.question import Identities
from stateward.planning.restoring import Restoring

NOT_DONE = "interrupted: was not done"


def under_way(record: Record) -> tuple[RecordedChange, ...]:
    """Return the changes of which it is not recorded what came of them."""
    return tuple(own for own in record.changes if own.state is EntryState.STARTED)


def settle(record: Record, schema: Schema, observed: Observed) -> list[RecordedChange]:
    """Return what was under way, as applied or failed; what the target does not show is left out."""
    changes = under_way(record)
    identities = Identities(observed)
    for own in changes:
        if own.node in observed.objects:
            identities.learn(own.key, own.node or "")
    restoring = Restoring(schema, observed, identities, {}, frozenset())
    settling = _Settling(record, observed, restoring)
    settled = ((own, settling.detail(own)) for own in changes)
    return [
        replace(own, state=EntryState.FAILED if detail else EntryState.APPLIED, detail=detail)
        for own, detail in settled
        if detail is not None
    ]


@dataclass(slots=True)
class _Settling:
    """Tells of single changes whether they were done."""

    record: Record
    observed: Observed
    restoring: Restoring
    _members: frozenset[str] = field(init=False)
    _begun: dict[str, int] = field(init=False)
    """The first change of each object."""

    def __post_init__(self) -> None:
        group = self.observed.groups.get(self.record.opening.group)
        self._members = group.members if group else frozenset()
        self._begun = {}
        for own in self.record.changes:
            self._begun.setdefault(own.node or "", own.index)

    def detail(self, change: RecordedChange) -> str | None:
        """Say what is missing of a change: nothing of one that was done, None where none can tell."""
        if change.node is None:
            return None
        if change.along is not None:  # it comes and goes with the delete that took it along
            delete = next(own for own in self.record.changes if own.index == change.along)
            return self.detail(delete)
        now = self.observed.objects.get(change.node)
        if change.action is Action.DELETE:
            return "" if now is None else NOT_DONE
        if change.action is Action.RELEASE:
            return NOT_DONE if change.node in self._members else ""
        # The second part of a change in two writes is about fields, whatever the first was.
        first = self._begun[change.node] == change.index
        if change.action is Action.CREATE and first:
            return NOT_DONE if now is None else ""
        if now is None:
            return None
        if change.action in CLAIMS and first and change.node not in self._members:
            return NOT_DONE
        claimed = ["membership"] if change.action in CLAIMS and first else []
        return self._of_fields(change.fields, now, claimed)

    def _of_fields(
        self, fields: Sequence[FieldChange], now: ObservedObject, done: list[str]
    ) -> str | None:
        missing: list[str] = []
        for name, written in self._told(fields, now):
            (done if written else missing).append(name)
        if not missing:
            return "" if done or not fields else None
        return f"interrupted: was not done: {', '.join(missing)}" if done else NOT_DONE

    def _told(
        self, fields: Sequence[FieldChange], now: ObservedObject
    ) -> Iterator[tuple[str, bool]]:
        """Yield the fields that show whether they were written.

        A secret does not, nor does what somebody else has written since.
        """
        for own in fields:
            if isinstance(own.new, Secret) or isinstance(own.old, Secret):
                continue
            after, before = self._is(own, now, new=True), self._is(own, now, new=False)
            if after is not before:
                yield own.name, after

    def _is(self, own: FieldChange, now: ObservedObject, *, new: bool) -> bool:
        kind = self.restoring.schema.kinds[now.key.kind]
        if not kind.is_shared(own.name):
            return self.restoring.stands(own.name, own.new if new else own.old, now)
        have = now.relations.get(own.name)
        peers = have if isinstance(have, frozenset) else frozenset()
        before, after = self.restoring.ids(own.old), self.restoring.ids(own.new)
        came, went = (after - before, before - after) if new else (before - after, after - before)
        return came <= peers and not went & peers
