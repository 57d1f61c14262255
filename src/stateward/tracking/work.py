"""What the parts of one running session share: the target, the group, and the account."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from stateward.errors import Code, ConfigError, TargetRefused
from stateward.model.identity import ObjectKey
from stateward.model.plan import PRUNING, Action, Change, Plan
from stateward.model.schema import Attribute
from stateward.model.state import Observed, ObservedObject
from stateward.model.unit import ADOPTED, Adopt, Limits, UnitSettings
from stateward.planning.question import UnitFacts
from stateward.ports import Query, Session, Target
from stateward.schema import values
from stateward.tracking.carry import Carrier
from stateward.tracking.ledger import Ledger
from stateward.tracking.membership import Membership
from stateward.tracking.naming import describe
from stateward.tracking.outcome import Tally
from stateward.tracking.session import INTERNAL, Tracking


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSettings:
    """What a session was asked to be."""

    identifier: str
    params: Mapping[str, Any]
    group: str
    """The name of its tracking group."""
    group_kind: str
    group_params: Mapping[str, Any]
    delete_unused_nodes: bool
    limits: Limits
    actor: str = ""
    """Whose doing it is, for the record."""
    caller: str = ""
    """The place in the script that asked for it, for the record."""

    def facts(self, *, prune: bool) -> UnitFacts:
        """Return the session as the planner knows units: what a script wants may be taken over."""
        settings = UnitSettings(prune=prune, adopt=Adopt.ALWAYS, limits=self.limits, may_empty=True)
        return UnitFacts(settings=settings, group=self.group, revision="")


@dataclass(slots=True)
class Work:
    """One session at work. Whatever is written goes through here."""

    settings: SessionSettings
    target: Target
    session: Session
    tracking: Tracking
    begin: Callable[[], Awaitable[None]]
    """Opens the run in the journal, before the first write."""
    membership: Membership
    group: ObservedObject | None
    """The tracking group as it was when the session began, if there was one."""
    tally: Tally = field(default_factory=Tally)
    names: dict[str, ObjectKey] = field(default_factory=dict)
    """What objects are called that the session met, by their ids."""
    spelled: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """Their attributes, as far as they were met."""
    lost: str | None = None
    """Why it is not known what became of the last write, where it is not."""
    _kept: bool = False

    @property
    def unit(self) -> str:
        return self.settings.group

    def withhold(self, reason: str) -> None:
        """Let there be no prune; the first reason is the one that is told."""
        self.tally.withheld = self.tally.withheld or reason

    def meet(self, node: str, key: ObjectKey, attributes: Mapping[str, Any]) -> None:
        self.names[node] = key
        self.spelled[node] = {**self.spelled.get(node, {}), **attributes}

    async def keep_group(self, *, adopts: bool) -> None:
        """Have the group, as it is to be, before anything becomes a member."""
        await self.begin()
        wanted = self.group_changes()
        if not self._kept and (wanted or self.unit not in self.tracking.groups):
            kind = self.settings.group_kind
            refusals = await self.tracking.keep_group(self.unit, kind, wanted)
            self._demand(refusals.get(self.unit))
        self._kept = True
        if adopts and not self.tracking.has_group(self.unit, adopts=True):
            refusals = await self.tracking.open_adopted([self.unit])
            self._demand(refusals.get(self.unit))
        self.membership.groups.update(self.tracking.groups)

    async def settle_group(self) -> None:
        """Have the group as it is to be, where there is one: it may be another tool's so far."""
        if not self._kept and self.group is not None and self.group_changes():
            await self.keep_group(adopts=False)

    def _demand(self, refusal: Any) -> None:
        if refusal is not None:
            message = f"the tracking group {self.unit} was refused: {refusal.message}"
            raise TargetRefused(message, code=refusal.code)

    def group_changes(self) -> dict[str, Any]:
        """Return what is to be written on the group, where it is there already or is to be made."""
        kind = self.session.schema.kinds[self.settings.group_kind]
        description = kind.attributes["description"]
        told = {
            "description": describe(self.settings.params, description.max_length) or None,
            **INTERNAL,
            **self.settings.group_params,
        }
        wanted = {name: _normal(kind.attributes.get(name), name, own) for name, own in told.items()}
        have = self.group.attributes if self.group is not None else {}
        return {name: own for name, own in wanted.items() if (have.get(name) or None) != own}

    async def carry(self, plan: Plan, changes: Iterable[Change]) -> Ledger:
        """Carry changes out and take note of what came of them."""
        going = list(changes)
        ledger = Ledger(plan)
        if not going:
            return ledger
        joining = [own for own in going if own.action in {Action.CREATE, Action.ADOPT}]
        if joining:
            await self.keep_group(adopts=any(own.adopted for own in joining))
        else:
            await self.begin()
        carrier = Carrier(self.tracking, ledger, self.target.batch, self.target.in_flight)
        await carrier.carry(going)
        for change in going:
            if not ledger.missed(change):
                self._take(change)
        return ledger

    def _take(self, change: Change) -> None:
        self.tally.take(change.action, change.key)
        node = change.node or self.tracking.ids[change.key]
        if change.action in {Action.CREATE, Action.ADOPT}:
            self.membership.join(node, change.key, adopted=change.adopted)
        elif change.action in PRUNING:
            self.membership.leave([node])


def _normal(attribute: Attribute | None, name: str, value: Any) -> Any:
    if attribute is None:
        raise ConfigError(f"group_params: {name}: no attribute of the group", code=Code.SESSION)
    try:
        return values.normalise(attribute, value)
    except values.Invalid as invalid:
        raise ConfigError(f"group_params: {name}: {invalid}", code=Code.SESSION) from None


async def look_at_group(
    session: Session, settings: SessionSettings
) -> tuple[Membership, ObservedObject | None, Observed]:
    """Look up a session's group and its members; raises ``ConfigError`` for one of another kind."""
    kind = session.schema.get(settings.group_kind)
    if kind is None or not session.schema.is_a(kind.kind, "CoreGroup"):
        message = f"group_type: {settings.group_kind}: no kind of group"
        raise ConfigError(message, code=Code.SESSION)
    name = settings.group
    observed = await session.observe(
        Query(
            groups=[name, name + ADOPTED],
            keys=[ObjectKey(kind.kind, (name,))],
            fields={kind.kind: frozenset(kind.attributes)},
        )
    )
    membership = Membership.of(name, observed)
    node = membership.groups.get(name)
    group = observed.objects.get(node or "")
    if node is not None and group is None:
        message = f"group_type: {kind.kind}: {name} is a group of another kind"
        raise ConfigError(message, code=Code.SESSION)
    return membership, group, observed
